package bpf

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

// Names is what calls are called: a call's name, or empty.
type Names func(a Arch, nr uint32) string

// Dump lists a filter, an instruction a line. Constants that are compared with the
// number of a call are followed by its name, those compared with the architecture by
// that's.
//
//	0  A = arch
//	1  if A == 0xc000003e goto 2 else 9  ; x86_64
//	2  A = nr
//	3  if A == 41 goto 7 else 8          ; socket
func (p Program) Dump(names Names) string {
	var out strings.Builder
	known := make([]knowledge, len(p)+1)
	for i := range known {
		known[i].nobody = true
	}
	known[0] = knowledge{}
	for i, ins := range p {
		now := known[i]
		line := fmt.Sprintf("%4d  %s", i, text(i, ins))
		if note := now.comment(ins, names); note != "" {
			line = fmt.Sprintf("%-46s  ; %s", line, note)
		}
		out.WriteString(line + "\n")
		now.pass(i, ins, known)
	}
	return out.String()
}

// Offsets into Data.
const (
	offNR   = 0
	offArch = 4
	offArgs = 16
)

// knowledge is what is certain at an instruction, whichever way led there.
type knowledge struct {
	nobody bool   // no way leads here
	loaded uint32 // the offset that A was loaded from, plus 1; 0: something else
	audit  uint32 // the architecture; 0: not certain
}

// meet keeps what both know.
func (k *knowledge) meet(o knowledge) {
	switch {
	case o.nobody:
	case k.nobody:
		*k = o
	default:
		if k.loaded != o.loaded {
			k.loaded = 0
		}
		if k.audit != o.audit {
			k.audit = 0
		}
	}
}

// off returns the offset that A was loaded from; none is larger than all.
func (k knowledge) off() uint32 { return k.loaded - 1 }

// comment says what the constant of a comparison stands for.
func (k knowledge) comment(ins seccomp.Instruction, names Names) string {
	if !seccomp.Conditional(ins) || ins.Code&unix.BPF_X != 0 {
		return ""
	}
	switch k.off() {
	case offArch:
		if a, ok := archOf(ins.K, 0); ok {
			return a.Name
		}
	case offNR:
		if a, ok := archOf(k.audit, ins.K); ok && names != nil && ins.Code == unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K {
			return names(a, ins.K)
		}
	}
	return ""
}

// pass tells the instructions that may come next.
func (k knowledge) pass(i int, ins seccomp.Instruction, known []knowledge) {
	switch {
	case ins.Code&7 == unix.BPF_RET:
	case ins.Code == unix.BPF_JMP|unix.BPF_JA:
		known[i+1+int(ins.K)].meet(k)
	case seccomp.Conditional(ins):
		yes := k
		if ins.Code == unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K && k.off() == offArch {
			yes.audit = ins.K
		}
		known[i+1+int(ins.JT)].meet(yes)
		known[i+1+int(ins.JF)].meet(k)
	case ins.Code == unix.BPF_LD|unix.BPF_W|unix.BPF_ABS:
		k.loaded = ins.K + 1
		known[i+1].meet(k)
	default:
		if ins.Code&7 == unix.BPF_LD || ins.Code&7 == unix.BPF_ALU || ins.Code == unix.BPF_MISC|unix.BPF_TXA {
			k.loaded = 0
		}
		known[i+1].meet(k)
	}
}

// text is instruction i, without comment.
func text(i int, ins seccomp.Instruction) string {
	v := operand(ins)
	switch ins.Code & 7 {
	case unix.BPF_RET:
		if ins.Code&0x18 == unix.BPF_A {
			return "return A"
		}
		return "return " + Answer(ins.K)
	case unix.BPF_JMP:
		if ins.Code == unix.BPF_JMP|unix.BPF_JA {
			return "goto " + strconv.Itoa(i+1+int(ins.K))
		}
		return fmt.Sprintf("if A %s %s goto %d else %d", comparison(ins), v, i+1+int(ins.JT), i+1+int(ins.JF))
	case unix.BPF_ALU:
		if ins.Code == unix.BPF_ALU|unix.BPF_NEG {
			return "A = -A"
		}
		return fmt.Sprintf("A %s= %s", operator(ins), v)
	}
	return move(ins)
}

func move(ins seccomp.Instruction) string {
	cell := "M[" + strconv.Itoa(int(ins.K)) + "]"
	switch ins.Code {
	case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
		return "A = " + field(ins.K)
	case unix.BPF_LD | unix.BPF_IMM:
		return "A = " + value(ins.K)
	case unix.BPF_LDX | unix.BPF_IMM:
		return "X = " + value(ins.K)
	case unix.BPF_LD | unix.BPF_W | unix.BPF_LEN:
		return "A = " + strconv.Itoa(seccomp.DataSize)
	case unix.BPF_LDX | unix.BPF_W | unix.BPF_LEN:
		return "X = " + strconv.Itoa(seccomp.DataSize)
	case unix.BPF_LD | unix.BPF_MEM:
		return "A = " + cell
	case unix.BPF_LDX | unix.BPF_MEM:
		return "X = " + cell
	case unix.BPF_ST:
		return cell + " = A"
	case unix.BPF_STX:
		return cell + " = X"
	case unix.BPF_MISC | unix.BPF_TAX:
		return "X = A"
	default:
		return "A = X"
	}
}

// field names what lies at an offset of Data, on a little-endian machine.
func field(k uint32) string {
	switch k {
	case offNR:
		return "nr"
	case offArch:
		return "arch"
	}
	half := ".low"
	if k%8 != 0 {
		half = ".high"
	}
	if k < offArgs {
		return "ip" + half
	}
	return "args[" + strconv.Itoa(int(k-offArgs)/8) + "]" + half
}

func comparison(ins seccomp.Instruction) string {
	switch ins.Code & 0xf0 {
	case unix.BPF_JEQ:
		return "=="
	case unix.BPF_JGT:
		return ">"
	case unix.BPF_JGE:
		return ">="
	default:
		return "&"
	}
}

func operator(ins seccomp.Instruction) string {
	names := [...]string{"+", "-", "*", "/", "|", "&", "<<", ">>", "", "%", "^"}
	return names[ins.Code>>4]
}

func operand(ins seccomp.Instruction) string {
	if ins.Code&unix.BPF_X != 0 {
		return "X"
	}
	return value(ins.K)
}

// value returns a constant: small ones decimal, as the numbers of calls are read.
func value(k uint32) string {
	if k < 1024 {
		return strconv.Itoa(int(k))
	}
	return "0x" + strconv.FormatUint(uint64(k), 16)
}
