package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// privileged copies the launcher into a directory that goes with the test, and gives
// the copy what change says. Nothing privileged is left behind.
func privileged(t *testing.T, change ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp(base, "p-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "gobwrap")
	for _, words := range [][]string{{"chmod", "0755", dir}, {"install", "-m", "0755", gobwrap, path}, append(change, path)} {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", words, err, out)
		}
	}
	return path
}

// TestPrivilegedInstallationIsRefused: a set-id binary does nothing, whatever the
// command line says, and keeps nothing that it had.
func TestPrivilegedInstallationIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"4755", "2755", "6755"} {
		path := privileged(t, "chmod", mode)
		for _, args := range [][]string{{"--ro-bind", "/", "/", "echo", "ran"}, {"--version"}, {}} {
			o := launch{who: user, args: append([]string{path}, args...)}.run(t)
			if o.status != "1" || o.stdout != "" || !strings.Contains(o.stderr, "set-user-id, set-group-id or has file capabilities") {
				t.Errorf("%s %q: %v", mode, args, o)
			}
		}
	}
}

// TestCallerWithSeveralIDs: who calls with different real and effective ids keeps the
// lesser, for good.
func TestCallerWithSeveralIDs(t *testing.T) {
	t.Parallel()
	for _, ids := range [][]string{
		{"--ruid", "0", "--euid", "12345", "--rgid", "0", "--egid", "12345"},
		{"--ruid", "12345", "--euid", "0", "--rgid", "12345", "--egid", "0"},
		{"--ruid", "12345", "--euid", "12346", "--rgid", "12345", "--egid", "12346"},
		{"--ruid", "12345", "--euid", "12345", "--rgid", "12345", "--egid", "42"},
	} {
		wrap := append(append([]string{"setpriv"}, ids...), "--clear-groups", "--")
		o := launch{who: root, wrap: wrap, args: []string{gobwrap, "--ro-bind", "/", "/", "sh", "-c", "grep -E '^(Uid|Gid|CapPrm)' /proc/self/status"}}.run(t)
		want := "Uid:\t12345\t12345\t12345\t12345\nGid:\t12345\t12345\t12345\t12345\nCapPrm:\t0000000000000000\n"
		if o.status != "0" || o.stdout != want {
			t.Errorf("%v: %v", ids, o)
		}
	}
}
