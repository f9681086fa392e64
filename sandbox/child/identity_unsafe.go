package child

// No runtime. See doc.go for the laws of this file.
// Runs in: the first process; mapFromAbove in a helper of its.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"golang.org/x/sys/unix"
)

// This file is about the ids and capabilities of the payload.

// writeMaps writes this process's uid_map and gid_map, each one line that maps its own id,
// with setgroups denied as user_namespaces(7) demands for gid_map. Maps with more ids than
// that are written from outside of the user namespace.
func writeMaps(p plan.View, s *plan.Step) step.Fault {
	if s.Flags&plan.FlagOutside != 0 {
		askForMaps()
		return step.Fault{}
	}
	f := writeMap(raw.Text("self/uid_map\x00"), p.Str(s.A), plan.SubUIDMap)
	if !f.Is() {
		f = writeMap(raw.Text("self/setgroups\x00"), raw.Text("deny\x00"), plan.SubSetgroups)
		if f.Errno == unix.ENOENT { // before 3.19 there is no setgroups and none is needed
			f = step.Fault{}
		}
	}
	if !f.Is() {
		f = writeMap(raw.Text("self/gid_map\x00"), p.Str(s.B), plan.SubGIDMap)
	}
	acting.CloseIdle() // a source /proc/self/fd/N of a closed N must not mean one of them
	return f
}

func writeMap(path, text unsafe.Pointer, part plan.Sub) step.Fault {
	fd, e := step.WriteOpen(acting.Proc, path, text)
	if e == 0 {
		acting.CloseSoon(fd)
	}
	return step.Failed(e, part)
}

// askForMaps waits until the front end has had this process's maps written.
func askForMaps() {
	acting.Say(plan.MsgMaps, step.Fault{}, acting.Step, 0)
	if !raw.Hears(acting.Sock) {
		raw.Exit(max(acting.Status, 1))
	}
}

// become switches to other ids and keeps the capabilities, which a change of ids takes
// otherwise (capabilities(7), "Effect of user ID changes"). The death signal and
// dumpability are lost by it, too (PR_SET_PDEATHSIG(2const), PR_SET_DUMPABLE(2const));
// without the latter our files in /proc would be root's. With FlagTry an id that the user
// namespace does not map is left as it is.
func become(s *plan.Step) step.Fault {
	uid, gid := uintptr(s.A), uintptr(s.B)
	permitted, _, ok := raw.Caps()
	if !ok {
		return step.Main(unix.EPERM)
	}
	if e := raw.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); e != 0 {
		return step.Main(e)
	}
	forgiven := unix.Errno(0)
	if s.Flags&plan.FlagTry != 0 {
		forgiven = unix.EINVAL
	}
	// The gid first: once the uid is another one there is nothing to change it with.
	if e := raw.Errno(raw.Call(unix.SYS_SETRESGID, gid, gid, gid, 0, 0, 0)); e != 0 && e != forgiven {
		return step.Failed(e, plan.SubGIDMap)
	}
	if e := raw.Errno(raw.Call(unix.SYS_SETRESUID, uid, uid, uid, 0, 0, 0)); e != 0 && e != forgiven {
		return step.Failed(e, plan.SubUIDMap)
	}
	e := raw.SetCaps(permitted, permitted, 0)
	if e == 0 {
		e = raw.Prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0)
	}
	if e == 0 {
		e = raw.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
	return guarded(e)
}

