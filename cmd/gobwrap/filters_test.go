package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/front"
)

// TestFilterOrder: filters are installed in the order given, wherever they come from.
// Of several --seccomp the last counts, where it stands.
func TestFilterOrder(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"--seccomp-profile strict --seccomp-profile no-userns", "strict, no-userns"},
		{"--seccomp-profile no-userns --seccomp-profile no-userns", "no-userns, no-userns"},
		{"--seccomp-profile strict --seccomp @filter --seccomp-profile ./p.json", "strict, FD, ./p.json"},
		{"--add-seccomp-fd @filter --seccomp-profile /p.json --add-seccomp-fd @filter", "FD, /p.json, FD"},
		{"--seccomp @filter --seccomp-profile strict --seccomp @filter --seccomp-profile default", "strict, FD, default"},
		{"--seccomp @filter --seccomp @filter --seccomp-profile default", "FD, default"},
	} {
		var got []string
		opts := mustParse(t, c.line+" x")
		for i, f := range opts.spec.Lockdown.Filters {
			words := opts.line.Words("Lockdown.Filters[" + strconv.Itoa(i) + "]")
			switch name := words[1]; {
			case words[0] != "--seccomp-profile":
				if string(f.BPF) != twoInstructions || f.Profile != "" {
					t.Errorf("%s: %+v", c.line, f)
				}
				got = append(got, "FD")
			case strings.Contains(name, "/"):
				if f.BPF != nil || f.Profile != name {
					t.Errorf("%s: %+v", c.line, f)
				}
				got = append(got, name)
			default:
				if len(f.BPF) == 0 || f.Profile != "" {
					t.Errorf("%s: %+v", c.line, f)
				}
				got = append(got, name)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", c.line, got, c.want)
		}
	}
}

// TestUncompiled: a profile that nobody compiled is not a sandbox without a filter.
func TestUncompiled(t *testing.T) {
	opts := mustParse(t, "--seccomp-profile /p.json x")
	if _, err := compiled(opts, front.Facts{Cwd: "/"}); err == nil || err.Error() != "a seccomp profile was not compiled" {
		t.Errorf("%v", err)
	}
	opts = mustParse(t, "--seccomp-profile strict --seccomp-profile default x")
	p, err := compiled(opts, front.Facts{Cwd: "/"})
	if err != nil {
		t.Fatal(err)
	}
	first, second := strings.Index(p.Dump(nil), "--seccomp-profile strict"), strings.Index(p.Dump(nil), "--seccomp-profile default")
	if first < 0 || second < first {
		t.Errorf("the plan:\n%s", p.Dump(nil))
	}
}
