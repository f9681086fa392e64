package bpf

import (
	"encoding/binary"

	"github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

// Program is a filter that may be run: [Load] has checked it.
type Program []seccomp.Instruction

// Load reads a filter, which has to be one that the kernel would take.
func Load(filter []byte) (Program, error) {
	if err := seccomp.Check(filter); err != nil {
		return nil, err
	}
	p := make(Program, len(filter)/seccomp.Size)
	for i := range p {
		p[i] = seccomp.At(filter, i)
	}
	return p, nil
}

// Data is what a filter looks at, struct seccomp_data (linux/seccomp.h).
type Data struct {
	NR   int32  // the number of the call
	Arch uint32 // AUDIT_ARCH_*
	IP   uint64
	Args [6]uint64
}

// word returns the word of four bytes at offset k.
func (d *Data) word(k uint32) uint32 {
	switch k {
	case 0:
		return uint32(d.NR)
	case 4:
		return d.Arch
	}
	var b [8]byte
	value := d.IP
	if k >= 16 {
		value = d.Args[(k-16)/8]
	}
	binary.NativeEndian.PutUint64(b[:], value)
	return binary.NativeEndian.Uint32(b[k%8:])
}

// machine is the state of a run: two registers and the memory.
type machine struct {
	a, x uint32
	m    [unix.BPF_MEMWORDS]uint32
}

// Run returns what the filter answers to a call. All jumps lead forward, so it ends.
func (p Program) Run(d Data) uint32 {
	var m machine
	for pc := 0; ; pc++ {
		ins := p[pc]
		switch ins.Code & 7 {
		case unix.BPF_RET:
			if ins.Code&0x18 == unix.BPF_A {
				return m.a
			}
			return ins.K
		case unix.BPF_JMP:
			pc += m.jump(ins)
		case unix.BPF_ALU:
			if ins.Code == unix.BPF_ALU|unix.BPF_DIV|unix.BPF_X && m.x == 0 {
				return 0 // the kernel ends the program with 0, which kills
			}
			m.alu(ins)
		default:
			m.move(ins, &d)
		}
	}
}

// move is what loads and stores.
func (m *machine) move(ins seccomp.Instruction, d *Data) {
	switch ins.Code {
	case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
		m.a = d.word(ins.K)
	case unix.BPF_LD | unix.BPF_IMM:
		m.a = ins.K
	case unix.BPF_LDX | unix.BPF_IMM:
		m.x = ins.K
	case unix.BPF_LD | unix.BPF_W | unix.BPF_LEN:
		m.a = seccomp.DataSize
	case unix.BPF_LDX | unix.BPF_W | unix.BPF_LEN:
		m.x = seccomp.DataSize
	case unix.BPF_LD | unix.BPF_MEM:
		m.a = m.m[ins.K]
	case unix.BPF_LDX | unix.BPF_MEM:
		m.x = m.m[ins.K]
	case unix.BPF_ST:
		m.m[ins.K] = m.a
	case unix.BPF_STX:
		m.m[ins.K] = m.x
	case unix.BPF_MISC | unix.BPF_TAX:
		m.x = m.a
	case unix.BPF_MISC | unix.BPF_TXA:
		m.a = m.x
	}
}

// operand returns the constant, or X.
func (m *machine) operand(ins seccomp.Instruction) uint32 {
	if ins.Code&unix.BPF_X != 0 {
		return m.x
	}
	return ins.K
}

// jump returns how many instructions to skip.
func (m *machine) jump(ins seccomp.Instruction) int {
	var yes bool
	switch v := m.operand(ins); ins.Code & 0xf0 {
	case unix.BPF_JA:
		return int(ins.K)
	case unix.BPF_JEQ:
		yes = m.a == v
	case unix.BPF_JGT:
		yes = m.a > v
	case unix.BPF_JGE:
		yes = m.a >= v
	case unix.BPF_JSET:
		yes = m.a&v != 0
	}
	if yes {
		return int(ins.JT)
	}
	return int(ins.JF)
}

func (m *machine) alu(ins seccomp.Instruction) {
	v := m.operand(ins)
	switch ins.Code & 0xf0 {
	case unix.BPF_ADD:
		m.a += v
	case unix.BPF_SUB:
		m.a -= v
	case unix.BPF_MUL:
		m.a *= v
	case unix.BPF_DIV:
		m.a /= v
	case unix.BPF_AND:
		m.a &= v
	case unix.BPF_OR:
		m.a |= v
	case unix.BPF_XOR:
		m.a ^= v
	case unix.BPF_LSH:
		m.a <<= v & 31 // what 32-bit registers do
	case unix.BPF_RSH:
		m.a >>= v & 31
	case unix.BPF_NEG:
		m.a = -m.a
	}
}
