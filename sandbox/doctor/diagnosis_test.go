package doctor_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox/doctor"
	"github.com/gobwrap/gobwrap/sandbox/sandboxtest"
)

// TestProbe: what works here is found to work, by launches of this program's own.
func TestProbe(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		d, err := doctor.Probe()
		if err != nil {
			t.Fatal(err)
		}
		if m.Name != "setuid" && d.Mode != "direct" {
			t.Fatalf("mode %q: %s", d.Mode, d)
		}
		ok := 0
		for _, s := range d.Steps {
			if s.State == doctor.OK {
				ok++
			}
			if (s.State == doctor.Failed) != (s.Err() != nil) {
				t.Errorf("%+v", s)
			}
		}
		if ok < 15 || !strings.Contains(d.String(), "\nMode: direct: ") {
			t.Errorf("%d steps work:\n%s", ok, d)
		}
	})
}

// TestErr: a step's error is its message, and the errno for errors.Is.
func TestErr(t *testing.T) {
	r := doctor.Result{State: doctor.Failed, Errno: syscall.EPERM, Message: "clone: Operation not permitted"}
	if err := r.Err(); !errors.Is(err, syscall.EPERM) || err.Error() != r.Message {
		t.Errorf("%v", err)
	}
	r = doctor.Result{State: doctor.Failed, Errno: syscall.EPERM}
	if err := r.Err(); err.Error() != "operation not permitted" {
		t.Errorf("%v", err)
	}
	r = doctor.Result{State: doctor.Failed, Message: "newuidmap is not installed"}
	if err := r.Err(); err.Error() != r.Message || errors.Unwrap(err) != nil {
		t.Errorf("%v", err)
	}
	r = doctor.Result{State: doctor.Untried, Detail: "x"}
	if err := r.Err(); err != nil {
		t.Errorf("%v", err)
	}
}
