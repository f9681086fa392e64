package sandbox

import (
	"errors"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/host"
	"github.com/gobwrap/gobwrap/sandbox/internal/link"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// Mode is the way in which a sandbox is made.
type Mode int

// The modes. The zero value tries direct mode, and falls back where the kernel refuses
// that and the binary is installed for setuid mode.
const (
	Auto   Mode = iota
	Direct      // with user namespaces, or as root
	Setuid      // through the keeper of a binary that is installed setuid root
)

// ErrNoSetuid is returned for Setuid where no launcher is installed for it.
var ErrNoSetuid = errors.New("Mode: there is no launcher that is installed set-user-id root: " +
	"it must belong to root and have mode 4755, and set-user-id must have an effect (no nosuid mount, no NoNewPrivs)")

// prepare compiles s for this machine. keeper: the launcher is installed for setuid mode.
func prepare(s *wanted, h facts, keeper bool) (*plan.Program, error) {
	h.Setuid = s.Mode == Setuid
	if h.Setuid && !keeper {
		return nil, ErrNoSetuid
	}
	h.Tentative = s.Mode == Auto && keeper && !s.Identity.ranges() || triesUser(s, &h)
	return compileFor(s, h)
}

// triesUser reports whether a user namespace is wanted that there need not be: root's
// --unshare-user-try. What the machine's settings say is not the last word.
func triesUser(s *wanted, h *facts) bool {
	return h.UID == 0 && s.Namespaces.User == Try && h.UserNamespaces && h.Caps>>unix.CAP_SYS_ADMIN&1 != 0 && wantsUser(s, h)
}

// start starts p, which prepare made of s, and stays until the payload runs or set-up
// has failed. Where the kernel refuses the user namespace, and there is another way, it
// takes that: root does without, and where a keeper waits it is given a plan of its own.
// Nothing is lost by that, since a refusal comes before the first descriptor of the
// caller's is read. warn is called for each failure that --not-a-security-boundary lets
// pass.
func start(to link.Link, s *wanted, h facts, p *plan.Program, warn func(error)) error {
	keeper := s.Mode == Setuid
	if keeper {
		if err := admit(p); err != nil {
			return err
		}
	}
	err := launch(to, s, &h, p, keeper, warn)
	var refusal *SetupError
	if p.Flags&plan.FlagTentative == 0 || !errors.As(err, &refusal) || !refusal.refused {
		return err
	}
	if h.Setuid = h.UID != 0; !h.Setuid {
		h.UserNamespaces = false
	}
	h.Tentative = false
	if p, err = compileFor(s, h); err == nil && h.Setuid {
		err = admit(p)
	}
	if err != nil {
		return after(refusal, err, h.Setuid)
	}
	return launch(to, s, &h, p, h.Setuid, warn)
}

// admit is the error of a plan that setuid mode cannot carry out.
func admit(p *plan.Program) error {
	row, step := host.Possible(p)
	if row == suid.Permitted {
		return nil
	}
	return explain(p, plan.Message{Kind: plan.MsgFault, Step: step, Sub: plan.SubRefused, Extra: uint32(row)})
}

// after adds to the error of the second way why the first one failed.
func after(first *SetupError, err error, keeper bool) error {
	var e *SetupError
	if !errors.As(err, &e) {
		e = &SetupError{Stage: "options", Err: err}
	}
	if e.Hint == "" {
		e.Hint = "tried without a user namespace, because one was refused: " + first.Error()
		if keeper {
			e.Hint = "setuid mode was tried because direct mode failed: " + first.Error()
		}
		if first.Hint != "" {
			e.Hint += "; " + first.Hint
		}
	}
	return e
}
