package engine

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/mountinfo"
	"github.com/gobwrap/gobwrap/mounts/build/pathname"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"golang.org/x/sys/unix"
)

// This file does with mount(2) what the new calls do, for kernels without them and filters
// that refuse them. A tree is bound to a stage on the frame's tmpfs, where the payload cannot
// look, tightened there mount by mount, and then moved to its destination: so here too nothing
// is ever visible with too many rights.

// attachClassic is Attach with mount(2), in direct mode. In setuid mode askBind does the same.
func (r *Mounts) attachClassic(p plan.View, src, dst, flags uintptr) step.Fault {
	kind, e := raw.FileType(src)
	if e == 0 {
		e = r.makeStage(kind == unix.S_IFDIR)
	}
	if e != 0 {
		return step.Main(e)
	}
	// There are two stages, since a directory cannot be bound on a file, nor a file on a directory.
	// Each serves all binds of its kind, one after the other: a mount that is moved away leaves it
	// empty.
	stageName := raw.Text("/stagefile\x00")
	if kind == unix.S_IFDIR {
		stageName = raw.Text("/stagedir\x00")
	}
	var from, to raw.Line
	var path [2]raw.Line
	stage := unsafe.Pointer(&path)
	raw.Put(unsafe.Add(stage, raw.PutLink(stage, r.Base)), stageName)
	// MS_BIND takes no other flags: the kernel ignores them, so the copy comes first, with the
	// rights of the original (mount(2)).
	e = r.Mount(from.Absolute(src), stage, nil, unix.MS_BIND|unix.MS_REC|unix.MS_SILENT, nil)
	if e == 0 && flags&unix.MS_RDONLY != 0 { // as in setFlags; first, so that nothing comes between
		e = r.Mount(nil, stage, nil, unix.MS_PRIVATE|unix.MS_REC|unix.MS_SILENT, nil)
	}
	if e != 0 {
		return step.Main(e)
	}
	// By its name as mountinfo has it, which is read from the frame.
	if f := r.tightenStage(p, stageName, flags); f.Is() {
		return f
	}
	// What is moved keeps its flags, and its mounts below.
	return step.Main(r.Mount(stage, to.Absolute(dst), nil, unix.MS_MOVE|unix.MS_SILENT, nil))
}

// stageRoot is where the paths of mounts on a stage begin.
func (r *Mounts) stageRoot() uintptr {
	if r.FromKeeper == 0 {
		return r.Base
	}
	if r.top == 0 {
		// Kept until set-up is over: each look at mountinfo begins here.
		r.top = r.Above(raw.Openat(raw.AtCwd, raw.Text("/\x00"), unix.O_PATH|unix.O_DIRECTORY, 0))
	}
	return r.top
}

// CloseStage closes what stageRoot has opened.
func (r *Mounts) CloseStage() {
	if r.top != 0 {
		r.CloseSoon(r.top)
	}
	r.top = 0
}

