package bpf_test

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

// TestRunAgreesWithTheKernel lets the kernel that runs carry out the same fragments: the
// lower 12 bits of the result come back as an error number, those above with them.
func TestRunAgreesWithTheKernel(t *testing.T) {
	for _, f := range fragments {
		for shift := uint32(0); shift < 32; shift += 11 {
			// Another call than the unused one is let through first.
			code := []ins{{Code: ld}, {Code: unix.BPF_JMP | unix.BPF_JEQ, K: unusedNR, JT: 1}, {Code: retK, K: unix.SECCOMP_RET_ALLOW}}
			code = append(code, f.code...)
			code = append(code,
				ins{Code: alu | unix.BPF_RSH, K: shift}, ins{Code: alu | unix.BPF_AND, K: 0x7ff},
				ins{Code: alu | unix.BPF_ADD, K: 1}, // 0 is not an error
				ins{Code: alu | unix.BPF_OR, K: unix.SECCOMP_RET_ERRNO}, ins{Code: retA})
			want := must(t, assemble(code...)).Run(data) & unix.SECCOMP_RET_DATA
			if want != f.want>>shift&0x7ff+1 {
				t.Fatalf("%s: the test itself", f.name)
			}
			if got := uint32(answerOfKernel(t, assemble(code...))); got != want {
				t.Errorf("%s, from bit %d on: the kernel has %#x, we %#x", f.name, shift, got, want)
			}
		}
	}
}

// answerOfKernel makes the unused call under a filter, in a thread that ends with it.
func answerOfKernel(t *testing.T, code []byte) unix.Errno {
	t.Helper()
	var answer, failed unix.Errno
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // permanently
		prog := unix.SockFprog{Len: uint16(len(code) / seccomp.Size), Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(code)))}
		if _, _, failed = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); failed != 0 {
			return
		}
		if _, _, failed = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog))); failed != 0 {
			return
		}
		a := data.Args
		_, _, answer = unix.RawSyscall6(unusedNR, uintptr(a[0]), uintptr(a[1]), uintptr(a[2]), uintptr(a[3]), uintptr(a[4]), uintptr(a[5]))
	}()
	<-done
	if failed != 0 {
		t.Fatalf("installing: %v", failed)
	}
	return answer
}
