package bpf_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/seccomp/bpf"
	"golang.org/x/sys/unix"
)

type ins = seccomp.Instruction

func assemble(list ...ins) (code []byte) {
	for _, i := range list {
		code = seccomp.Append(code, i)
	}
	return code
}

func must(t *testing.T, code []byte) bpf.Program {
	t.Helper()
	p, err := bpf.Load(code)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	retK = unix.BPF_RET | unix.BPF_K
	retA = unix.BPF_RET | unix.BPF_A
	ld   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	imm  = unix.BPF_LD | unix.BPF_IMM
	immX = unix.BPF_LDX | unix.BPF_IMM
	alu  = unix.BPF_ALU
	x    = unix.BPF_X
)

// The call that the fragments are tested with. No kernel has it.
const unusedNR = 1000

var data = bpf.Data{
	NR: unusedNR, Arch: unix.AUDIT_ARCH_X86_64, IP: 0x1122334455667788,
	Args: [6]uint64{0x8000000000000007, 3, 0xfedcba9876543210, 0xffffffffffffffff, 0, 41},
}

// fragments leave a result in A.
var fragments = []struct {
	name string
	code []ins
	want uint32
}{
	{"nr", []ins{{Code: ld, K: 0}}, unusedNR},
	{"arch", []ins{{Code: ld, K: 4}}, unix.AUDIT_ARCH_X86_64},
	{"args[0], low", []ins{{Code: ld, K: 16}}, 7},
	{"args[0], high", []ins{{Code: ld, K: 20}}, 0x80000000},
	{"args[2], low", []ins{{Code: ld, K: 32}}, 0x76543210},
	{"args[2], high", []ins{{Code: ld, K: 36}}, 0xfedcba98},
	{"args[5], low", []ins{{Code: ld, K: 56}}, 41},
	{"args[5], high", []ins{{Code: ld, K: 60}}, 0},
	{"A = k", []ins{{Code: imm, K: 99}}, 99},
	{"A = X", []ins{{Code: immX, K: 98}, {Code: unix.BPF_MISC | unix.BPF_TXA}}, 98},
	{"X = A", []ins{{Code: imm, K: 97}, {Code: unix.BPF_MISC | unix.BPF_TAX}, {Code: imm, K: 1}, {Code: unix.BPF_MISC | unix.BPF_TXA}}, 97},
	{"A = length", []ins{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN}}, 64},
	{"X = length", []ins{{Code: unix.BPF_LDX | unix.BPF_W | unix.BPF_LEN}, {Code: unix.BPF_MISC | unix.BPF_TXA}}, 64},
	{"a cell, by A", []ins{{Code: imm, K: 5}, {Code: unix.BPF_ST, K: 3}, {Code: imm, K: 6}, {Code: unix.BPF_LD | unix.BPF_MEM, K: 3}}, 5},
	{"a cell, by X", []ins{{Code: immX, K: 5}, {Code: unix.BPF_STX, K: 15}, {Code: immX, K: 6}, {Code: unix.BPF_LDX | unix.BPF_MEM, K: 15}, {Code: unix.BPF_MISC | unix.BPF_TXA}}, 5},
	{"+", []ins{{Code: imm, K: 0xfffffff0}, {Code: alu | unix.BPF_ADD, K: 0x20}}, 0x10},
	{"-", []ins{{Code: imm, K: 5}, {Code: immX, K: 7}, {Code: alu | unix.BPF_SUB | x}}, 0xfffffffe},
	{"*", []ins{{Code: imm, K: 0x10001}, {Code: alu | unix.BPF_MUL, K: 0x10001}}, 0x20001},
	{"/", []ins{{Code: imm, K: 0xfffffff0}, {Code: alu | unix.BPF_DIV, K: 7}}, 0xfffffff0 / 7},
	{"/ X", []ins{{Code: imm, K: 100}, {Code: immX, K: 7}, {Code: alu | unix.BPF_DIV | x}}, 14},
	{"&", []ins{{Code: imm, K: 0xff}, {Code: alu | unix.BPF_AND, K: 0x3c}}, 0x3c},
	{"|", []ins{{Code: imm, K: 0xf0}, {Code: immX, K: 0x3c}, {Code: alu | unix.BPF_OR | x}}, 0xfc},
	{"^", []ins{{Code: imm, K: 0xf0}, {Code: alu | unix.BPF_XOR, K: 0x3c}}, 0xcc},
	{"<<", []ins{{Code: imm, K: 0x80000001}, {Code: alu | unix.BPF_LSH, K: 1}}, 2},
	{">>", []ins{{Code: imm, K: 0x80000001}, {Code: alu | unix.BPF_RSH, K: 1}}, 0x40000000},
	{"<< X", []ins{{Code: imm, K: 1}, {Code: immX, K: 5}, {Code: alu | unix.BPF_LSH | x}}, 32},
	{"<< 33 in X", []ins{{Code: imm, K: 1}, {Code: immX, K: 33}, {Code: alu | unix.BPF_LSH | x}}, 2},
	{">> 32 in X", []ins{{Code: imm, K: 3}, {Code: immX, K: 32}, {Code: alu | unix.BPF_RSH | x}}, 3},
	{"-A", []ins{{Code: imm, K: 1}, {Code: alu | unix.BPF_NEG}}, 0xffffffff},
	{"goto", []ins{{Code: imm, K: 1}, {Code: unix.BPF_JMP | unix.BPF_JA, K: 1}, {Code: imm, K: 2}, {Code: alu | unix.BPF_ADD, K: 4}}, 5},
	{"==", branch(unix.BPF_JEQ, 7, 7), 1},
	{"not ==", branch(unix.BPF_JEQ, 7, 8), 0},
	{">", branch(unix.BPF_JGT, 0x80000000, 0x7fffffff), 1}, // without sign
	{"not >", branch(unix.BPF_JGT, 7, 7), 0},
	{">=", branch(unix.BPF_JGE, 7, 7), 1},
	{"not >=", branch(unix.BPF_JGE, 6, 7), 0},
	{"& (jump)", branch(unix.BPF_JSET, 6, 12), 1},
	{"not & (jump)", branch(unix.BPF_JSET, 3, 12), 0},
	{"== X", branchX(unix.BPF_JEQ, 7, 7), 1},
	{"> X", branchX(unix.BPF_JGT, 7, 7), 0},
}

