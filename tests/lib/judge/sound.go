// Package judge says, by other means than plan.Verify, what is wrong with a
// plan. Tests compare: what one of two judges overlooks the other one has to overlook too.
package judge

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// operands say what A to G of each operation hold:
//
//	s string       p path in the new root    L label       B filter, with its length behind it
//	f descriptor   o mode    m MS_* flags    n CLONE_NEW* flags   K kind of mount   k kind of label
//	S source       Z source or 0             N any number         - nothing
//	V values of a setting, with their number behind them
var operands = map[plan.Op]string{
	plan.OpSetns: "fn-----", plan.OpIDMap: "ss-----", plan.OpUnshare: "n------", plan.OpLoopback: "-------",
	plan.OpSlave: "-------", plan.OpSource: "sf-----", plan.OpRoot: "-------", plan.OpBind: "Spm-o--",
	plan.OpMount: "KpLooNN", plan.OpOverlay: "SpNNo--", plan.OpDir: "-p-oo--", plan.OpFile: "fp-oo--",
	plan.OpData: "fpmoo--", plan.OpSymlink: "sp--o--", plan.OpChmod: "-p-o---", plan.OpRemountRO: "-p-----", plan.OpMask: "-p-----", plan.OpProtect: "Np-----",
	plan.OpProc: "Zp--o--", plan.OpPivot: "-------", plan.OpHostname: "s------", plan.OpLimitUserns: "-------",
	plan.OpNoUserns: "-------", plan.OpChdir: "ss-----", plan.OpWaitFd: "f------", plan.OpGo: "-------",
	plan.OpSetsid: "-------", plan.OpLabel: "kL-----", plan.OpCaps: "NNNNNN-", plan.OpFence: "NN-----", plan.OpSocket: "s------",
	plan.OpTell: "-------", plan.OpBecome: "NN-----", plan.OpGroups: "-------", plan.OpNest: "ss-----", plan.OpLock: "s------", plan.OpSet: "NVN----", plan.OpScore: "s------", plan.OpClose: "ff-----", plan.OpTimeout: "NN-----", plan.OpCgroup: "f------", plan.OpSeccomp: "BN-----", plan.OpExec: "-------",
}

// stepFlags are the flags that an operation may have.
var stepFlags = map[plan.Op]uint16{
	plan.OpBecome: plan.FlagTry,
	plan.OpIDMap:  plan.FlagOutside, plan.OpSource: plan.FlagTry | plan.FlagConsole, plan.OpProc: plan.FlagCover | plan.FlagOrBind | plan.FlagOrNone,
	plan.OpChdir: plan.FlagTry, plan.OpMask: plan.FlagTry | plan.FlagGlob, plan.OpProtect: plan.FlagTry | plan.FlagGlob, plan.OpCaps: plan.FlagBounding | plan.FlagLenient,
}

const (
	known = plan.FlagInit | plan.FlagDieWithParent | plan.FlagHandshake | plan.FlagJoin | plan.FlagKeepSync |
		plan.FlagForgive | plan.FlagTentative | plan.FlagTryUser | plan.FlagLifeline | plan.FlagUsage | plan.FlagForward | plan.FlagForeground
	namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	tightening = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
)

// text is a plan taken apart, without any trust in it.
type text struct {
	h     plan.Header
	steps []plan.Step
	slots []uint64
	arena []byte
}

// Sound says, independently of plan.Verify, what makes bytes unfit to be walked as a plan:
// it goes where the child would go.
func Sound(data []byte) error {
	x, err := parse(data)
	if err != nil {
		return err
	}
	if err := x.order(); err != nil {
		return err
	}
	for i := range x.steps {
		if err := x.step(uint32(i)); err != nil {
			return fmt.Errorf("step %d: %+v: %w", i, x.steps[i], err)
		}
	}
	return x.ranges()
}

