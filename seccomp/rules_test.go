package seccomp_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

type ins = seccomp.Instruction

func assemble(list ...ins) (bpf []byte) {
	for _, i := range list {
		bpf = seccomp.Append(bpf, i)
	}
	return bpf
}

var (
	allow = ins{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	load  = ins{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}
)

// jump is a conditional jump.
func jump(jt, jf uint8) ins {
	return ins{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, JT: jt, JF: jf}
}

func cell(code uint16, k uint32) ins { return ins{Code: code, K: k} }

// rules are filters that break one rule each, or just do not.
var rules = []struct {
	name string
	code []ins
	want string // part of the error; "" for none
}{
	{"a return", []ins{allow}, ""},
	{"no return at the end", []ins{allow, load}, "does not end with a return"},
	{"return A at the end", []ins{load, {Code: unix.BPF_RET | unix.BPF_A}}, ""},
	{"return X", []ins{{Code: unix.BPF_RET | unix.BPF_X}}, "instruction 0 of the seccomp filter (code 0xe) is not one"},
	{"an unknown code", []ins{allow, {Code: 0xffff}, allow}, "instruction 1 of the seccomp filter (code 0xffff) is not one"},
	{"a byte of a packet", []ins{{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS}, allow}, "(code 0x30) is not one"},
	{"half a word", []ins{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS}, allow}, "(code 0x28) is not one"},
	{"an indirect load", []ins{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_IND}, allow}, "(code 0x40) is not one"},
	{"a header's length", []ins{{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH}, allow}, "(code 0xb1) is not one"},
	{"modulo", []ins{{Code: unix.BPF_ALU | unix.BPF_MOD | unix.BPF_K, K: 3}, allow}, "(code 0x94) is not one"},
	{"-X", []ins{{Code: unix.BPF_ALU | unix.BPF_NEG | unix.BPF_X}, allow}, "(code 0x8c) is not one"},

	{"the last word", []ins{cell(load.Code, 60), allow}, ""},
	{"beyond the last word", []ins{cell(load.Code, 64), allow}, "loads from offset 64"},
	{"half a word further", []ins{cell(load.Code, 2), allow}, "loads from offset 2:"},
	{"an ancillary load", []ins{cell(load.Code, 0xfffff000), allow}, "loads from offset 4294963200"},

	{"the last cell", []ins{cell(unix.BPF_ST, 15), cell(unix.BPF_LD|unix.BPF_MEM, 15), allow}, ""},
	{"a cell too far", []ins{cell(unix.BPF_ST, 16), allow}, "uses cell 16"},
	{"a cell too far, from X", []ins{cell(unix.BPF_STX, 99), allow}, "uses cell 99"},
	{"a cell too far, to A", []ins{cell(unix.BPF_LD|unix.BPF_MEM, 16), allow}, "uses cell 16"},
	{"a cell never written", []ins{cell(unix.BPF_LD|unix.BPF_MEM, 3), allow}, "instruction 0 of the seccomp filter reads cell 3"},
	{"another cell was written", []ins{cell(unix.BPF_ST, 2), cell(unix.BPF_LDX|unix.BPF_MEM, 3), allow}, "reads cell 3"},
	{"written on one way only", []ins{jump(0, 1), cell(unix.BPF_ST, 3), cell(unix.BPF_LD|unix.BPF_MEM, 3), allow}, "instruction 2 of the seccomp filter reads cell 3"},
	{"written on both ways", []ins{jump(0, 2), cell(unix.BPF_ST, 3), {Code: unix.BPF_JMP | unix.BPF_JA, K: 1}, cell(unix.BPF_STX, 3), cell(unix.BPF_LD|unix.BPF_MEM, 3), allow}, ""},
	{"written before both ways", []ins{cell(unix.BPF_ST, 3), jump(0, 1), load, cell(unix.BPF_LD|unix.BPF_MEM, 3), allow}, ""},

	{"a jump to the last", []ins{{Code: unix.BPF_JMP | unix.BPF_JA, K: 1}, load, allow}, ""},
	{"a jump behind the last", []ins{{Code: unix.BPF_JMP | unix.BPF_JA, K: 2}, load, allow}, "jumps over 2 instructions, but only 2 follow"},
	{"a jump back", []ins{load, {Code: unix.BPF_JMP | unix.BPF_JA, K: 0xfffffffe}, allow}, "jumps over 4294967294 instructions"},
	{"both ways to the last", []ins{jump(1, 1), load, allow}, ""},
	{"yes leads out", []ins{jump(2, 0), load, allow}, "jumps over 2"},
	{"no leads out", []ins{jump(0, 255), load, allow}, "jumps over 255"},

	{"divided by 1", []ins{{Code: unix.BPF_ALU | unix.BPF_DIV | unix.BPF_K, K: 1}, allow}, ""},
	{"divided by 0", []ins{{Code: unix.BPF_ALU | unix.BPF_DIV | unix.BPF_K}, allow}, "divides by 0"},
	{"divided by X", []ins{{Code: unix.BPF_ALU | unix.BPF_DIV | unix.BPF_X}, allow}, ""},
	{"31 bits", []ins{{Code: unix.BPF_ALU | unix.BPF_LSH | unix.BPF_K, K: 31}, allow}, ""},
	{"32 bits to the left", []ins{{Code: unix.BPF_ALU | unix.BPF_LSH | unix.BPF_K, K: 32}, allow}, "shifts by 32 bits"},
	{"32 bits to the right", []ins{{Code: unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K, K: 32}, allow}, "shifts by 32 bits"},

	{"kill_process", []ins{cell(allow.Code, unix.SECCOMP_RET_KILL_PROCESS)}, ""},
	{"kill_thread", []ins{cell(allow.Code, 0)}, ""},
	{"trap", []ins{cell(allow.Code, unix.SECCOMP_RET_TRAP|7)}, ""},
	{"errno", []ins{cell(allow.Code, unix.SECCOMP_RET_ERRNO|0xffff)}, ""},
	{"user_notif", []ins{cell(allow.Code, unix.SECCOMP_RET_USER_NOTIF)}, ""},
	{"trace", []ins{cell(allow.Code, unix.SECCOMP_RET_TRACE|1)}, ""},
	{"log", []ins{cell(allow.Code, unix.SECCOMP_RET_LOG)}, ""},
	{"an errno without an action", []ins{cell(allow.Code, uint32(unix.EPERM))}, ""}, // kill_thread, with data
	{"an unknown action", []ins{load, cell(allow.Code, 0x00060001), allow}, "instruction 1 of the seccomp filter returns 0x60001, an action"},
	{"a negative errno", []ins{cell(allow.Code, 0xffffffff)}, "returns 0xffffffff"},
}

