package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/mounts/build/deny"
	"github.com/gobwrap/gobwrap/mounts/build/engine"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"github.com/gobwrap/gobwrap/mounts/build/source"
)

// Sizes of buffers, in bytes.
const (
	optionsBuf = 2 * resolve.MaxPath
	copyBuf    = 1 << 16
)

// Root is a root file system in the making. It holds no pointer. Descriptors lie above 2, so
// 0 stands for one that is not open.
type Root struct {
	engine.Mounts
}

// buffers is the large memory of a Root, of which a process has one. It is not part of the Root:
// of that, which a process that is forked writes to at once, a single page is copied, and of this
// what is used.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var buffers struct {
	options [optionsBuf]byte      // of mount(2)
	target  [resolve.MaxPath]byte // a symbolic link that is there already
	copied  [copyBuf]byte         // contents of a file
}

// Do does a step that concerns files or mounts; mine is false for any other.
func (r *Root) Do(p plan.View, s *plan.Step) (f step.Fault, mine bool) {
	switch {
	case s.Op == plan.OpSource:
		return source.Open(&r.Paths, p, s), true
	case s.Op == plan.OpSlave:
		return r.MakeSlave(), true
	case s.Op == plan.OpRoot:
		return r.MakeFrame(p), true
	case s.Op == plan.OpPivot:
		return r.LeaveOldRoot(), true
	case s.Op == plan.OpBind:
		return r.bind(p, s), true
	case s.Op == plan.OpMount:
		return r.mountFS(p, s), true
	case s.Op == plan.OpOverlay:
		return r.overlay(p, s), true
	case s.Op == plan.OpRemountRO:
		return r.remountRO(p.Str(s.B)), true
	case s.Op == plan.OpProc:
		return r.mountProc(p, s), true
	case s.Op == plan.OpDir:
		return r.makeDirectory(p, s), true
	case s.Op == plan.OpFile:
		return r.writeFile(p, s), true
	case s.Op == plan.OpData:
		return r.bindData(p, s), true
	case s.Op == plan.OpSymlink:
		return r.symlink(p, s), true
	case s.Op == plan.OpMask:
		return deny.Mask(&r.Mounts, p, s), true
	case s.Op == plan.OpProtect:
		return deny.Protect(&r.Mounts, p, s), true
	case s.Op == plan.OpChmod:
		return r.chmod(p.Str(s.B), s.D), true
	}
	return step.Fault{}, false
}

// Close closes every descriptor of ours but the one that carries faults and the host's
// /proc, which init needs to see what it inherited, and restores the limit on descriptors.
func (r *Root) Close(p plan.View) {
	source.Close(&r.Paths, p)
	r.CloseStage()
	r.CloseFrame()
	r.CloseIdle()
	// Last: nothing is opened from here on that needs the room.
	r.RestoreLimit()
}