func parse(data []byte) (x text, err error) {
	in := bytes.NewReader(data)
	if err := binary.Read(in, binary.NativeEndian, &x.h); err != nil {
		return x, err
	}
	h := &x.h
	switch {
	case h.Magic != plan.Magic || int(h.Size) != len(data) || len(data) > plan.MaxSize:
		return x, fmt.Errorf("%d bytes: %+v", len(data), h)
	case h.Steps == 0 || h.Steps > plan.MaxSteps || h.Slots > plan.MaxSlots || h.Join > h.Setup || h.Setup > h.Steps:
		return x, fmt.Errorf("counts: %+v", h)
	case h.Flags|known != known || h.Clone|namespaces != namespaces || h.Clone&unix.CLONE_NEWNS == 0 || h.JSONFd < -1:
		return x, fmt.Errorf("flags: %+v", h)
	case h.Failed < 1 || h.Failed > 255:
		return x, fmt.Errorf("status %d", h.Failed)
	case (h.Join != 0) != (h.Flags&plan.FlagJoin != 0):
		return x, fmt.Errorf("joins, or not: %+v", h)
	}
	if need := plan.HeaderSize + plan.StepSize*uint64(h.Steps) + plan.SlotSize*uint64(h.Slots); need >= uint64(len(data)) {
		return x, fmt.Errorf("steps and slots of %d bytes: %+v", need, h)
	}
	x.steps, x.slots = make([]plan.Step, h.Steps), make([]uint64, h.Slots)
	for _, part := range []any{x.steps, x.slots} {
		if err := binary.Read(in, binary.NativeEndian, part); err != nil {
			return x, err
		}
	}
	x.arena = data[len(data)-in.Len():]
	if n := len(x.arena); n == 0 || int(h.Arena) != len(data)-n || int(h.ArenaLen) != n || x.arena[0] != 0 || x.arena[n-1] != 0 {
		return x, fmt.Errorf("an arena of %d bytes: %+v", n, h)
	}
	return x, nil
}

// order demands that each step stands in a process, and at a time, that it is for.
func (x *text) order() error {
	var roots, pivots, slaves []uint32
	for i, s := range x.steps {
		switch s.Op {
		case plan.OpRoot:
			roots = append(roots, uint32(i))
		case plan.OpPivot:
			pivots = append(pivots, uint32(i))
		case plan.OpSlave:
			slaves = append(slaves, uint32(i))
		}
	}
	if len(roots) != 1 || len(pivots) != 1 || len(slaves) == 0 || slaves[0] > roots[0] || pivots[0] < roots[0] {
		return fmt.Errorf("slave %v, root %v, pivot %v", slaves, roots, pivots)
	}
	join, root, pivot, setup, end := x.h.Join, roots[0], pivots[0], x.h.Setup, x.h.Steps-1
	for i, s := range x.steps {
		from, to := join, setup // of the first process
		switch s.Op {
		case plan.OpSetns:
			from = 0
		case plan.OpSlave, plan.OpSource:
			to = root
		case plan.OpBind, plan.OpMount, plan.OpOverlay, plan.OpDir, plan.OpFile, plan.OpData, plan.OpSymlink, plan.OpChmod,
			plan.OpRemountRO, plan.OpMask, plan.OpProtect, plan.OpProc:
			from, to = root+1, pivot
		case plan.OpChdir, plan.OpCaps, plan.OpFence, plan.OpSocket, plan.OpTell, plan.OpLock, plan.OpSet, plan.OpClose, plan.OpTimeout, plan.OpCgroup, plan.OpSeccomp:
			from, to = setup, end
		case plan.OpExec:
			from, to = max(setup, end), end+1
		}
		if uint32(i) < from || uint32(i) >= to {
			return fmt.Errorf("step %d: %v is not for there: %+v", i, s.Op, x.h)
		}
	}
	if x.steps[end].Op != plan.OpExec {
		return fmt.Errorf("nothing is executed")
	}
	return nil
}

// step judges the operands of one.
func (x *text) step(i uint32) error {
	s := &x.steps[i]
	kinds, ok := operands[s.Op]
	if !ok || s.Flags|stepFlags[s.Op] != stepFlags[s.Op] {
		return fmt.Errorf("operation %d, flags %#x", s.Op, s.Flags)
	}
	values := []uint32{s.A, s.B, s.C, s.D, s.E, s.F, s.G}
	for k, v := range values {
		if !x.fits(kinds[k], v, i) {
			return fmt.Errorf("operand %c is no %c", 'A'+k, kinds[k])
		}
	}
	switch s.Op {
	case plan.OpSeccomp:
		return x.words(s.A, s.B, plan.MaxFilter)
	case plan.OpSet:
		return x.words(s.B, s.C, plan.MaxValues)
	case plan.OpProc:
		if s.Flags&plan.FlagOrBind != 0 && (s.A == 0 || s.Flags&plan.FlagOrNone != 0) {
			return fmt.Errorf("nothing to bind, or two ways at once")
		}
	case plan.OpOverlay:
		n := map[uint32]uint32{plan.OverlayRW: 2, plan.OverlayTmp: 0, plan.OverlayRO: 0}[s.D] + s.C
		if s.C < 1 || s.C > plan.MaxLayers || s.D > plan.OverlayRO {
			return fmt.Errorf("%d layers of kind %d", s.C, s.D)
		}
		for k := s.A; k < s.A+n; k++ {
			if !x.fits('S', k, i) || x.steps[k].Flags != 0 {
				return fmt.Errorf("step %d is no layer", k)
			}
		}
	}
	return nil
}

