package first

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process; mapFromAbove in a helper of its.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// This file is about the ids and capabilities of the payload.

// writeMaps writes this process's uid_map and gid_map, each one line that maps its own id,
// with setgroups denied as user_namespaces(7) demands for gid_map. Maps with more ids than
// that are written from outside of the user namespace.
func writeMaps(p plan.View, s *plan.Step) step.Fault {
	// A process may map no more than its own id by itself (user_namespaces(7)). Several take
	// newuidmap, which is set-id: no_new_privs is set here, and it would not work.
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
	launch.Acting.CloseIdle() // a source /proc/self/fd/N of a closed N must not mean one of them
	return f
}

func writeMap(path, text unsafe.Pointer, part plan.Sub) step.Fault {
	var c raw.Chain
	fd := step.WriteOpen(&c, launch.Acting.Proc, path, text)
	if c.Errno == 0 {
		launch.Acting.CloseSoon(fd)
	}
	return step.Failed(c.Errno, part)
}

// askForMaps waits until the front end has had this process's maps written.
func askForMaps() {
	launch.Acting.Say(plan.MsgMaps, step.Fault{}, launch.Acting.Step, 0)
	if !raw.Hears(launch.Acting.Sock) {
		raw.Exit(max(launch.Acting.Status, 1))
	}
}

// switchIDs switches to other ids and keeps the capabilities, which a change of ids takes
// otherwise (capabilities(7), "Effect of user ID changes"). The death signal and
// dumpability are lost by it, too (PR_SET_PDEATHSIG(2const), PR_SET_DUMPABLE(2const));
// without the latter our files in /proc would be root's. With FlagTry an id that the user
// namespace does not map is left as it is.
func switchIDs(s *plan.Step) step.Fault {
	uid, gid := uintptr(s.A), uintptr(s.B)
	// PR_SET_KEEPCAPS saves the permitted set alone: the effective one is cleared when the uid was 0
	// and is no longer, and has to be raised again.
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
	return rearmed(e)
}

// enterNested enters a user namespace below this one. A process in it may no longer write a map with
// several lines, so a helper that stays above does that. It finds this process by a
// descriptor of its directory in the host's proc, where its number is not known.
func enterNested(uid, gid unsafe.Pointer) step.Fault {
	self := raw.Openat(launch.Acting.Proc, raw.Text("self\x00"), unix.O_PATH|unix.O_DIRECTORY, 0)
	if e := raw.Errno(self); e != 0 {
		return step.Main(e)
	}
	// The helper must not write before we are in the new namespace, and must not wait on if we are
	// killed: a pipe shows it both.
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
		raw.Close(out) // its own copy would keep the pipe open when we are gone
		mapFromAbove(in, self, uid, gid)
	}
	raw.Close(in)
	e := raw.Errno(raw.Call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0, 0, 0, 0))
	if e == 0 {
		raw.WriteByte(out, 0)
	}
	raw.Close(out) // without a byte the helper ends
	raw.Close(self)
	if r, status := raw.Wait(helper); raw.Errno(r) != 0 || e == 0 && status != 0 {
		raw.Exit(max(launch.Acting.Status, 1)) // the helper has said why
	}
	return rearmed(e)
}

// mapFromAbove is the helper of enterNested: it waits for a byte, or for the end of the pipe, and
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
		launch.Acting.End(f)
	}
	raw.Exit(0)
}

// verifyNoUserns verifies that a further user namespace is refused, by trying to make one in a
// child.
func verifyNoUserns() step.Fault {
	// In a child: if it worked, this process would be in a namespace that it cannot leave.
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
	// A child that a filter has killed has not shown it either.
	if launch.ExitCode(status) != 1 {
		return step.Failed(unix.EPERM, plan.SubUnexpected)
	}
	return step.Fault{}
}
