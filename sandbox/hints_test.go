package sandbox

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// answers are errnos that the kernel, a file system or a filter gives.
var answers = []syscall.Errno{
	unix.EPERM, unix.ENOENT, unix.EIO, unix.E2BIG, unix.EBADF, unix.EAGAIN, unix.ENOMEM, unix.EACCES, unix.EBUSY, unix.EEXIST, unix.ENODEV,
	unix.ENOTDIR, unix.EISDIR, unix.EINVAL, unix.ENFILE, unix.EMFILE, unix.ENOSPC, unix.EROFS, unix.ENAMETOOLONG, unix.ENOLCK, unix.ENOSYS, unix.ELOOP,
	unix.EUSERS, unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.ETIMEDOUT, unix.EHOSTDOWN, unix.ENOTCONN, unix.ESTALE, unix.EDQUOT, unix.EOVERFLOW,
}

// subs are the parts that an operation reports.
var subs = map[plan.Op][]plan.Sub{
	plan.OpSource:    {plan.SubSource, plan.SubRace},
	plan.OpIDMap:     {plan.SubUIDMap, plan.SubSetgroups, plan.SubGIDMap},
	plan.OpRoot:      {plan.SubTmpfs, plan.SubPivot},
	plan.OpBind:      {plan.SubMain, plan.SubParents, plan.SubMakeDir, plan.SubMakeFile, plan.SubMagicLink, plan.SubRemount, plan.SubSubmount},
	plan.OpMount:     {plan.SubMain, plan.SubParents, plan.SubMakeDir},
	plan.OpOverlay:   {plan.SubMain, plan.SubParents, plan.SubMakeDir},
	plan.OpDir:       {plan.SubParents, plan.SubMakeDir},
	plan.OpFile:      {plan.SubParents, plan.SubMakeFile, plan.SubRead, plan.SubWrite},
	plan.OpData:      {plan.SubMain, plan.SubParents, plan.SubMakeFile, plan.SubRead, plan.SubWrite},
	plan.OpSymlink:   {plan.SubMain, plan.SubParents, plan.SubExists},
	plan.OpRemountRO: {plan.SubMain, plan.SubNoMount, plan.SubRemount},
	plan.OpMask:      {plan.SubMain, plan.SubUnread, plan.SubFile, plan.SubNoMatch, plan.SubTooMany, plan.SubWhole, plan.SubShield},
	plan.OpProtect:   {plan.SubMain, plan.SubParents, plan.SubHeld, plan.SubPlaceholder, plan.SubMark, plan.SubNoEnd, plan.SubHolders},
	plan.OpProc:      {plan.SubMain, plan.SubParents, plan.SubMakeDir, plan.SubCover},
	plan.OpCaps:      {plan.SubMain, plan.SubBounding, plan.SubAmbient},
	plan.OpBecome:    {plan.SubUIDMap, plan.SubGIDMap},
	plan.OpNest:      {plan.SubMain, plan.SubUIDMap, plan.SubSetgroups, plan.SubGIDMap},
	plan.OpLock:      {plan.SubMain, plan.SubSource},
}

// TestHintsOfAll: what an errno means for every operation.
func TestHintsOfAll(t *testing.T) {
	p := everything(t)
	for e, want := range map[syscall.Errno]string{unix.EMFILE: fault.HintEMFILE, unix.ENFILE: fault.HintENFILE, unix.ENOMEM: fault.HintENOMEM, unix.ENOSYS: fault.HintENOSYS} {
		err := explain(p, plan.Message{Kind: plan.MsgFault, Step: planbuild.Nth(t, p, plan.OpChdir, 0), Errno: uint32(e)})
		if err.Hint != want {
			t.Errorf("%v: %q", e, err.Hint)
		}
	}
}

// TestHints: every hint, with the operation, its part and the errnos that lead to it. After a
// change that is meant, and read through:
//
//	go test ./sandbox -run TestHints -update
func TestHints(t *testing.T) {
	p := everything(t)
	var out strings.Builder
	for op := plan.Op(1); op < plan.NumOps; op++ {
		parts := subs[op]
		if parts == nil {
			parts = []plan.Sub{plan.SubMain}
		}
		for _, sub := range parts {
			listHints(&out, op.String()+" ", func(e syscall.Errno) *SetupError {
				return explain(p, plan.Message{Kind: plan.MsgFault, Step: planbuild.Nth(t, p, op, 0), Sub: sub, Errno: uint32(e)})
			})
		}
	}
	for _, sub := range []plan.Sub{plan.SubClone, plan.SubProc, plan.SubNoNewPrivs, plan.SubDeathSignal, plan.SubSeal, plan.SubPlan} {
		listHints(&out, "", func(e syscall.Errno) *SetupError {
			return explain(p, plan.Message{Kind: plan.MsgFault, Step: plan.NoStep, Sub: sub, Errno: uint32(e)})
		})
	}
	compareFile(t, filepath.Join("testdata", "hints.golden"), out.String())
}

// listHints writes what fails, and below it the errnos that have the same hint, with it.
func listHints(out *strings.Builder, stage string, failing func(syscall.Errno) *SetupError) {
	var hints []string
	errnos := map[string]string{}
	what := ""
	for _, e := range answers {
		err := failing(e)
		what = strings.TrimSuffix(err.Error(), ": "+fault.Strerror(e))
		switch err.Hint {
		case "", fault.HintEMFILE, fault.HintENFILE, fault.HintENOMEM, fault.HintENOSYS:
			continue
		}
		if errnos[err.Hint] == "" {
			hints = append(hints, err.Hint)
		}
		errnos[err.Hint] += " " + unix.ErrnoName(e)
	}
	out.WriteString(stage + "(" + what + ")\n")
	for _, h := range hints {
		out.WriteString("   " + errnos[h] + ": " + h + "\n")
	}
}
