package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// mode is how the two programs are installed, and run by an ordinary user:
//
//	""      neither is set-id
//	setuid  both are setuid root, and the subject is told to make use of that
//	auto    only the subject is, and has no need of it
var mode = os.Getenv("GOBWRAP_TEST_MODE")

// setuid reports whether the setuid modes of the two programs are compared.
var setuid = mode == "setuid"

// classic is the program of testdata/classic.c, which starts the subject without the
// newer mount calls. Empty: nothing is refused.
var classic string

// chooseMode checks that the mode can be, and makes room for its programs.
func chooseMode() error {
	switch mode {
	case "":
		return nil
	case "setuid", "auto":
	default:
		return fmt.Errorf("GOBWRAP_TEST_MODE=%s: there are only setuid and auto", mode)
	}
	if _, err := os.Stat(suid.ConfPath); err == nil {
		return fmt.Errorf("%s is there, and may restrict setuid mode: move it away", suid.ConfPath)
	}
	return nil
}

// install copies a program to a directory of its own in base, since its checkout may be
// closed to the ordinary user.
func install(program, dir string, setid bool) (string, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(base, dir)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	copied := filepath.Join(dir, filepath.Base(program))
	if err := os.WriteFile(copied, data, 0o755); err != nil || !setid {
		return copied, err
	}
	return copied, os.Chmod(copied, 0o755|os.ModeSetuid)
}

// buildClassic builds what takes the newer mount calls away.
func buildClassic() error {
	if os.Getenv("GOBWRAP_TEST_ENGINE") != "classic" {
		return nil
	}
	classic = filepath.Join(base, "classic")
	return testbin.C(classic, "testdata/classic.c")
}

// forced puts behind a launcher's name what makes it use the mode. There is no such mode
// for root, who needs none.
func (s *side) forced(argv []string) []string {
	if !setuid || s.program != subject || s.who.uid == 0 {
		return argv
	}
	return slices.Insert(slices.Clone(argv), 1, "--mode", "setuid")
}

// disguise makes of a command that starts the subject one that starts it without the
// newer calls. The program for that has to begin as root: an ordinary user's filter
// takes no_new_privs, with which set-id bits do nothing. It then takes the identity on.
func (s *side) disguise(argv []string, sys *syscall.SysProcAttr) []string {
	if classic == "" || s.program != subject {
		return argv
	}
	sys.Credential = nil
	front := []string{classic, fmt.Sprint(s.who.uid), fmt.Sprint(s.who.gid), fmt.Sprint(len(s.who.groups))}
	for _, group := range s.who.groups {
		front = append(front, fmt.Sprint(group))
	}
	return slices.Concat(front, argv)
}

// fromRoot makes of a command one that root starts for the identity.
func (s *side) fromRoot(argv []string) []string {
	if words := s.disguise(argv, s.attr()); len(words) > len(argv) {
		return words
	}
	var groups []string
	for _, group := range s.who.groups {
		groups = append(groups, fmt.Sprint(group))
	}
	id := []string{"setpriv", "--reuid", fmt.Sprint(s.who.uid), "--regid", fmt.Sprint(s.who.gid), "--clear-groups"}
	if groups != nil {
		id = append(id[:len(id)-1], "--groups", strings.Join(groups, ","))
	}
	return slices.Concat(id, argv)
}

// users are who runs what can be run by both. With root it is the same in every mode,
// which one file of cases shows.
func users() []identity {
	if mode != "" {
		return []identity{user}
	}
	return []identity{user, root}
}

// otherModes are the tests that are not for this mode.
func otherModes() []string {
	if !setuid {
		// No difference in direct mode, as TestDieWithLauncher shows.
		return []string{"TestDieWithLauncherAsAnotherUser"}
	}
	// They join namespaces, which mode setuid refuses on both sides, as the cases
	// namespaces-of-the-caller-* show.
	return []string{
		"TestJoinUserNamespace", "TestJoinUserNamespaceByFDZero", "TestSwitchToASecondUserNamespace",
		"TestSecondUserNamespaceOfAStranger", "TestJoinPIDNamespace", "TestUserNamespaceFDDoesNotLeak",
		"TestIDsInAGivenUserNamespace", "TestUIDInAGivenUserNamespace", "TestLastUserNamespaceCounts",
	}
}
