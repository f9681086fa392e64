//go:build clients

package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
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
// PATH is gobwrap. For root, as in a container, it asks for a capability in addition.
func TestSandboxRuntime(t *testing.T) {
	t.Parallel()
	var list []call
	for _, user := range []int{uid, 0} {
		w := srtWorld(t, gobwrap)
		w.user = user
		mustDo(t, os.Chown(w.home, user, user))
		o := w.run(t, "srt.sh")
		o.says(t, map[string]string{
			"id": fmt.Sprint(user), "made": "text", "secret": "", "allowed": "served", "denied": "403", "around": "refused",
			"../elsewhere/x": "refused", ".env": "refused", ".git/hooks/pre-commit": "refused", "unix-socket": "refused",
			"exit-status": "7", "left": "", "many": "0",
		})
		if o.Status != "0" {
			t.Errorf("it failed: %s", o)
		}
		list = append(list, w.calls(t)...)
	}
	want(t, list, 6, "bash", "--new-session", "--die-with-parent", "--unshare-net", "--unshare-user", "--cap-drop", "--proc", "--dev")
	want(t, list, 2, "bash", "--args")
	want(t, list, 3, "bash", "--cap-add")
	documented(t, "@anthropic-ai/sandbox-runtime", list)
}

// TestSandboxRuntimeWithNpmPackage: the launcher is the one of our package for npm, which the
// runtime's setting bwrapPath names. No other is there: a bwrap on PATH would fail.
func TestSandboxRuntimeWithNpmPackage(t *testing.T) {
	t.Parallel()
	w := srtWorld(t, "/bin/false")
	script := `
		mkdir "$0/programs" "$0/packed" "$0/installed"
		cp ../../bin/gobwrap ../../bin/gobwrap-seccomp "$0/programs"
		../../packaging/npm.sh x64 "$0/programs" "$0/packed"
		cd "$0/installed"
		npm install --offline --silent --no-audit --no-fund --prefix . ../packed/*.tgz
		node -p 'require("gobwrap-linux-x64")'`
	out, err := exec.Command("sh", "-ec", script, w.dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimSpace(string(out))
	if want := w.file("installed/node_modules/gobwrap-linux-x64/bin/gobwrap"); path != want {
		t.Fatalf("the package's path is %s, not %s", path, want)
	}
	w.env = append(w.env, "BWRAP_PATH="+path)
	o := w.run(t, "srt.sh")
	o.says(t, map[string]string{"id": fmt.Sprint(uid), "made": "text", "secret": "", "allowed": "served", "denied": "403", "exit-status": "7", "many": "0"})
	if o.Status != "0" || len(w.calls(t)) != 0 {
		t.Errorf("it failed, or called another bwrap: %s", o)
	}
}

// TestSandboxRuntimeControl: with a launcher that fails no command is run.
func TestSandboxRuntimeControl(t *testing.T) {
	t.Parallel()
	w := srtWorld(t, "/bin/false")
	if o := w.run(t, "srt.sh"); o.Status == "0" || o.facts()["made"] != "" || len(w.calls(t)) == 0 {
		t.Errorf("it works without a launcher, or did not call it: %s", o)
	}
}
