//go:build clients

package clients_test

import (
	"os"
	"testing"
)

func srtWorld(t *testing.T, launcher string) *world {
	t.Helper()
	w := newWorld(t, launcher)
	w.env = append(w.env, "NPM="+w.file("node_modules"))
	mustDo(t, os.Mkdir(w.file("www"), 0o755))
	w.put(t, "www/page", "served\n")
	return w
}

// TestSandboxRuntime: a command under a policy for files and network; what is found on
// PATH is gobwrap.
func TestSandboxRuntime(t *testing.T) {
	t.Parallel()
	w := srtWorld(t, gobwrap)
	o := w.run(t, "srt.sh")
	o.says(t, map[string]string{
		"made": "text", "secret": "", "../elsewhere/x": "refused", ".env": "refused", ".git/hooks/pre-commit": "refused",
		"allowed": "served", "denied": "403", "around": "refused", "unix-socket": "refused", "exit-status": "7", "left": "",
	})
	if o.status != 0 {
		t.Errorf("it failed: %s", o)
	}
	list := w.calls(t)
	want(t, list, 2, "bash", "--new-session", "--die-with-parent", "--unshare-net", "--unshare-user", "--cap-drop", "--proc", "--dev")
	want(t, list[:1], 0, "", "--version")
	documented(t, "@anthropic-ai/sandbox-runtime", list)
}

// TestSandboxRuntimeControl: with a launcher that fails no command is run.
func TestSandboxRuntimeControl(t *testing.T) {
	t.Parallel()
	w := srtWorld(t, "/bin/false")
	if o := w.run(t, "srt.sh"); o.status == 0 || o.facts()["made"] != "" || len(w.calls(t)) == 0 {
		t.Errorf("it works without a launcher, or did not call it: %s", o)
	}
}
