package e2e_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
	"golang.org/x/sys/unix"
)

// identity is who starts a launcher, and which one.
type identity struct {
	name   string
	id     uint32
	setuid bool // the copy that is installed setuid root
	forced bool // with --mode setuid
	may    bool // without forced: the kernel permits user namespaces

	planned bool // the program is not the launcher, but starts it (plan mode)
}

var (
	root     = identity{name: "root"}
	user     = identity{name: "user", id: 12345}
	setuid   = identity{name: "setuid", id: 12345, setuid: true, forced: true}
	fallback = identity{name: "fallback", id: 12345, setuid: true}
	either   = identity{name: "either", id: 12345, setuid: true, may: true}
)

// as is the same with another id.
func (who identity) as(id uint32) identity {
	who.id = id
	return who
}

// launcher is the program and the options that stand in front of all others.
func (who identity) launcher() []string {
	switch {
	case !who.setuid:
		return []string{gobwrap}
	case !who.forced:
		return []string{installed}
	}
	return []string{installed, "--mode", "setuid"}
}

// noUserns refuses user namespaces, as some kernels do to ordinary users.
func noUserns() []string {
	rule := func(nr int) string { return fmt.Sprintf("%d:0=%#x/%#[2]x", nr, unix.CLONE_NEWUSER) }
	return []string{enosys, "-e", "EPERM", "-n", rule(unix.SYS_CLONE), "-n", rule(unix.SYS_UNSHARE), "--"}
}

// through puts who's launcher in the place of the first one in words, and says who is
// to run them. What installs a filter is run by root: others need no_new_privs for it,
// which would take the meaning from the set-id bit. The step down to the user comes
// right before the launcher.
func (who identity) through(words []string) ([]string, uint32) {
	i := slices.Index(words, gobwrap)
	if who.planned && slices.Contains(words, inject) {
		i = slices.Index(words, "--") + 1
		return slices.Concat(words[:i], []string{probe, "become", fmt.Sprint(who.id), "exec"}, words[i:]), 0
	}
	if i < 0 || !who.setuid {
		return words, who.id
	}
	front, program, id := slices.Clone(words[:i]), who.launcher(), who.id
	if !who.forced && !who.may {
		front = append(front, noUserns()...)
	}
	if slices.Contains(front, enosys) || slices.Contains(front, inject) {
		front = append(front, probe, "become", fmt.Sprint(id), "exec")
		id = 0
	}
	return slices.Concat(front, program, words[i+1:]), id
}

type engine = testcmd.Engine

// engines are the mount engines.
func engines(t *testing.T) []engine {
	t.Helper()
	return testcmd.Engines(t, enosys)
}

// selected reports whether GOBWRAP_TEST_MODE leaves an identity to the tests.
func selected(t *testing.T, who identity) bool {
	t.Helper()
	only := os.Getenv("GOBWRAP_TEST_MODE")
	if !slices.Contains([]string{"", root.name, user.name, setuid.name}, only) {
		t.Fatalf("GOBWRAP_TEST_MODE=%s: there is no such mode", only)
	}
	return only == "" || only == who.name || only == setuid.name && who.setuid
}

// each runs a test as each of several.
func each(t *testing.T, list []identity, test func(t *testing.T, who identity)) {
	t.Helper()
	for _, who := range list {
		if selected(t, who) {
			t.Run(who.name, func(t *testing.T) { test(t, who) })
		}
	}
}

// eachWho runs a test as root, as an ordinary user, and as one through setuid mode.
func eachWho(t *testing.T, test func(t *testing.T, who identity)) {
	t.Helper()
	each(t, []identity{root, user, setuid}, test)
}

// eachUser runs a test as an ordinary user, in both modes.
func eachUser(t *testing.T, test func(t *testing.T, who identity)) {
	t.Helper()
	each(t, []identity{user, setuid}, test)
}

// eachSide runs a test as all three, in all engines at full length. The short form leaves each
// engine but the first to one of the three, which the test's name chooses.
func eachSide(t *testing.T, test func(t *testing.T, who identity, e engine)) {
	t.Helper()
	all, whose := []identity{root, user, setuid}, startOf(t, 3)
	thin := !harness.Long() && os.Getenv("GOBWRAP_TEST_MODE") == "" && os.Getenv("GOBWRAP_TEST_ENGINE") == ""
	eachWho(t, func(t *testing.T, who identity) {
		for i, e := range engines(t) {
			if thin && i > 0 && who != all[(whose+i)%len(all)] {
				continue
			}
			t.Run(e.Name, func(t *testing.T) { test(t, who, e) })
		}
	})
}
