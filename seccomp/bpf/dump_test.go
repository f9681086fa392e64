package bpf_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp/bpf"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write what is found to testdata")

// TestDump holds the listing of a filter with one instruction of each kind against a
// file, which -update writes.
func TestDump(t *testing.T) {
	jmp := uint16(unix.BPF_JMP)
	p := must(t, assemble(
		ins{Code: ld, K: 4},
		ins{Code: jmp | unix.BPF_JEQ, K: unix.AUDIT_ARCH_X86_64, JF: 7},
		ins{Code: ld, K: 0},
		ins{Code: jmp | unix.BPF_JGE, K: bpf.X32Bit, JT: 3},
		ins{Code: jmp | unix.BPF_JEQ, K: 59, JT: 4},
		ins{Code: jmp | unix.BPF_JGT, K: 1},
		ins{Code: jmp | unix.BPF_JSET, K: 2},
		ins{Code: jmp | unix.BPF_JEQ, K: bpf.X32Bit | 16, JT: 1},
		ins{Code: retK, K: unix.SECCOMP_RET_ERRNO | 1},
		ins{Code: ld, K: 0},
		ins{Code: jmp | unix.BPF_JEQ, K: 59}, // of which architecture?
		ins{Code: ld, K: 8},
		ins{Code: ld, K: 16},
		ins{Code: jmp | unix.BPF_JEQ, K: 59},
		ins{Code: ld, K: 60},
		ins{Code: imm, K: 5},
		ins{Code: immX, K: 0xdeadbeef},
		ins{Code: unix.BPF_LD | unix.BPF_LEN},
		ins{Code: unix.BPF_LDX | unix.BPF_LEN},
		ins{Code: unix.BPF_ST, K: 3},
		ins{Code: unix.BPF_STX, K: 4},
		ins{Code: unix.BPF_LD | unix.BPF_MEM, K: 3},
		ins{Code: unix.BPF_LDX | unix.BPF_MEM, K: 4},
		ins{Code: unix.BPF_MISC | unix.BPF_TAX},
		ins{Code: unix.BPF_MISC | unix.BPF_TXA},
		ins{Code: alu | unix.BPF_ADD, K: 1},
		ins{Code: alu | unix.BPF_SUB | x},
		ins{Code: alu | unix.BPF_MUL, K: 2},
		ins{Code: alu | unix.BPF_DIV, K: 3},
		ins{Code: alu | unix.BPF_OR, K: 4},
		ins{Code: alu | unix.BPF_AND, K: 5},
		ins{Code: alu | unix.BPF_LSH, K: 6},
		ins{Code: alu | unix.BPF_RSH, K: 7},
		ins{Code: alu | unix.BPF_XOR, K: 8},
		ins{Code: alu | unix.BPF_NEG},
		ins{Code: jmp | unix.BPF_JEQ | x},
		ins{Code: jmp | unix.BPF_JA},
		ins{Code: ld, K: 4},
		ins{Code: jmp | unix.BPF_JEQ, K: unix.AUDIT_ARCH_AARCH64, JT: 1},
		ins{Code: retA},
		ins{Code: ld},
		ins{Code: jmp | unix.BPF_JEQ, K: 59},
		ins{Code: retK, K: unix.SECCOMP_RET_ALLOW},
	))
	got := p.Dump(func(a bpf.Arch, nr uint32) string {
		if nr&^a.Bit != 59 && nr&^a.Bit != 16 {
			return ""
		}
		return map[bool]string{true: "execve", false: "ioctl"}[nr == 59] + " of " + a.Name
	})
	const file = "testdata/dump.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the listing has changed:\n%s", got)
	}
	if n := strings.Count(p.Dump(nil), "\n"); n != len(p) {
		t.Errorf("%d lines without names", n)
	}
}
