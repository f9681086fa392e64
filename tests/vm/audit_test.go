//go:build vm

package vm_test

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/vm"
	"golang.org/x/sys/unix"
)

//go:embed testdata/audit.sh
var auditScript string

// allNamespaces are the flags of --unshare-all, and of every launch.
const allNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// TestAudit: with the rules of docs/audit.md, Debian's auditd knows which namespaces were made
// below which login uid, in both modes, and logs nothing of programs that make none.
func TestAudit(t *testing.T) {
	t.Parallel()
	foreign := unpacked(t, "audit")
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(t.TempDir(), "rules")
	lines := regexp.MustCompile(`(?m)^-a always.*\n`).FindAllString(string(text), -1)
	if err := os.WriteFile(rules, []byte(strings.Join(lines, "")), 0o600); err != nil || len(lines) != 4 {
		t.Fatalf("%v, rules %q", err, lines)
	}
	result := boot(t, vm.Machine{
		Kernel: "6.12", Script: auditScript, Params: "audit=1",
		Files: map[string]string{"gobwrap": "../../bin/gobwrap", "foreign.tar": foreign, "rules": rules},
	})
	if result.Status != 0 || !strings.HasSuffix(result.Output, "\nend\n") {
		t.Fatalf("the script ended with %d:\n%s", result.Status, result.Output)
	}
	made, refused := map[int]uint64{}, map[int]int{}
	for line := range strings.Lines(result.Output) {
		var who, login, call, child, uid, euid int
		var flags uint64
		var exe string
		if n, _ := fmt.Sscanf(line, "event %d %d %d %x %d %d %d %s", &who, &login, &call, &flags, &child, &uid, &euid, &exe); n < 8 {
			continue
		}
		if child < 0 {
			refused[who]++
			continue
		}
		id, effective := who, who
		if who == 12346 { // the keeper's, which makes namespaces under the owner id
			id, effective = 0, int(suid.Owner(uint32(who)))
		}
		if login != who || uid != id || euid != effective || call == unix.SYS_CLONE && child < 2 {
			t.Errorf("asked for %d: %s", who, line)
		}
		if strings.Contains(exe, "gobwrap") == (who == 12349) {
			t.Errorf("another program: %s", line)
		}
		made[who] |= flags
	}
	for who, want := range map[int]uint64{
		12345: allNamespaces,
		12346: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET, // by the keeper; the first for its locks
		12347: unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		12348: 0,
		12349: unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
	} {
		const kinds = allNamespaces
		if have := made[who] & kinds; have != want {
			t.Errorf("login uid %d made %#x, want %#x", who, have, want)
		}
		if want := map[bool]int{true: 1}[who == 12347]; refused[who] != want { // --disable-userns looks whether it works
			t.Errorf("%d calls of login uid %d were refused, want %d", refused[who], who, want)
		}
	}
	if t.Failed() {
		t.Log(result.Output)
	}
}

// unpacked is a tar file of packages that scripts/packages-setup.sh fetches. The cache may
// lie where the guest has a /tmp of its own.
func unpacked(t *testing.T, what string) (file string) {
	t.Helper()
	dir := map[string]string{"apparmor": "apparmor-4"}[what]
	if dir == "" {
		dir = what
	}
	if out, err := exec.Command("../../scripts/packages-setup.sh", what).CombinedOutput(); err != nil {
		t.Fatalf("packages-setup.sh: %v\n%s", err, out)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "foreign.tar")
	if out, err := exec.Command("tar", "-cf", file, "-C", filepath.Join(cache, "gobwrap/packages", dir), ".").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	return file
}
