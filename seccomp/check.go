package seccomp

import (
	"errors"
	"strconv"
)

// Check refuses what the kernel would answer with EINVAL; see [Find].
func Check(bpf []byte) error {
	var cells Cells
	f := Find(bpf, &cells)
	if f.Why == Sound {
		return nil
	}
	return errors.New(f.text(bpf))
}

// text says what is wrong with bpf.
func (f Flaw) text(bpf []byte) string {
	instruction := "instruction " + strconv.Itoa(f.At) + " of the seccomp filter "
	beyond := "jumps over " + strconv.FormatUint(f.N, 10) + " instructions, but only " + strconv.Itoa(len(bpf)/Size-f.At-1) + " follow"
	number := strconv.FormatUint(f.N, 10)
	switch f.Why {
	case Empty:
		return "the seccomp filter is empty"
	case Uneven:
		return "Invalid seccomp data, must be multiple of 8, but there are " + strconv.Itoa(len(bpf)) + " bytes"
	case TooLong:
		return "the seccomp filter has more than " + strconv.Itoa(MaxInstructions) + " instructions, the limit of the kernel"
	case NoReturn:
		return "the seccomp filter does not end with a return"
	case UnknownAction:
		return instruction + "returns 0x" + strconv.FormatUint(f.N, 16) + ", an action that the kernel does not know"
	case BadOffset:
		return instruction + "loads from offset " + number + ": there are 64 bytes, in words of 4"
	case BadCell:
		return instruction + "uses cell " + number + " of the memory, which has 16"
	case UnwrittenCell:
		return instruction + "reads cell " + number + " of the memory, which was not written on every path to it"
	case FarJump:
		return instruction + beyond
	case DivisionByZero:
		return instruction + "divides by 0"
	case WideShift:
		return instruction + "shifts by " + number + " bits"
	default:
		return instruction + "(code 0x" + strconv.FormatUint(f.N, 16) + ") is not one that seccomp permits"
	}
}
