package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox"
	"golang.org/x/sys/unix"
)

// TestDoctor: the forms of --doctor that start nothing. What the others print is tested
// in sandbox/doctor, and that they do in tests/doctor.
func TestDoctor(t *testing.T) {
	_, _, err := parse([]string{"gobwrap", "--doctor=apparmor", "--bogus"})
	var a answered
	if !errors.As(err, &a) || !strings.Contains(a.text, "\n  userns,\n") || a.status != 0 {
		t.Errorf("--doctor=apparmor: %v", err)
	}
	for _, word := range []string{"--doctor=", "--doctor=xml"} {
		if _, _, err := parse([]string{"gobwrap", word, "cmd"}); err == nil || !strings.Contains(err.Error(), "(want json or apparmor)") {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// TestAdvise: only failures of launches get a hint, and one that is there stays where
// nothing better is known.
func TestAdvise(t *testing.T) {
	plain := errors.New("x")
	advise(plain)
	e := &sandbox.SetupError{Stage: "exec", Err: unix.ENOENT, Hint: "as it was"}
	if advise(e); e.Hint != "as it was" {
		t.Errorf("the hint became %q", e.Hint)
	}
}
