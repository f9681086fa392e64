package sandbox

import (
	"errors"
	"runtime"

	"github.com/gobwrap/gobwrap/sandbox/internal/launcher"
)

// launcher finds the program to start; the package comment has the order and the reasons.
func (c *Cmd) launcher() (launcher.Launcher, error) {
	if c.Launcher != "" {
		l, err := launcher.At(c.Launcher)
		return l, setupError(err)
	}
	if l, ok := launcher.InPath(); ok && l.Keeper && c.Spec.Mode != Direct {
		return l, nil
	}
	if c.Spec.Mode == Setuid {
		return launcher.Launcher{}, ErrNoSetuid
	}
	why := launcher.Alone()
	if why == nil {
		return launcher.Self(), nil
	}
	if l, ok := launcher.InPath(); ok && !errors.Is(why, launcher.ErrSecure) {
		return l, nil
	}
	return launcher.Launcher{}, why
}

// explainLauncher adds to an error how the choice of the launcher may have caused it.
func explainLauncher(l launcher.Launcher, err error) error {
	var e *SetupError
	if !errors.As(err, &e) || e.Hint != "" || e != ErrKilled {
		return err
	}
	out := *e
	out.Err = err // which ErrKilled is
	out.Hint = "unless it was killed: " + l.Path + " may not be a gobwrap of this version (" + runtime.GOARCH + ")"
	return &out
}

// FindLauncher returns the path of the program that a Cmd without a Launcher starts, or why
// there is none.
func FindLauncher() (string, error) {
	l, err := (&Cmd{}).launcher()
	return l.Path, err
}