// nest enters a user namespace below this one. A process in it may no longer write a map with
// several lines, so a helper that stays above does that. It finds this process by a
// descriptor of its directory in the host's proc, where its number is not known.
func nest(uid, gid unsafe.Pointer) step.Fault {
	self := raw.Openat(acting.Proc, raw.Text("self\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(self); e != 0 {
		return step.Main(e)
	}
	var pipe [2]int32
	if e := raw.Errno(raw.Call(unix.SYS_PIPE2, raw.Addr(unsafe.Pointer(&pipe)), unix.O_CLOEXEC, 0, 0, 0, 0)); e != 0 {
		return step.Main(e)
	}
	in, out := uintptr(pipe[0]), uintptr(pipe[1])
	helper := raw.Clone(0)
	if e := raw.Errno(helper); e != 0 {
		return step.Main(e)
	}
	if helper == 0 {
		raw.Close(out)
		mapFromAbove(in, self, uid, gid)
	}
	raw.Close(in)
	e := raw.Errno(raw.Call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0, 0, 0, 0))
	if e == 0 {
		raw.WriteByte(out, 0)
	}
	raw.Close(out)
	raw.Close(self)
	if r, status := raw.Wait(helper); raw.Errno(r) != 0 || e == 0 && status != 0 {
		raw.Exit(max(acting.Status, 1)) // the helper has said why
	}
	return guarded(e)
}

// mapFromAbove is the helper of nest: it waits for a byte, or for the end of the pipe, and
// writes the maps of the process whose directory in proc self is. It does not return.
func mapFromAbove(in, self uintptr, uid, gid unsafe.Pointer) {
	if !raw.Hears(in) {
		raw.Exit(1)
	}
	f := step.Failed(step.WriteBelow(self, raw.Text("uid_map\x00"), uid), plan.SubUIDMap)
	if !f.Is() {
		f = step.Failed(step.WriteBelow(self, raw.Text("gid_map\x00"), gid), plan.SubGIDMap)
	}
	if f.Is() {
		acting.End(f)
	}
	raw.Exit(0)
}

// noUserns verifies that a further user namespace is refused, by trying to make one in a
// child.
func noUserns() step.Fault {
	pid := raw.Clone(0)
	if e := raw.Errno(pid); e != 0 {
		return step.Main(e)
	}
	if pid == 0 {
		if raw.Errno(raw.Call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0, 0, 0, 0)) == 0 {
			raw.Exit(0)
		}
		raw.Exit(1)
	}
	r, status := raw.Wait(pid)
	if e := raw.Errno(r); e != 0 {
		return step.Main(e)
	}
	if exitCode(status) != 1 {
		return step.Failed(unix.EPERM, plan.SubUnexpected)
	}
	return step.Fault{}
}

// setCapabilities is OpCaps: bounding set first, then the three sets, then the ambient one.
// Capset leaves nothing in the ambient set that is not in the new inheritable one, which is
// what is to be ambient (capabilities(7)).
func setCapabilities(s *plan.Step) step.Fault {
	if !payload.bounded {
		if f := boundCaps(s); f.Is() {
			return f
		}
	}
	permitted := uint64(s.C) | uint64(s.D)<<32
	ambient := uint64(s.E) | uint64(s.F)<<32
	if e := raw.SetCaps(permitted, permitted, ambient); e != 0 {
		if e == unix.EPERM && s.Flags&plan.FlagLenient != 0 && raw.NoMoreThan(permitted) {
			raw.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // EINVAL before 4.3: none there
			return step.Fault{}
		}
		return step.Main(e)
	}
	// In setuid mode nothing is taken on trust: what the kernel says now counts.
	if acting.Guarded != 0 && !raw.NoMoreThan(0) {
		return step.Main(unix.EPERM)
	}
	for c := uint(0); c <= raw.LastCap; c++ {
		if ambient>>c&1 == 0 {
			continue
		}
		e := raw.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0)
		if e == unix.EINVAL || e == unix.EPERM && s.Flags&plan.FlagLenient != 0 {
			continue // the kernel has no such capability, or no ambient set
		}
		if e != 0 {
			return step.Failed(e, plan.SubAmbient)
		}
	}
	return step.Fault{}
}

// boundCaps cuts the bounding set to what an OpCaps keeps. The kernel drops one capability
// a call, so where there is an init, it is done once, in front of the fork (splitInit):
// the payload never has more, and init gives up the rest (seal).
func boundCaps(s *plan.Step) step.Fault {
	if s.Flags&plan.FlagBounding == 0 || acting.Guarded != 0 { // the keeper has cut all
		return step.Fault{}
	}
	return step.Failed(raw.CutBounding(uint64(s.A)|uint64(s.B)<<32), plan.SubBounding)
}
