package main

import (
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
)

// TestLastIsChecked: a descriptor of an earlier use of a scalar option may be anything.
func TestLastIsChecked(t *testing.T) {
	for i := range cmdline.Options {
		o := &cmdline.Options[i]
		if !o.Scalar || o.Operands != "FD" {
			continue
		}
		good, bad := "@", []string{"@closed"}
		switch o.Name {
		case "--seccomp":
			good, bad = "@filter", append(bad, "@x", "@")
		case "--info-fd", "--json-status-fd":
			bad = append(bad, "@x") // of a pipe, the end for reading
		}
		for _, b := range bad {
			_, opts, err := parse(append([]string{"gobwrap"}, words(t, o.Name+" "+b+" "+o.Name+" "+good+" x")...))
			if err != nil || len(opts.warnings) != 1 {
				t.Errorf("%s %s, then %s: %v, warnings %q", o.Name, b, good, err, opts.warnings)
			}
			if _, _, err := parse(append([]string{"gobwrap"}, words(t, o.Name+" "+good+" "+o.Name+" "+b+" x")...)); err == nil {
				t.Errorf("%s %s, then %s: taken", o.Name, good, b)
			}
		}
	}
	fd := data(t, twoInstructions)
	if opts := mustParse(t, "--seccomp "+fd+" --seccomp "+fd+" x"); len(opts.spec.Lockdown.Filters) != 1 {
		t.Errorf("--seccomp twice with one descriptor: %+v", opts.spec.Lockdown)
	}
}

// TestSyncFDNotOpen: what cannot be kept open is left out, with a warning.
func TestSyncFDNotOpen(t *testing.T) {
	opts := mustParse(t, "--sync-fd @closed --sync-fd @ x")
	want := []string{"--sync-fd: fd " + closedFD + " is not open: Bad file descriptor"}
	if s := opts.spec; len(s.Session.SyncFDs) != 1 || len(opts.line.Used) != 1 || !slices.Equal(opts.warnings, want) {
		t.Errorf("%+v, used %v, warnings %q", s.Session, opts.line.Used, opts.warnings)
	}
}
