package monitor

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor, before there is a first process, and as the caller.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/policy"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// maxSupplementary is how many supplementary groups a process can have (NGROUPS_MAX, setgroups(2)).
const maxSupplementary = 1 << 16

// unmapped is how the kernel shows an owner that a user namespace has no id for
// (/proc/sys/kernel/overflowuid): root, in a sandbox that the launcher starts in.
const unmapped = 65534

// isPermitted asks the administrator's policy.conf about a plan, and says on the socket why it
// does not permit it. Where there is no such file it takes one system call, however many plans
// a launch has. It does not bind root, who writes the file.
func isPermitted(p plan.View) bool {
	if State.unbound {
		return true
	}
	// O_NONBLOCK: a FIFO in its place must not hold the launch up. O_NOFOLLOW: what the file is counts,
	// not what it leads to.
	fd := raw.Openat(raw.AtCwd, raw.Text(policy.Path+"\x00"), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	e := raw.Errno(fd)
	if e == unix.ENOENT || raw.Call(unix.SYS_GETUID, 0, 0, 0, 0, 0, 0) == 0 {
		if e == 0 {
			raw.Close(fd)
		}
		State.unbound = true
		return true
	}
	if e != 0 {
		return reportUntrusted(e, 0)
	}
	var rules policy.Policy
	line, e := readPolicy(fd, &rules)
	raw.Close(fd)
	if e != 0 || line != 0 {
		return reportUntrusted(e, line)
	}
	verdict, option, at := rules.Judge(p, launch.Facts.Embedded)
	if verdict == policy.Permitted {
		return true
	}
	// By its name: a program that is linked with another version may number options in another way.
	launch.Acting.NameWord(option)
	launch.Acting.Say(plan.MsgFault, step.Fault{Sub: plan.SubPolicy}, at, uint32(verdict))
	return false
}

// reportUntrusted says that the file is not as it must be, or which line is not.
func reportUntrusted(e unix.Errno, line uint32) bool {
	launch.Acting.Say(plan.MsgFault, step.Fault{Errno: e, Sub: plan.SubPolicyFile}, plan.NoStep, line)
	return false
}

// readPolicy reads the file into rules. It returns the number of a line that cannot be
// understood; or EPERM, where the file is not root's alone, and other errnos.
func readPolicy(fd uintptr, rules *policy.Policy) (line uint32, e unix.Errno) {
	var st unix.Stat_t
	kind, e := raw.Fstat(fd, &st)
	switch {
	case e != 0:
		return 0, e
	// What another user could write would bind nobody, or keep others from starting a sandbox.
	case kind != unix.S_IFREG || st.Uid != 0 && st.Uid != unmapped || st.Mode&(unix.S_IWGRP|unix.S_IWOTH) != 0 || st.Size > policy.MaxSize:
		return 0, unix.EPERM
	}
	// Too large for the stack (laws_test.go), and rarely needed.
	at := launch.MapMemory(policy.MaxSize + 4*(maxSupplementary+1))
	if at == 0 {
		return 0, unix.ENOMEM
	}
	n := raw.ReadFull(fd, raw.Mapped(at), policy.MaxSize)
	if n != uintptr(st.Size) {
		return 0, unix.EIO
	}
	ids := at + policy.MaxSize
	*(*uint32)(raw.Mapped(ids)) = uint32(raw.Call(unix.SYS_GETGID, 0, 0, 0, 0, 0, 0))
	many := raw.Call(unix.SYS_GETGROUPS, maxSupplementary, ids+4, 0, 0, 0, 0)
	if e := raw.Errno(many); e != 0 {
		return 0, e
	}
	text, groups := unsafe.Slice((*byte)(raw.Mapped(at)), n), unsafe.Slice((*uint32)(raw.Mapped(ids)), many+1)
	return rules.Read(text, groups), 0
}
