package profile

import (
	"errors"

	"github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

// The calls of x32 that are not those of x86-64 have these numbers, with the x32 bit.
const (
	firstOfX32 = 512
	lastOfX32  = 547
)

// guard is the beginning of every filter for amd64. It refuses the call numbers 512 to 547 without the
// x32 bit, which no profile can do. Before Linux 5.4, a kernel with CONFIG_X86_X32 treated 514, which
// is not a 64-bit call, as ioctl. A filter that refuses some ioctls by name, and permits calls that
// it does not know, let it pass. Since commit 6365b842aae4 (5.4) the kernel answers ENOSYS, as the
// guard does. 64-bit numbers with the bit are refused by every profile that does not list x32.
func guard() (code []byte) {
	for _, ins := range []seccomp.Instruction{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 4},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.AUDIT_ARCH_X86_64, JF: 4},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: firstOfX32, JF: 2},
		{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, K: lastOfX32, JT: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
	} {
		code = seccomp.Append(code, ins)
	}
	return code
}

// passOn makes a filter go on behind its end where it would allow. Other answers that
// let a call happen (to log it, or to ask a tracer) would keep it from the filters that
// follow, so they are refused. With filters that are installed one after another the
// kernel takes the severest answer instead; of those that are left here, each refuses.
func passOn(code []byte) (out []byte, err error) {
	n := len(code) / seccomp.Size
	for i := range n {
		ins := seccomp.At(code, i)
		if ins.Code == unix.BPF_RET|unix.BPF_K {
			switch seccomp.Action(ins.K) {
			case unix.SECCOMP_RET_ALLOW:
				ins = seccomp.Instruction{Code: unix.BPF_JMP | unix.BPF_JA, K: uint32(n - i - 1)}
			case unix.SECCOMP_RET_LOG, unix.SECCOMP_RET_TRACE:
				return nil, errors.New("SCMP_ACT_LOG and SCMP_ACT_TRACE let a call pass: this profile must come last")
			}
		}
		out = seccomp.Append(out, ins)
	}
	return out, nil
}
