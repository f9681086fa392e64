package seccomp

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import "golang.org/x/sys/unix"

// Action returns the part of a filter's answer that says what happens; the rest is data. See
// seccomp(2), "Filters". Kernels before 4.14 had 15 bits for it, and no
// SECCOMP_RET_KILL_PROCESS and SECCOMP_RET_LOG; SECCOMP_RET_USER_NOTIF is of 5.0.
func Action(answer uint32) uint32 { return answer & unix.SECCOMP_RET_ACTION_FULL }

// ActionName returns the kernel's name of an answer's action, as
// /proc/sys/kernel/seccomp/actions_avail has it, or empty: what the kernel does not know, it
// takes for kill_process.
func ActionName(answer uint32) string {
	switch Action(answer) {
	case unix.SECCOMP_RET_KILL_PROCESS:
		return "kill_process"
	case unix.SECCOMP_RET_KILL_THREAD:
		return "kill_thread"
	case unix.SECCOMP_RET_TRAP:
		return "trap"
	case unix.SECCOMP_RET_ERRNO:
		return "errno"
	case unix.SECCOMP_RET_USER_NOTIF:
		return "user_notif"
	case unix.SECCOMP_RET_TRACE:
		return "trace"
	case unix.SECCOMP_RET_LOG:
		return "log"
	case unix.SECCOMP_RET_ALLOW:
		return "allow"
	}
	return ""
}
