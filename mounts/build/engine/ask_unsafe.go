package engine

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process of the setuid mode, without privilege.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// Restrict adds flags to the mount that fd is the root of.
func (r *Mounts) Restrict(fd, flags uintptr) unix.Errno {
	return r.Ask(&broker.Request{Op: broker.Restrict, A: uint64(flags) & broker.Flags}, fd, broker.None).Errno
}

// askBind is Attach. If the broker lacks one of the newer calls, all binds from then on are plain ones. If
// ChooseEngine has found that all calls are there, and adding flags is refused, that is a fault, as in direct
// mode.
func (r *Mounts) askBind(p plan.View, src, dst, flags uintptr) step.Fault {
	if r.plain == 0 {
		f := r.Ask(&broker.Request{Op: broker.Bind, A: uint64(flags)}, src, dst)
		if f.Errno != unix.EPERM && f.Errno != unix.ENOSYS || f.Sub != plan.SubMain && r.Engine == step.NewCalls {
			return f
		}
		r.plain = 1
	}
	return r.askPlain(p, src, dst, flags)
}

// askPlain attaches a tree with plain binds. The tree is bound to a private directory or file on the frame's
// base, restricted there mount by mount, and bound from there to its destination: a bind keeps the flags of
// the mounts that it copies.
func (r *Mounts) askPlain(p plan.View, src, dst, flags uintptr) step.Fault {
	q := broker.Request{Op: broker.Bind, A: uint64(flags), B: broker.Plain}
	if flags == 0 {
		return r.Ask(&q, src, dst)
	}
	kind, e := raw.FileType(src)
	if e != 0 {
		return step.Main(e)
	}
	at := uintptr(0)
	if kind == unix.S_IFDIR {
		at, e = r.PrivateDir()
	} else {
		at = r.PrivateFile(0o600)
		e = raw.Errno(at)
	}
	if e != 0 {
		return step.Main(e)
	}
	f := r.Ask(&q, src, at)
	r.CloseSoon(at)
	if f.Is() {
		return f
	}
	top := r.OpenPrivate(0)
	if e := raw.Errno(top); e != 0 {
		return step.Main(e)
	}
	// If the tree is to be read-only, it becomes private before mountinfo is read: no mount comes in later.
	tree := broker.Request{Op: broker.Restrict, A: uint64(flags) & broker.Flags}
	if flags&unix.MS_RDONLY != 0 {
		tree.B = broker.Tree
	}
	if f = step.Failed(r.Ask(&tree, top, broker.None).Errno, plan.SubRemount); !f.Is() {
		var path raw.Line
		f = r.tightenStage(p, path.Put(broker.Base+"/").Number(uintptr(r.Serial())).At(), flags)
	}
	if !f.Is() {
		f = r.Ask(&q, top, dst)
	}
	r.CloseSoon(top)
	return f
}
