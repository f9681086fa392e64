package setuid_test

import (
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
)

// TestReducedBeforeTheClone: the keeper is a process of root's with the capabilities in suid.Kept from its first
// instruction on, since the launcher has set both before it clones.
func TestReducedBeforeTheClone(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "strace")
	// As root, which may trace a set-user-id program that runs for another user.
	args := []string{"-f", "-qq", "-u", "nobody", "-e", "trace=setresuid,capset,clone", "-o", log}
	args = append(append(args, byKeeper("--ro-bind", "/", "/")...), "/bin/true")
	cmd := exec.Command("strace", args...)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	first := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, " clone(") })
	if first < 2 {
		t.Fatalf("no clone, or nothing before it:\n%s", text)
	}
	if ids := lines[first-2]; !strings.Contains(ids, "setresuid(0, 0, 0)") || !strings.HasSuffix(ids, "= 0") {
		t.Errorf("ids before the clone: %s", ids)
	}
	caps := lines[first-1]
	_, permitted, _ := strings.Cut(caps, "permitted=")
	permitted, _, _ = strings.Cut(permitted, ",")
	if n := len(strings.Split(permitted, "|")); !strings.HasSuffix(caps, "= 0") || n != bits.OnesCount64(suid.Kept) || !strings.Contains(permitted, "CAP_SYS_ADMIN") {
		t.Errorf("capabilities before the clone: %s", caps)
	}
}

// TestSecurebitsOfTheCaller: securebits with which capabilities survive a change of ids do not reach the keeper's
// processes. The control: without set-user-id bit they stay.
func TestSecurebitsOfTheCaller(t *testing.T) {
	t.Parallel()
	const bit = "no_setuid_fixup"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"setpriv", "--dump"}, "Securebits: " + bit},
		{append(byKeeper("--ro-bind", "/", "/"), "setpriv", "--dump"), "Securebits: [none]"},
	} {
		args := append([]string{"--securebits", "+" + bit, "--reuid", "12345", "--regid", "12345", "--clear-groups", "--"}, c.args...)
		cmd := exec.Command("setpriv", args...)
		cmd.Dir = "/"
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%v: %v: want %s:\n%s", c.args, err, c.want, out)
		}
	}
}

// TestSetgroupsDenied: setgroups(2) is denied in the user namespace of a sandbox, though root has written its maps.
func TestSetgroupsDenied(t *testing.T) {
	t.Parallel()
	launch{args: append(byKeeper("--unshare-user", "--ro-bind", "/", "/"), "cat", "/proc/self/setgroups")}.run(t).OK(t, "deny\n")
}