func TestCheckRules(t *testing.T) {
	for _, r := range rules {
		err := seccomp.Check(assemble(r.code...))
		if r.want == "" && err != nil || r.want != "" && (err == nil || !strings.Contains(err.Error(), r.want)) {
			t.Errorf("%s: %v, want %q", r.name, err, r.want)
		}
	}
}

// stricter reports whether Check refuses for a reason that the kernel has not.
func stricter(err error) bool {
	return strings.Contains(err.Error(), "an action that the kernel does not know")
}

// TestCheckAgreesWithTheKernel compares Check with the kernel that runs: for the table
// above, for every code, and for random filters.
func TestCheckAgreesWithTheKernel(t *testing.T) {
	taken, refused := 0, 0
	inJudge(t, func(judge func([]byte) bool) {
		compare := func(name string, bpf []byte) {
			err := seccomp.Check(bpf)
			kernel := judge(bpf)
			if kernel != (err == nil) && (err == nil || !stricter(err)) {
				t.Errorf("%s: Check says %v, the kernel takes it: %v\n%v", name, err, kernel, bpf)
			}
			if kernel {
				taken++
			} else {
				refused++
			}
		}
		for _, r := range rules {
			compare(r.name, assemble(r.code...))
		}
		for code := range 1 << 16 {
			for _, k := range []uint32{0, 1, 40} {
				// A jump has somewhere to go, and every cell has been written.
				if code < 256 || k == 0 {
					compare("a code", assemble(cell(unix.BPF_ST, 0), cell(unix.BPF_ST, 1), ins{Code: uint16(code), K: k}, allow, allow))
				}
			}
		}
		random := uint32(1)
		next := func(n int) int { // xorshift32
			random ^= random << 13
			random ^= random >> 17
			random ^= random << 5
			return int(random % uint32(n))
		}
		for range 20000 {
			compare("random", assemble(randomFilter(next)...))
		}
	})
	if taken < 1000 || refused < 1000 {
		t.Errorf("%d taken, %d refused: this says little", taken, refused)
	}
}

// randomFilter is a short filter of mostly valid parts.
func randomFilter(next func(int) int) []ins {
	codes := []uint16{
		unix.BPF_ST, unix.BPF_STX, unix.BPF_LD | unix.BPF_MEM, unix.BPF_LDX | unix.BPF_MEM,
		unix.BPF_JMP | unix.BPF_JA, unix.BPF_JMP | unix.BPF_JEQ, unix.BPF_JMP | unix.BPF_JGT | unix.BPF_X, unix.BPF_JMP | unix.BPF_JSET,
		load.Code, unix.BPF_ALU | unix.BPF_RSH, unix.BPF_ALU | unix.BPF_DIV, unix.BPF_MISC | unix.BPF_TAX, allow.Code,
	}
	list := make([]ins, 2+next(10))
	for i := range list {
		list[i] = ins{Code: codes[next(len(codes))], JT: uint8(next(4)), JF: uint8(next(4)), K: uint32(next(4))}
		switch {
		case list[i].Code == allow.Code:
			list[i].K = unix.SECCOMP_RET_ALLOW
		case next(20) == 0:
			list[i].K = uint32(next(70))
		}
	}
	list[len(list)-1] = allow
	return list
}

// inJudge runs f with a judge that reports whether the kernel takes a filter, without
// installing it: its thread has as many filters as it may, so that the kernel answers
// ENOMEM where it would install one, and EINVAL where it would not. The thread ends with
// the test.
func inJudge(t *testing.T, f func(judge func([]byte) bool)) {
	t.Helper()
	var failed unix.Errno
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // until the process ends
		if _, _, failed = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); failed != 0 {
			return
		}
		large := assemble(slices.Repeat([]ins{allow}, seccomp.MaxInstructions)...)
		small := assemble(allow)
		for e := install(large); e != unix.ENOMEM; e = install(large) {
			if e != 0 {
				failed = e
				return
			}
		}
		e := install(small)
		for e == 0 {
			e = install(small)
		}
		if e != unix.ENOMEM {
			failed = e
			return
		}
		f(func(bpf []byte) bool {
			switch e := install(bpf); e {
			case unix.ENOMEM:
				return true
			case unix.EINVAL:
				return false
			default:
				failed = e
				return false
			}
		})
	}()
	<-done
	if failed != 0 {
		t.Fatalf("the judge: %v", failed)
	}
}

// install gives this thread a filter.
func install(bpf []byte) unix.Errno {
	prog := unix.SockFprog{Len: uint16(len(bpf) / seccomp.Size), Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(bpf)))}
	_, _, e := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)))
	return e
}