// words judges a list of n words of 8 bytes.
func (x *text) words(from, n, most uint32) error {
	if end := uint64(from) + 8*uint64(n); n < 1 || n > most || end > uint64(len(x.arena)) || from%8 != 0 || x.h.Arena%8 != 0 {
		return fmt.Errorf("words from %d to %d", from, end)
	}
	return nil
}

// fits reports whether a value can be an operand of a kind, of step i.
func (x *text) fits(kind byte, v, i uint32) bool {
	inside := int64(v) < int64(len(x.arena))
	switch kind {
	case '-':
		return v == 0
	case 's', 'B', 'V':
		return inside // and ends, since the arena's last byte is NUL
	case 'p':
		return inside && x.arena[v] == '/'
	case 'L':
		if !inside {
			return false
		}
		label, _, _ := bytes.Cut(x.arena[v:], []byte{0})
		return len(label) < plan.MaxLabel && !bytes.ContainsAny(label, "\"\\\n")
	case 'f':
		return int32(v) >= 0
	case 'o':
		return v&^0o7777 == 0
	case 'm':
		return v|tightening == tightening
	case 'n':
		return v|namespaces == namespaces
	case 'K':
		return v == plan.MountTmpfs || v == plan.MountDevpts || v == plan.MountMqueue
	case 'k':
		return v == plan.LabelExec || v == plan.LabelNew
	case 'Z':
		return v == 0 || x.fits('S', v, i)
	case 'S':
		return v >= x.h.Join && v < i && x.steps[v].Op == plan.OpSource
	}
	return kind == 'N'
}

// ranges demands that the slots are what their places say, and none is two things.
func (x *text) ranges() error {
	at := uint64(0)
	for _, r := range []struct {
		name  string
		first uint32
		n     uint32
		sort  string // of each: a string, a descriptor, or the acting side's own
		end   uint64 // slots behind, which hold 0
	}{
		{"argv", x.h.Argv, x.h.Argc, "string", 1},
		{"env", x.h.Env, x.h.Envc, "string", 1},
		{"paths", x.h.Paths, x.h.Pathc, "string", 0},
		{"close", x.h.Close, x.h.Closec, "fd", 0},
		{"early", x.h.Early, x.h.Earlyc, "fd", 0},
		{"sync", x.h.Sync, x.h.Syncc, "fd", 0},
		{"script", x.h.Script, x.h.Argc, "own", 2},
	} {
		if uint64(r.first) != at || at+uint64(r.n)+r.end > uint64(len(x.slots)) {
			return fmt.Errorf("%s: %d slots at %d, not %d", r.name, r.n, r.first, at)
		}
		at += uint64(r.n)
		for k, v := range x.slots[r.first:at] {
			if r.sort == "string" && v >= uint64(len(x.arena)) || r.sort == "fd" && v >= 1<<31 {
				return fmt.Errorf("%s: slot %d holds %d", r.name, k, v)
			}
		}
		if r.sort == "string" && slices.Max(append([]uint64{0}, x.slots[at:at+r.end]...)) != 0 {
			return fmt.Errorf("%s does not end", r.name)
		}
		at += r.end
	}
	if at != uint64(len(x.slots)) || x.h.Argc == 0 || x.h.Pathc == 0 || x.h.Pwd < x.h.Env || x.h.Pwd-x.h.Env >= x.h.Envc {
		return fmt.Errorf("%d slots, of %d; nothing to run, or PWD at slot %d", at, len(x.slots), x.h.Pwd)
	}
	return nil
}
