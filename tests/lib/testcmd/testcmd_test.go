package testcmd_test

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// TestRun: what a command prints, and how it ends.
func TestRun(t *testing.T) {
	for script, want := range map[string]testcmd.Outcome{
		"echo out; echo err >&2; exit 3": {Status: "3", Stdout: "out\n", Stderr: "err\n"},
		"kill -9 $$":                     {Status: "signal killed"},
		"true":                           {Status: "0"},
	} {
		cmd := exec.Command("sh", "-c", script)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if have := testcmd.Run(t, cmd); have != want {
			t.Errorf("%s: %s", script, have)
		}
	}
}

// TestMessage: one message, and perhaps a hint.
func TestMessage(t *testing.T) {
	for stderr, want := range map[string]bool{
		"gobwrap: a reason\n":                       true,
		"gobwrap: a reason\ngobwrap: hint: do it\n": true,
		"":                              false,
		"gobwrap: cut off":              false,
		"other: a reason\n":             false,
		"gobwrap: a reason\nand more\n": false,
		"gobwrap: a reason\ngobwrap: hint: one\ngobwrap: hint: 2\n": false,
	} {
		if complaint := (testcmd.Outcome{Stderr: stderr}).Message("gobwrap"); (complaint == "") != want {
			t.Errorf("%q: %q", stderr, complaint)
		}
	}
}