// branch leaves 1 if a compares with k, else 0.
func branch(op uint16, a, k uint32) []ins {
	return []ins{
		{Code: imm, K: a},
		{Code: unix.BPF_JMP | op, K: k, JT: 2},
		{Code: imm, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JA, K: 1},
		{Code: imm, K: 1},
		{Code: immX, K: 0},
	}
}

func branchX(op uint16, a, k uint32) []ins {
	list := append([]ins{{Code: immX, K: k}}, branch(op|x, a, 0)...)
	return list
}

func TestRun(t *testing.T) {
	for _, f := range fragments {
		p := must(t, assemble(append(f.code, ins{Code: retA})...))
		if got := p.Run(data); got != f.want {
			t.Errorf("%s: %#x, want %#x", f.name, got, f.want)
		}
	}
	if got := must(t, assemble(ins{Code: ld, K: 8}, ins{Code: retA})).Run(data); got != 0x55667788 {
		t.Errorf("ip, low: %#x", got)
	}
	if got := must(t, assemble(ins{Code: ld, K: 12}, ins{Code: retA})).Run(data); got != 0x11223344 {
		t.Errorf("ip, high: %#x", got)
	}
	divide := assemble(ins{Code: imm, K: 1}, ins{Code: immX}, ins{Code: alu | unix.BPF_DIV | x}, ins{Code: retK, K: unix.SECCOMP_RET_ALLOW})
	if got := must(t, divide).Run(data); got != 0 {
		t.Errorf("divided by X, which is 0: %#x, want kill_thread", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	if _, err := bpf.Load([]byte("12345678")); err == nil {
		t.Error("taken")
	}
}

func TestAnswer(t *testing.T) {
	for answer, want := range map[uint32]string{
		unix.SECCOMP_RET_ALLOW:             "allow",
		unix.SECCOMP_RET_LOG:               "log",
		unix.SECCOMP_RET_KILL_THREAD:       "kill_thread",
		unix.SECCOMP_RET_KILL_PROCESS:      "kill_process",
		unix.SECCOMP_RET_TRAP:              "trap",
		unix.SECCOMP_RET_TRAP | 5:          "trap 5",
		unix.SECCOMP_RET_TRACE | 1:         "trace 1",
		unix.SECCOMP_RET_USER_NOTIF:        "user_notif",
		unix.SECCOMP_RET_ERRNO | 38:        "errno ENOSYS",
		unix.SECCOMP_RET_ERRNO:             "errno 0",
		unix.SECCOMP_RET_ERRNO | 4000:      "errno 4000",
		unix.SECCOMP_RET_ERRNO | 0xffff:    "errno 4095",
		0x00060000:                         "unknown (0x60000): kill_process",
		unix.SECCOMP_RET_ALLOW | 0xf:       "allow",
		unix.SECCOMP_RET_KILL_PROCESS | 12: "kill_process",
	} {
		if got := bpf.Answer(answer); got != want {
			t.Errorf("%#x: %q, want %q", answer, got, want)
		}
	}
}

func TestParseArch(t *testing.T) {
	for name, want := range map[string]bpf.Arch{
		"x86_64": bpf.X86_64, "amd64": bpf.X86_64, "x86": bpf.X86, "386": bpf.X86, "x32": bpf.X32,
		"aarch64": bpf.AArch64, "arm64": bpf.AArch64, "arm": bpf.ARM,
	} {
		if got, ok := bpf.ParseArch(name); !ok || got != want {
			t.Errorf("%s: %v, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "X86", "s390x"} {
		if _, ok := bpf.ParseArch(name); ok {
			t.Errorf("%q is known", name)
		}
	}
}
