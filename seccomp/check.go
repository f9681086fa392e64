package seccomp

import (
	"errors"
	"strconv"

	"github.com/gobwrap/gobwrap/sandbox/plan"
	"golang.org/x/sys/unix"
)

// MaxInstructions is the kernel's limit for one filter (BPF_MAXINSNS, bpf_common.h).
const MaxInstructions = plan.MaxFilter

// DataSize is the size of what a filter looks at, struct seccomp_data (linux/seccomp.h).
const DataSize = 64

// Check refuses what the kernel would answer with EINVAL, in words: by its size, and
// then, instruction by instruction, by the rules of bpf_check_classic (net/core/filter.c)
// and seccomp_check_filter (kernel/seccomp.c), which have been the same since 3.5.
//
// It is stricter in one thing. A constant answer that the kernel does not know would
// kill the process (before 4.14: the thread); here it is a mistake.
func Check(bpf []byte) error {
	n := len(bpf) / Size
	switch {
	case len(bpf) == 0:
		return errors.New("the seccomp filter is empty")
	case len(bpf)%Size != 0:
		return errors.New("Invalid seccomp data, must be multiple of 8, but there are " + strconv.Itoa(len(bpf)) + " bytes")
	case n > MaxInstructions:
		return errors.New("the seccomp filter has more than " + strconv.Itoa(MaxInstructions) + " instructions, the kernel's limit")
	}
	for i := range n {
		if why := objection(At(bpf, i), n-i-1); why != "" {
			return wrong(i, why)
		}
	}
	if unix.BPF_RET != At(bpf, n-1).Code&7 {
		return errors.New("the seccomp filter does not end with a return")
	}
	return checkMemory(bpf, n)
}

func wrong(i int, why string) error {
	return errors.New("instruction " + strconv.Itoa(i) + " of the seccomp filter " + why)
}

// objection says what is wrong with an instruction that has so many behind it.
func objection(ins Instruction, behind int) string {
	switch ins.Code {
	case unix.BPF_RET | unix.BPF_K:
		if ActionName(ins.K) == "" {
			return "returns " + hex(ins.K) + ", an action that the kernel does not know"
		}
	case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
		if ins.K >= DataSize || ins.K%4 != 0 {
			return "loads from offset " + number(ins.K) + ": there are 64 bytes, in words of 4"
		}
	case unix.BPF_LD | unix.BPF_MEM, unix.BPF_LDX | unix.BPF_MEM, unix.BPF_ST, unix.BPF_STX:
		if ins.K >= unix.BPF_MEMWORDS {
			return "uses cell " + number(ins.K) + " of the memory, which has 16"
		}
	case unix.BPF_JMP | unix.BPF_JA:
		if uint64(ins.K) >= uint64(behind) {
			return beyond(uint64(ins.K), behind)
		}
	case unix.BPF_ALU | unix.BPF_DIV | unix.BPF_K:
		if ins.K == 0 {
			return "divides by 0"
		}
	case unix.BPF_ALU | unix.BPF_LSH | unix.BPF_K, unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K:
		if ins.K >= 32 {
			return "shifts by " + number(ins.K) + " bits"
		}
	default:
		if Conditional(ins) {
			if far := int(max(ins.JT, ins.JF)); far >= behind {
				return beyond(uint64(far), behind)
			}
		} else if !plain(ins.Code) {
			return "(code " + hex(uint32(ins.Code)) + ") is none that seccomp takes"
		}
	}
	return ""
}

// Conditional tells whether an instruction jumps by a comparison.
func Conditional(ins Instruction) bool {
	switch ins.Code &^ unix.BPF_X {
	case unix.BPF_JMP | unix.BPF_JEQ, unix.BPF_JMP | unix.BPF_JGT, unix.BPF_JMP | unix.BPF_JGE, unix.BPF_JMP | unix.BPF_JSET:
		return true
	}
	return false
}

// plain are the instructions with which nothing can be wrong.
func plain(code uint16) bool {
	switch code {
	case unix.BPF_RET | unix.BPF_A,
		unix.BPF_LD | unix.BPF_IMM, unix.BPF_LDX | unix.BPF_IMM,
		unix.BPF_LD | unix.BPF_W | unix.BPF_LEN, unix.BPF_LDX | unix.BPF_W | unix.BPF_LEN,
		unix.BPF_MISC | unix.BPF_TAX, unix.BPF_MISC | unix.BPF_TXA,
		unix.BPF_ALU | unix.BPF_NEG,
		unix.BPF_ALU | unix.BPF_ADD | unix.BPF_K, unix.BPF_ALU | unix.BPF_ADD | unix.BPF_X,
		unix.BPF_ALU | unix.BPF_SUB | unix.BPF_K, unix.BPF_ALU | unix.BPF_SUB | unix.BPF_X,
		unix.BPF_ALU | unix.BPF_MUL | unix.BPF_K, unix.BPF_ALU | unix.BPF_MUL | unix.BPF_X,
		unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, unix.BPF_ALU | unix.BPF_AND | unix.BPF_X,
		unix.BPF_ALU | unix.BPF_OR | unix.BPF_K, unix.BPF_ALU | unix.BPF_OR | unix.BPF_X,
		unix.BPF_ALU | unix.BPF_XOR | unix.BPF_K, unix.BPF_ALU | unix.BPF_XOR | unix.BPF_X,
		unix.BPF_ALU | unix.BPF_DIV | unix.BPF_X,
		unix.BPF_ALU | unix.BPF_LSH | unix.BPF_X, unix.BPF_ALU | unix.BPF_RSH | unix.BPF_X:
		return true
	}
	return false
}

// checkMemory refuses to read a cell that is not written on every way there.
func checkMemory(bpf []byte, n int) error {
	all := ^uint16(0)
	written := make([]uint16, n+1) // by whoever jumps to an instruction
	for i := range written {
		written[i] = all
	}
	here := uint16(0)
	for i := range n {
		here &= written[i]
		ins := At(bpf, i)
		switch ins.Code {
		case unix.BPF_ST, unix.BPF_STX:
			here |= 1 << ins.K
		case unix.BPF_LD | unix.BPF_MEM, unix.BPF_LDX | unix.BPF_MEM:
			if here>>ins.K&1 == 0 {
				return wrong(i, "reads cell "+number(ins.K)+" of the memory, which was not written on every way there")
			}
		case unix.BPF_JMP | unix.BPF_JA:
			written[i+1+int(ins.K)] &= here
			here = all
		default:
			if Conditional(ins) {
				written[i+1+int(ins.JT)] &= here
				written[i+1+int(ins.JF)] &= here
				here = all
			}
		}
	}
	return nil
}

func beyond(far uint64, behind int) string {
	return "jumps over " + strconv.FormatUint(far, 10) + " instructions, but only " + strconv.Itoa(behind) + " follow"
}

func number(k uint32) string { return strconv.FormatUint(uint64(k), 10) }
func hex(k uint32) string    { return "0x" + strconv.FormatUint(uint64(k), 16) }
