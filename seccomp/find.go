package seccomp

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// MaxInstructions is the kernel's limit for one filter (BPF_MAXINSNS, bpf_common.h).
const MaxInstructions = plan.MaxFilter

// DataSize is the size of what a filter looks at, struct seccomp_data (linux/seccomp.h).
const DataSize = 64

// Reason is what is wrong with a filter.
type Reason uint8

// The reasons. Sound means that there is none.
const (
	Sound Reason = iota
	Empty
	Uneven         // not whole instructions
	TooLong        //
	NoReturn       // at its end
	UnknownAction  // a constant answer; see ActionName
	BadOffset      // outside of struct seccomp_data, or inside of a word
	BadCell        // there are 16 (BPF_MEMWORDS)
	UnwrittenCell  // read before it is written, on some way
	FarJump        // beyond the end
	DivisionByZero // by a constant
	WideShift      // by 32 or more
	UnknownCode    // no instruction, or one that seccomp does not take
)

// Flaw is what is wrong with a filter, and where. The zero value is nothing.
type Flaw struct {
	Why Reason
	At  int    // index of the instruction
	N   uint64 // the number that is wrong
}

// Cells is memory for [Find]: for each instruction, the cells of a filter's memory that are
// written whichever way leads there.
type Cells [MaxInstructions + 1]uint16

// Find looks for what the kernel would answer with EINVAL: by the filter's size, and then,
// instruction by instruction, by the rules of bpf_check_classic (net/core/filter.c) and
// seccomp_check_filter (kernel/seccomp.c), which have been the same since 3.5. It needs no
// Go runtime.
//
// It is stricter in one thing. A constant answer that the kernel does not know would
// kill the process (before 4.14: the thread); here it is a mistake.
func Find(bpf []byte, cells *Cells) Flaw {
	n := len(bpf) / Size
	switch {
	case len(bpf) == 0:
		return Flaw{Why: Empty}
	case len(bpf)%Size != 0:
		return Flaw{Why: Uneven}
	case n > MaxInstructions:
		return Flaw{Why: TooLong}
	}
	for i := range n {
		// Jumps lead forwards only, so whatever is judged here is judged before it can run.
		if f := objection(At(bpf, i), n-i-1); f.Why != Sound {
			f.At = i
			return f
		}
	}
	// With no jump beyond the end, this keeps every way inside: each leads to a return.
	if unix.BPF_RET != At(bpf, n-1).Code&7 {
		return Flaw{Why: NoReturn}
	}
	return findUnwritten(bpf, n, cells)
}

// objection finds what is wrong with an instruction that has so many behind it.
func objection(ins Instruction, behind int) Flaw {
	k := uint64(ins.K)
	switch ins.Code {
	case unix.BPF_RET | unix.BPF_K:
		if ActionName(ins.K) == "" {
			return Flaw{Why: UnknownAction, N: k}
		}
	// The only load of what is filtered that seccomp has: a word of struct seccomp_data.
	case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
		if ins.K >= DataSize || ins.K%4 != 0 {
			return Flaw{Why: BadOffset, N: k}
		}
	case unix.BPF_LD | unix.BPF_MEM, unix.BPF_LDX | unix.BPF_MEM, unix.BPF_ST, unix.BPF_STX:
		if ins.K >= unix.BPF_MEMWORDS {
			return Flaw{Why: BadCell, N: k}
		}
	case unix.BPF_JMP | unix.BPF_JA:
		if k >= uint64(behind) {
			return Flaw{Why: FarJump, N: k}
		}
	// By a register it is checked when it runs: the filter then returns 0, which kills.
	case unix.BPF_ALU | unix.BPF_DIV | unix.BPF_K:
		if ins.K == 0 {
			return Flaw{Why: DivisionByZero}
		}
	case unix.BPF_ALU | unix.BPF_LSH | unix.BPF_K, unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K:
		if ins.K >= 32 {
			return Flaw{Why: WideShift, N: k}
		}
	default:
		if Conditional(ins) {
			if far := int(max(ins.JT, ins.JF)); far >= behind {
				return Flaw{Why: FarJump, N: uint64(far)}
			}
		} else if !plain(ins.Code) {
			return Flaw{Why: UnknownCode, N: uint64(ins.Code)}
		}
	}
	return Flaw{}
}

// Conditional reports whether an instruction jumps by a comparison.
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

// findUnwritten looks for a cell that is read and not written on every way there.
func findUnwritten(bpf []byte, n int, written *Cells) Flaw {
	all := ^uint16(0)
	for i := range n + 1 {
		written[i] = all // by each jump to an instruction
	}
	here := uint16(0)
	for i := range n {
		// What is written on the way from above, and on each jump to here.
		here &= written[i]
		ins := At(bpf, i)
		switch ins.Code {
		case unix.BPF_ST, unix.BPF_STX:
			here |= 1 << ins.K
		case unix.BPF_LD | unix.BPF_MEM, unix.BPF_LDX | unix.BPF_MEM:
			if here>>ins.K&1 == 0 {
				return Flaw{Why: UnwrittenCell, At: i, N: uint64(ins.K)}
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
	return Flaw{}
}
