//go:build clients

package clients_test

import (
	"strings"
	"testing"
)

// TestOpam: opam checks its sandbox script, and builds, installs and removes a package
// through it.
func TestOpam(t *testing.T) {
	eachMode(t, func(t *testing.T, launcher string) {
		w := newWorld(t, launcher)
		o := w.run(t, "opam.sh")
		o.says(t, map[string]string{
			"script": "1", "home": "refused", "prefix": "refused", "interfaces": "1", "install-home": "refused",
			"escaped": "no", "removed": "yes",
		})
		if o.Status != "0" {
			t.Errorf("it failed: %s", o)
		}
		list := w.calls(t)
		want(t, list, 6, "sh", "--unshare-net", "--new-session", "--die-with-parent", "--proc", "--dev", "--tmpfs", "--symlink")
		want(t, list, 1, "rm", "--unshare-net")
		documented(t, "opam", list)
	})
}

// TestOpamControl: with a launcher that fails, opam finds that its sandbox does not work,
// and goes on without: what was refused succeeds.
func TestOpamControl(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "/bin/false")
	o := w.run(t, "opam.sh")
	o.says(t, map[string]string{"home": "", "escaped": "escaped"})
	if !strings.Contains(o.Stderr, "Sandboxing is not working") || len(w.calls(t)) != 1 {
		t.Errorf("it did not call the launcher: %s", o)
	}
}
