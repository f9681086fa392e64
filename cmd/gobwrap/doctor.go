package main

import (
	"errors"
	"strconv"

	"github.com/gobwrap/gobwrap/internal/version"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/doctor"
)

// diagnose answers --doctor: why sandboxes do not start here, and how to fix it. form is
// what followed "=", if anything was given.
func diagnose(form string, given bool) error {
	switch {
	case given && form == "apparmor":
		return answered{text: doctor.AppArmor()}
	case given && form != "json":
		return errors.New("--doctor: invalid value " + strconv.Quote(form) + " (want json or apparmor)")
	}
	d, err := doctor.Probe()
	switch {
	case err != nil:
		return err
	case given:
		return answered{text: d.JSON(version.Own), status: d.Status}
	}
	return answered{text: d.Text(version.Own), status: d.Status}
}

// advise puts the doctor's hint in place of the general one, where it knows the cause.
func advise(err error) {
	var e *sandbox.SetupError
	if !errors.As(err, &e) {
		return
	}
	switch hint := doctor.Hint(err); {
	case hint != "":
		e.Hint = hint
	case errors.Is(err, sandbox.ErrKilled) && e.Hint != "":
		e.Hint += "; --doctor names the calls that it kills"
	}
}
