package seccomp

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import "encoding/binary"

// Size is the size of one instruction in bytes.
const Size = 8

// Instruction is struct sock_filter (linux/filter.h).
type Instruction struct {
	Code   uint16
	JT, JF uint8 // where a conditional jump goes on, counted from the next instruction
	K      uint32
}

// At reads instruction i of a filter, which lies in memory as the kernel reads it.
func At(bpf []byte, i int) Instruction {
	b := bpf[Size*i : Size*i+Size]
	return Instruction{
		Code: binary.NativeEndian.Uint16(b),
		JT:   b[2],
		JF:   b[3],
		K:    binary.NativeEndian.Uint32(b[4:]),
	}
}

// Append appends an instruction to a filter.
func Append(bpf []byte, ins Instruction) []byte {
	bpf = binary.NativeEndian.AppendUint16(bpf, ins.Code)
	bpf = append(bpf, ins.JT, ins.JF)
	return binary.NativeEndian.AppendUint32(bpf, ins.K)
}
