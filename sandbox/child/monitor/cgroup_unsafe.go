package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor, which has no privilege here. In setuid mode the policy refuses the step.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// cgroupStep finds the step that names a cgroup. ok is false where there is none.
func cgroupStep(p plan.View) (i uint32, ok bool) {
	for i := p.Setup; i < p.Steps; i++ {
		if p.Step(i).Op == plan.OpCgroup {
			return i, true
		}
	}
	return 0, false
}

// cloneArgs is struct clone_args (clone(2)).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal uint64
	stack, stackSize, tls, setTID, setTIDSize     uint64
	cgroup                                        uint64
}

// forkInto is fork, into the cgroup of the plan if it has one. It keeps the cgroup's descriptor
// for the end. said: the fault is the cgroup's, and has been reported.
func forkInto(flags uintptr, p plan.View) (pid uintptr, said bool) {
	i, ok := cgroupStep(p)
	if !ok {
		return launch.Fork(flags, p), false
	}
	if State.cgroup != 0 {
		raw.Close(State.cgroup) // of an earlier attempt
	}
	// A copy: the option's descriptor is closed with all that the monitor does not need.
	State.cgroup = launch.Acting.Above(uintptr(p.Step(i).A))
	clock.kills = oomKills()
	pid = cloneInto(flags)
	e := raw.Errno(pid)
	if e == 0 {
		return pid, false
	}
	// Namespaces and cgroups are refused with the same errnos: the cgroup alone says which.
	alone := cloneInto(0)
	if alone == 0 {
		raw.Exit(0)
	}
	cause := raw.Errno(alone)
	if cause == 0 {
		raw.Wait(alone)
		return pid, false
	}
	launch.Acting.Say(plan.MsgFault, step.Main(cause), i, cgroupKind(State.cgroup))
	return pid, true
}

// cloneInto clones this process into the cgroup. With CLONE_INTO_CGROUP (clone3(2), since Linux 5.7)
// there is no moment at which the child is outside of it and could use what is limited there.
func cloneInto(flags uintptr) uintptr {
	var a cloneArgs
	a.flags, a.exitSignal, a.cgroup = uint64(flags)|unix.CLONE_INTO_CGROUP, uint64(unix.SIGCHLD), uint64(State.cgroup)
	return raw.Call(unix.SYS_CLONE3, raw.Addr(unsafe.Pointer(&a)), unsafe.Sizeof(a), 0, 0, 0, 0)
}

// cgroupKind returns what a descriptor is that the kernel does not take for a cgroup.
func cgroupKind(fd uintptr) uint32 {
	var st unix.Statfs_t
	if raw.Errno(raw.Call(unix.SYS_FSTATFS, fd, raw.Addr(unsafe.Pointer(&st)), 0, 0, 0, 0)) != 0 {
		return plan.CgroupNone
	}
	switch st.Type {
	case unix.CGROUP2_SUPER_MAGIC:
		if kind, e := raw.FileType(fd); e == 0 && kind == unix.S_IFDIR {
			return plan.CgroupDirectory
		}
		return plan.CgroupFile
	case unix.CGROUP_SUPER_MAGIC:
		return plan.CgroupOld
	}
	return plan.CgroupNone
}

// killCgroup kills everything in the cgroup, and reports whether it could: cgroup.kill is there
// since Linux 5.14.
func killCgroup() bool {
	if State.cgroup == 0 {
		return false
	}
	fd := raw.Openat(State.cgroup, raw.Text("cgroup.kill\x00"), unix.O_WRONLY, 0)
	if raw.Errno(fd) != 0 {
		return false
	}
	e := raw.WriteByte(fd, '1')
	raw.Close(fd)
	return e == 0
}

// unknownValue stands for what the kernel does not say.
const unknownValue = ^uint64(0)

// peakMemory returns the most memory that the cgroup has had, in bytes (memory.peak, since
// Linux 5.19).
func peakMemory() uint64 {
	var text [32]byte
	if readCgroupFile(raw.Text("memory.peak\x00"), unsafe.Pointer(&text), uintptr(len(text))) == 0 {
		return unknownValue
	}
	return leadingNumber(unsafe.Pointer(&text))
}

// oomKills returns how many processes of the cgroup the kernel has killed because memory
// was short (memory.events).
func oomKills() uint64 {
	var text [512]byte
	n := readCgroupFile(raw.Text("memory.events\x00"), unsafe.Pointer(&text), uintptr(len(text)))
	for at := uintptr(0); at < n; at++ {
		line := unsafe.Add(unsafe.Pointer(&text), at)
		if (at == 0 || *(*byte)(unsafe.Add(line, -1)) == '\n') && raw.HasPrefix(line, raw.Text("oom_kill \x00")) {
			return leadingNumber(unsafe.Add(line, 9))
		}
	}
	return unknownValue
}

// readCgroupFile reads a small file of the cgroup, and ends it with NUL. It returns its length, 0 if
// there is none.
func readCgroupFile(name, buf unsafe.Pointer, size uintptr) uintptr {
	if State.cgroup == 0 {
		return 0
	}
	fd := raw.Openat(State.cgroup, name, unix.O_RDONLY, 0)
	if raw.Errno(fd) != 0 {
		return 0
	}
	n := raw.ReadFull(fd, buf, size-1)
	raw.Close(fd)
	*(*byte)(unsafe.Add(buf, n)) = 0
	return n
}

// leadingNumber returns the number at the front of a text.
func leadingNumber(p unsafe.Pointer) (n uint64) {
	for i := uintptr(0); i < 20; i++ {
		c := *(*byte)(unsafe.Add(p, i))
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}
