package sandbox

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/sandbox/internal/link"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// compiled is the plan of a golden case.
func compiled(t *testing.T, name string) *plan.Program {
	t.Helper()
	for _, c := range goldenModes {
		if c.name == name {
			p, err := planOf(&c.spec, c.host)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatalf("no golden case %s", name)
	return nil
}

// TestRefuses: which faults of a tentative plan are the kernel's refusal of user
// namespaces, after which the keeper is asked. What fails later, or for another reason,
// is what the user has to be told.
func TestRefuses(t *testing.T) {
	p, late := compiled(t, "tentative"), compiled(t, "tentative-mapped-by-others")
	outside := func(sub plan.Sub, e unix.Errno, extra uint32) plan.Message {
		return plan.Message{Kind: plan.MsgFault, Step: plan.NoStep, Sub: sub, Errno: uint32(e), Extra: extra}
	}
	for _, c := range []struct {
		sub   plan.Sub
		errno unix.Errno
		extra uint32
		want  bool
	}{
		{plan.SubClone, unix.EPERM, unix.CLONE_NEWUSER, true},
		{plan.SubClone, unix.EACCES, unix.CLONE_NEWUSER, true},
		{plan.SubClone, unix.ENOSPC, unix.CLONE_NEWUSER, false}, // used up: the limit of this machine is not 0
		{plan.SubClone, unix.EUSERS, unix.CLONE_NEWUSER, false},
		{plan.SubClone, unix.EINVAL, unix.CLONE_NEWUSER, true}, // a kernel without
		{plan.SubClone, unix.EAGAIN, unix.CLONE_NEWUSER, false},
		{plan.SubClone, unix.ENOMEM, unix.CLONE_NEWUSER, false},
		{plan.SubClone, unix.EPERM, 0, false}, // init's fork
		{plan.SubProc, unix.EPERM, 1, false},
		{plan.SubPlan, unix.EPERM, 1, false},
		{plan.SubDeathSignal, unix.EPERM, 1, false},
		{plan.SubMain, unix.EPERM, 1, false},
	} {
		if got := fault.Refuses(p, outside(c.sub, c.errno, c.extra)); got != c.want {
			t.Errorf("part %d, errno %d, extra %#x: %v", c.sub, int(c.errno), c.extra, got)
		}
	}
	ours := map[plan.Op]bool{plan.OpIDMap: true, plan.OpLoopback: true, plan.OpSlave: true, plan.OpRoot: true}
	before := fault.GoStep(p)
	if before < 4 || p.Step(before).Op != plan.OpGo || fault.GoStep(late) != 0 {
		t.Fatalf("OpGo is step %d, and %d", before, fault.GoStep(late))
	}
	for i := range p.Header().Steps {
		for e := unix.Errno(0); e < 134; e++ {
			m := plan.Message{Kind: plan.MsgFault, Step: i, Errno: uint32(e)}
			want := i < before && ours[p.Step(i).Op] && (e == unix.EPERM || e == unix.EACCES)
			if got := fault.Refuses(p, m); got != want {
				t.Errorf("step %d, %v, errno %d: %v", i, p.Step(i).Op, int(e), got)
			}
			if explain(p, m).refused != fault.Refuses(p, m) {
				t.Errorf("step %d, errno %d: explain says otherwise", i, int(e))
			}
			if i < late.Header().Steps && fault.Refuses(late, m) {
				t.Errorf("step %d, errno %d after the maps were asked for", i, int(e))
			}
		}
	}
	if fault.Refuses(p, plan.Message{Step: p.Header().Steps, Errno: uint32(unix.EPERM)}) {
		t.Error("a step that there is not")
	}
}

// TestAfter: the error of the second way is told, and why there was one.
func TestAfter(t *testing.T) {
	m, plain := &fault.Failure{Message: "m", Errno: unix.ENOENT}, errors.New("plain")
	refusal := &SetupError{Err: &fault.Failure{Message: "No permissions", Errno: unix.EPERM}, Hint: "see sysctl"}
	const because = "setuid mode was tried because direct mode failed: No permissions: Operation not permitted"
	for _, c := range []struct {
		first *SetupError
		err   error
		want  SetupError
	}{
		{refusal, plain, SetupError{Stage: "options", Err: plain, Hint: because + "; see sysctl"}},
		{&SetupError{Err: &fault.Failure{Message: "No permissions", Errno: unix.EPERM}}, plain, SetupError{Stage: "options", Err: plain, Hint: because}},
		{refusal, &SetupError{Field: "--o", Err: m}, SetupError{Field: "--o", Err: m, Hint: because + "; see sysctl"}},
		{refusal, &SetupError{Err: m, Hint: "its own"}, SetupError{Err: m, Hint: "its own"}},
	} {
		var got *SetupError
		if !errors.As(after(c.first, c.err, true), &got) || *got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
	var root *SetupError
	if !errors.As(after(&SetupError{Err: errors.New("refused")}, errors.New("no"), false), &root) || root.Hint != "tried without a user namespace, because one was refused: refused" {
		t.Errorf("root's second attempt: %+v", root)
	}
}

// TestPrepare: this test's binary has no keeper.
func TestPrepare(t *testing.T) {
	s := Spec{Files: []mounts.Op{roBind("/", "/")}, Command: CommandLine{Args: []string{"x"}}}
	for mode, want := range map[Mode]error{Auto: nil, Direct: nil, Setuid: ErrNoSetuid} {
		s.Mode = mode
		p, err := prepare(wantedOf(&s, nil), readFacts(wantedOf(&s, nil)), false)
		if !errors.Is(err, want) || (p == nil) != (want != nil) {
			t.Errorf("mode %d: %v, want %v", mode, err, want)
		}
		if p == nil {
			continue
		}
		if p.Flags&plan.FlagTentative != 0 {
			t.Errorf("mode %d: tentative, and nobody to fall back to", mode)
		}
		for i := range p.Header().Steps {
			if p.Step(i).Op == plan.OpFence {
				t.Errorf("mode %d: a plan for the keeper", mode)
			}
		}
		wish := s
		wish.Namespaces.User = Try
		w := wantedOf(&wish, nil)
		h := readFacts(w)
		if p, err = prepare(w, h, false); err != nil || p.Flags&plan.FlagTentative != 0 != triesUser(w, &h) {
			t.Errorf("mode %d, a wish for a user namespace: %v, flags %#x", mode, err, p.Flags)
		}
	}
}

// TestLaunchAsksFirst: what the policy refuses is refused with words, before anybody is
// told anything.
func TestLaunchAsksFirst(t *testing.T) {
	s := Spec{Mode: Setuid, Lockdown: Lockdown{Forgive: true}, Command: CommandLine{Args: []string{"x"}}}
	p, err := planOf(&s, keeper())
	if err != nil {
		t.Fatal(err)
	}
	var e *SetupError
	if err := start(link.Own{}, wantedOf(&s, nil), keeper(), p, nil); !errors.As(err, &e) || e.Field != "--not-a-security-boundary" {
		t.Errorf("launched: %v", err)
	}
}

// TestTriesUser: a wish for a user namespace is tried where root could do without.
func TestTriesUser(t *testing.T) {
	container, without, least := root(), root(), root()
	container.Caps &^= 1 << unix.CAP_SYS_ADMIN
	least.Caps = 1 << unix.CAP_SYS_ADMIN
	without.UserNamespaces = false
	for _, c := range []struct {
		name string
		host facts
		ns   Namespaces
		want bool
	}{
		{"root", root(), Namespaces{User: Try}, true},
		{"root with no more than it takes", least, Namespaces{User: Try}, true},
		{"root wants one", root(), Namespaces{User: Want}, false},
		{"root wants none", root(), Namespaces{}, false},
		{"root of a container", container, Namespaces{User: Try}, false}, // nothing else works
		{"root, and there are none", without, Namespaces{User: Try}, false},
		{"a user", user(), Namespaces{User: Try}, false}, // an ordinary user needs one
	} {
		if got := triesUser(wantedOf(&Spec{Namespaces: c.ns}, nil), &c.host); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestExplainKeeper: the words for what the keeper has to say.
func TestExplainKeeper(t *testing.T) {
	p := compiled(t, "setuid-session")
	tmpfs, bare := planbuild.Nth(t, p, plan.OpMount, 0), planbuild.Nth(t, p, plan.OpSlave, 0) // --tmpfs /tmp; of no option
	bind := uint32(0)
	for n, option := range suid.Features() {
		if option == "--bind" {
			bind = uint32(n)
		}
	}
	const not, conf = " is not possible in setuid mode: ", "/etc/gobwrap/setuid.conf"
	for _, c := range []struct {
		name                  string
		step                  uint32
		sub                   plan.Sub
		errno                 syscall.Errno
		extra                 uint32
		option, message, hint string // message and hint: a part, which the hint has to have if any
	}{
		{"a reason, of an option", tmpfs, plan.SubRefused, 0, suid.Extra(suid.ReasonOverlay, 0), "Files[1]", "Files[1]" + not + "its layers", ""},
		{"a reason, of no option", bare, plan.SubRefused, 0, suid.Extra(suid.ReasonNested, 0), "--disable-userns", "--disable-userns" + not, ""},
		{"a reason, of the whole", plan.NoStep, plan.SubRefused, 0, suid.Extra(suid.ReasonForgive, 0), "--not-a-security-boundary", "--not-a-security-boundary" + not, ""},
		{"a reason, of one word", planbuild.Nth(t, p, plan.OpExec, 0), plan.SubRefused, 0, suid.Extra(suid.ReasonUnknown, 0), "x", "x" + not + "it has a step", ""},
		{"a reason, of the step after the last", p.Header().Steps, plan.SubRefused, 0, suid.Extra(suid.ReasonUnknown, 0), "this plan", "this plan" + not + "it has a step", ""},
		{"a reason, of a step that is not there", 1 << 20, plan.SubRefused, 0, suid.Extra(suid.ReasonUnknown, 0), "this plan", "this plan" + not + "it has a step", ""},
		{"a reason that there is not", plan.NoStep, plan.SubRefused, 0, 200, "this plan", "this plan" + not, ""},
		{"the administrator: an option", tmpfs, plan.SubRefused, 0, suid.Extra(suid.ReasonConfOption, bind), "Files[1]", "Files[1]" + not + "the administrator refuses it (" + conf + ")", ""},
		{"the administrator: of no step", plan.NoStep, plan.SubRefused, 0, suid.Extra(suid.ReasonConfOption, 0), "--unshare-user", "--unshare-user" + not, ""},
		{"the administrator: a namespace", plan.NoStep, plan.SubRefused, 0, uint32(suid.ReasonConfOption) | unix.CLONE_NEWIPC, "--unshare-ipc", "--unshare-ipc" + not, ""},
		{"the administrator: a feature that there is not", plan.NoStep, plan.SubRefused, 0, suid.Extra(suid.ReasonConfOption, 1<<10), "an option", "an option" + not, ""},
		{"the administrator: off", plan.NoStep, plan.SubRefused, 0, uint32(suid.ReasonConfOption) | suid.DenyAll | suid.DenyOthers | unix.CLONE_NEWIPC, "", "setuid mode is not possible here: the administrator has disabled it", ""},
		{"the administrator: groups", plan.NoStep, plan.SubRefused, 0, uint32(suid.ReasonConfOption) | suid.DenyOthers | unix.CLONE_NEWIPC, "", "setuid mode is not possible here: the administrator permits", ""},

		{"conf: a line", plan.NoStep, plan.SubConf, 0, 17, "", "line 17 of " + conf + " can't be understood", "refuse OPTION"},
		{"conf: not root's", plan.NoStep, plan.SubConf, 0, 0, "", conf + " can't be trusted", "that all users can read; it and its directory must belong to root"},
		{"conf: can't be read", plan.NoStep, plan.SubConf, unix.EACCES, 0, "", conf + " can't be trusted: Permission denied", ""},

		{"the keeper itself", plan.NoStep, plan.SubKeeper, unix.EPERM, 0, "", "setuid mode failed: Operation not permitted", "CAP_SYS_ADMIN"},
		{"the keeper is gone", plan.NoStep, plan.SubKeeper, 0, 0, "", "setuid mode failed", "CAP_SYS_ADMIN"},
	} {
		e := explain(p, plan.Message{Kind: plan.MsgFault, Step: c.step, Sub: c.sub, Errno: uint32(c.errno), Extra: c.extra})
		if e.Field != c.option || !strings.Contains(e.Error(), c.message) {
			t.Errorf("%s: option %q, %q; want %q, %q", c.name, e.Field, e, c.option, c.message)
		}
		if !strings.Contains(e.Hint, c.hint) || c.hint == "" && e.Hint != "" {
			t.Errorf("%s: hint %q, want %q", c.name, e.Hint, c.hint)
		}
		if strings.Contains(e.Error(), "\n") || strings.HasSuffix(e.Error(), ".") || fault.ErrnoOf(e) != c.errno {
			t.Errorf("%s: errno %d, %q", c.name, int(fault.ErrnoOf(e)), e)
		}
	}
	if e := explain(p, plan.Message{Step: plan.NoStep, Sub: plan.SubConf, Errno: uint32(unix.EACCES)}); !errors.Is(e, fs.ErrPermission) {
		t.Errorf("%v is not a refusal", e)
	}
}

// TestReasonsHaveTexts: each reason of the policy, wherever it is met.
func TestReasonsHaveTexts(t *testing.T) {
	p := compiled(t, "setuid-unshare-all")
	for reason := suid.Permitted + 1; reason < suid.NumReasons; reason++ {
		for _, step := range []uint32{plan.NoStep, 0, 2, p.Header().Steps - 1} {
			e := explain(p, plan.Message{Step: step, Sub: plan.SubRefused, Extra: suid.Extra(reason, 0)})
			if _, why := reason.Text(); !strings.HasSuffix(e.Error(), why) || strings.HasPrefix(e.Error(), " ") {
				t.Errorf("reason %d, step %d: %q", reason, int32(step), e.Error())
			}
		}
	}
}

// TestFieldOf: whatever the policy refuses, the error for a program names a field, and what
// it is stays.
func TestFieldOf(t *testing.T) {
	for reason := range suid.NumReasons {
		if reason == suid.ReasonConfOff || reason == suid.ReasonConfGroup || reason == suid.ReasonConfOption || reason == suid.Permitted {
			continue
		}
		p := compiled(t, "setuid-session")
		inner := explain(p, plan.Message{Kind: plan.MsgFault, Step: plan.NoStep, Sub: plan.SubRefused, Extra: suid.Extra(reason, 0)})
		var e *SetupError
		if err := forProgram(inner); !errors.As(err, &e) || strings.HasPrefix(e.Field, "--") || strings.Contains(e.Field, " ") || !strings.HasPrefix(err.Error(), e.Field+" is not possible in setuid mode: ") {
			t.Errorf("reason %d: %+v", reason, e)
		}
	}
}
