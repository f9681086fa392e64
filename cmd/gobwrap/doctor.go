package main

import (
	"errors"
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/doctor"
	"github.com/gobwrap/gobwrap/sandbox"
)

// diagnose answers --doctor: why sandboxes do not start here, and how to fix it. form is
// what followed "=", if anything was given.
func diagnose(form string, given bool) error {
	if !given {
		r := doctor.Examine(sandbox.Features().MountEngine)
		return answered{text: r.Text(version), status: r.Status}
	}
	switch form {
	case "json":
		r := doctor.Examine(sandbox.Features().MountEngine)
		return answered{text: r.JSON(version), status: r.Status}
	case "apparmor":
		return answered{text: doctor.AppArmor(doctor.Here().Binary)}
	default:
		return errors.New("--doctor: " + strconv.Quote(form) + " is none of json, apparmor")
	}
}

// advise puts the doctor's hint in place of the general one, where it knows the cause.
func advise(err error) {
	var e *sandbox.SetupError
	if !errors.As(err, &e) {
		return
	}
	var errno syscall.Errno
	errors.As(err, &errno)
	switch hint := doctor.Hint(e.Stage, e.Path, errno); {
	case hint != "":
		e.Hint = hint
	case errors.Is(err, sandbox.ErrKilled) && e.Hint != "":
		e.Hint += "; --doctor names what it kills"
	}
}