// makeStage makes what a tree, or a file, is bound to while it is tightened.
func (r *Mounts) makeStage(directory bool) unix.Errno {
	if directory {
		// Made once. Mode 0700 is of no account, since nobody else gets to the frame.
		if e := raw.Mkdirat(r.Base, raw.Text("stagedir\x00"), 0o700); e != unix.EEXIST {
			return e
		}
		return 0
	}
	fd := raw.Openat(r.Base, raw.Text("stagefile\x00"), unix.O_WRONLY|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if e := raw.Errno(fd); e != 0 {
		return e
	}
	raw.Close(fd)
	return 0
}

// Bounds of tightenStage: how often it looks, and how many mounts may be covered.
const (
	maxLooks   = 400
	maxCovered = 256
)

// tightenStage adds flags to every mount at and below the stage that can be seen. What another
// mount covers permanently stays as it is; but a process that renames directories can make a
// mount look covered, so that is believed only when mountinfo explains it, time after time.
func (r *Mounts) tightenStage(p plan.View, stage unsafe.Pointer, flags uintptr) step.Fault {
	if flags == 0 {
		return step.Fault{}
	}
	r.covered = 0
	// Each look tightens all that it finds. It is repeated as long as a mount is astray, since its
	// directory may have been renamed between the line that named it and the walk.
	for range maxLooks {
		astray, f := r.lookAtStage(p, stage, flags)
		if f.Is() || astray == 0 {
			return f
		}
		sure := true
		// A rename would have to hit the same mount three times in a row, each time so that the list
		// shows another mount over it.
		for range 3 {
			sure = sure && r.isCovered(astray, stage)
		}
		if !sure {
			continue
		}
		// So many mounts are hidden that the rest would not be known: refused rather than left
		// writable.
		if r.covered >= maxCovered {
			break
		}
		r.knowCovered(astray)
	}
	return step.Failed(unix.EBUSY, plan.SubSubmount)
}

// lookAtStage goes through mountinfo once. It returns the id of a mount that its path did not
// lead to, or 0.
func (r *Mounts) lookAtStage(p plan.View, stage unsafe.Pointer, flags uintptr) (astray uintptr, f step.Fault) {
	// The flags that the mount has must be given again (see remount), and only mountinfo tells which.
	m, e := r.OpenMountinfo()
	if e != 0 {
		return 0, step.Main(e)
	}
	// One file, read from its beginning: the kernel writes a consistent list only for one read at a
	// time, so mounts that come or go meanwhile may be missed, which the next look finds.
	var line mountinfo.Line
	for {
		more, e := m.Next(&line)
		if e != 0 || !more {
			m.Close()
			return astray, step.Main(e)
		}
		point := line.Point()
		top, below := pathname.Under(point, stage)
		// Unbindable mounts below the source are not in the copy, so they are not here.
		// Not of this tree; or nothing is to be added; or another mount hides it.
		if (!top && !below) || line.Flags&flags == flags || r.knownCovered(line.ID) {
			continue
		}
		found, e := r.tightenOne(&line, point, flags)
		part := plan.SubRemount
		if below {
			part = plan.SubSubmount
		}
		switch {
		case e == 0 && found:
		case e == 0:
			astray = line.ID
		// The top of the tree must be tight. What lies below it may stay as it is where the caller said
		// so.
		case below && p.Has(plan.FlagForgive):
			r.Warn(e, plan.SubSubmount)
			r.knowCovered(line.ID) // once is enough
		default:
			m.Close()
			return 0, step.Failed(e, part)
		}
	}
}

// coveredIDs are mounts that others hide, by their ids.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var coveredIDs [maxCovered]uint32

// knowCovered keeps the id of a mount that is to be left alone.
func (r *Mounts) knowCovered(id uintptr) {
	coveredIDs[r.covered&(maxCovered-1)] = uint32(id)
	r.covered = min(r.covered+1, maxCovered)
}

// knownCovered reports whether a mount is to be left alone.
func (r *Mounts) knownCovered(id uintptr) bool {
	for i := uint32(0); i < r.covered; i++ {
		if coveredIDs[i&(maxCovered-1)] == uint32(id) {
			return true
		}
	}
	return false
}

// tightenOne remounts the mount that a line names, if its path leads there. One that the user
// cannot reach stays as it is: mount(2) can name it only by a path, and the payload does not
// get there either.
func (r *Mounts) tightenOne(line *mountinfo.Line, point unsafe.Pointer, flags uintptr) (found bool, e unix.Errno) {
	// The walk takes no link and leaves no root: a path that mountinfo names has none, unless somebody
	// has changed it.
	at, f := r.WalkFrom(r.stageRoot(), point, resolve.FindOnly, 0, 0)
	for i := 0; i < 2 && f.Is() && outOfReach(f.Errno); i++ {
		at, f = r.WalkFrom(r.stageRoot(), point, resolve.FindOnly, 0, 0) // once is not always
	}
	switch {
	case f.Errno == unix.ENOENT || f.Errno == unix.ENOTDIR:
		return false, 0
	case f.Is() && outOfReach(f.Errno):
		return true, 0
	case f.Is():
		return false, f.Errno
	}
	// Whatever the path has led to is remounted only if it is the mount that the line is about.
	id, e := r.MountID(at.FD)
	if e == 0 && id == line.ID {
		if r.FromKeeper != 0 {
			e = r.Restrict(at.FD, flags)
		} else {
			e = r.Remount(at.FD, flags|line.Flags)
		}
		found = true
	}
	raw.Close(at.FD)
	return found, e
}

// Remount gives the mount that fd is the root of its flags anew.
func (r *Mounts) Remount(fd, flags uintptr) unix.Errno {
	var link raw.Line
	// MS_BIND makes it a change of the mount alone, not of the file system. Flags that are locked
	// must be given again, or the kernel refuses all (mount_namespaces(7)).
	// By its link in /proc, so that the path is not looked up a second time.
	return r.Mount(nil, link.Absolute(fd), nil, unix.MS_REMOUNT|unix.MS_BIND|unix.MS_SILENT|flags, nil)
}

// outOfReach reports whether a path that failed with e does not admit the user: a directory
// that they may not search, or a file system that does not answer (ENOTCONN, ESTALE, EIO
// and what else such have). What set-up itself ran out of is not.
func outOfReach(e unix.Errno) bool {
	switch e {
	// These are this process's troubles, and do not keep the payload out, which may have none of them.
	case unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ENAMETOOLONG, unix.ELOOP, unix.EAGAIN, unix.EINVAL:
		return false
	}
	return true
}

// maxChain bounds how deep mounts lie in each other.
const maxChain = 64

// isCovered reports whether mountinfo proves that another mount hides this one: its path leads
// to a mount that is stacked on it, or on an ancestor of its mount point, directly or through
// other mounts.
func (r *Mounts) isCovered(id uintptr, stage unsafe.Pointer) bool {
	// Up the chain of what this mount lies on: hidden with one of those, it is hidden too.
	there := r.whereLeads(id)
	for range maxChain {
		var line mountinfo.Line
		if there == 0 || !r.FindMount(id, &line) {
			return false
		}
		mine := line.KeepPoint()
		if raw.Equal(mine, stage) {
			return false
		}
		// Hidden itself, so what lies on it is hidden too.
		if r.covers(there, id, line.Parent, mine) {
			return true
		}
		id = line.Parent
	}
	return false
}

// whereLeads returns the id of the mount in which the path of a mount ends, or stops.
func (r *Mounts) whereLeads(id uintptr) uintptr {
	var line mountinfo.Line
	if !r.FindMount(id, &line) {
		return 0
	}
	point := line.Point()
	for {
		at, f := r.WalkFrom(r.stageRoot(), point, resolve.FindOnly, 0, 0)
		if !f.Is() {
			there, e := r.MountID(at.FD)
			raw.Close(at.FD)
			if e != 0 || there == id {
				return 0
			}
			return there
		}
		// Cut back to what is there: the mount in which that lies is the one that hides the rest.
		if (f.Errno != unix.ENOENT && f.Errno != unix.ENOTDIR) || !pathname.CutLast(point) {
			return 0
		}
	}
}

// covers reports whether the mount there, or one that it lies on, hides the mount id, which
// is mounted on point of its parent.
func (r *Mounts) covers(there, id, parent uintptr, point unsafe.Pointer) bool {
	for range maxChain {
		var line mountinfo.Line
		// The chain has led to what is to be hidden: nothing lies over it.
		if there == id || there == parent || !r.FindMount(there, &line) {
			return false
		}
		// On the same root, or above the mount point in the same parent: either way the path ends
		// in the other mount.
		over := line.Point()
		if line.Parent == id && raw.Equal(over, point) {
			return true
		}
		if _, below := pathname.Under(point, over); line.Parent == parent && below {
			return true
		}
		there = line.Parent
	}
	return false
}

// RemountClassic adds flags to the mount that fd is the root of.
func (r *Mounts) RemountClassic(fd, flags uintptr) unix.Errno {
	id, e := r.MountID(fd)
	if e != 0 {
		return e
	}
	m, e := r.OpenMountinfo()
	if e != 0 {
		return e
	}
	var line mountinfo.Line
	for {
		more, e := m.Next(&line)
		if e != 0 || !more {
			m.Close()
			if e == 0 {
				e = unix.EINVAL
			}
			return e
		}
		if line.ID != id {
			continue
		}
		m.Close()
		return r.Remount(fd, flags|line.Flags)
	}
}
