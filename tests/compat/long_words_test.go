package compat

import (
	"strings"
	"testing"
)

// An entry of PATH that is longer than any path is passed over.
func TestLongWords(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		long := "/" + strings.Repeat("p", 5000)
		for _, c := range []struct{ path, command, status, stdout, stderr string }{
			{long + ":/b", "v argv x", "0", "arg: v\narg: argv\narg: x\n", ""},
			{"/b:" + long, "v argv x", "0", "arg: v\narg: argv\narg: x\n", ""},
			{long + ":/b", "nonexistent", "1", "", "execvp nonexistent: No such file or directory"},
			{"/b:" + long, "nonexistent", "1", "", "execvp nonexistent: No such file or directory"},
		} {
			r := o.run(t, &testCase{run: "--ro-bind $V /b/v --setenv PATH " + c.path + " -- " + c.command})
			if r.status != c.status || r.stdout != c.stdout || !strings.Contains(r.stderr, c.stderr) {
				t.Errorf("PATH=%.20s…, %.20s: status %s, stdout %q, stderr %q", c.path, c.command, r.status, r.stdout, r.stderr)
			}
		}
	})
}

func TestLongPathEntries(t *testing.T) {
	deliberate(t, "long-path-entry", func(t *testing.T, o on) bool {
		r := o.run(t, &testCase{run: "--ro-bind $V /b/v --setenv PATH /" + strings.Repeat("p", 300) + ":/b -- v echo ran"})
		return r.status == "0" && r.stdout == "ran\n"
	})
}
