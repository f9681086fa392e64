package ranges_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// identity is who starts a launcher.
type identity struct {
	name   string
	id     uint32 // the gid is the same
	sub    uint32 // the first uid that /etc/subuid grants; gids begin 1000 later
	groups string // supplementary ones, as setpriv(1) takes them
}

// club is a group that only member is in.
const club = 4300

var (
	root     = identity{name: "root", sub: 700000}
	granted  = identity{name: "granted", id: 4210, sub: 310000}
	member   = identity{name: "member", id: 4213, sub: 420000, groups: fmt.Sprint(club)}
	bare     = identity{name: "bare", id: 4211}
	nameless = identity{name: "nameless", id: 4212, sub: 530500}
)

// subgid is the first gid that /etc/subgid grants.
func (who identity) subgid() uint32 {
	if who == nameless {
		return who.sub
	}
	return who.sub + 1000
}

// words are what stands in front of a program that who is to run.
func (who identity) words() []string {
	if who.id == 0 {
		return nil
	}
	groups := "--clear-groups"
	if who.groups != "" {
		groups = "--groups=" + who.groups
	}
	return []string{"setpriv", fmt.Sprint("--reuid=", who.id), fmt.Sprint("--regid=", who.id), groups, "--"}
}

// maps are the options of the ids from 0 on, those that are granted.
func (who identity) maps(count int) []string {
	return []string{"--uid-map", fmt.Sprintf("0:%d:%d", who.sub, count), "--gid-map", fmt.Sprintf("0:%d:%d", who.subgid(), count)}
}

// launch is one start of a program.
type launch struct {
	who   identity
	wrap  []string // run by root, in front of all
	args  []string // the program and its arguments
	env   []string
	files []*os.File // from 3 on
	// host is a shell script that root runs first, in a mount namespace of its own.
	host string
}

func (l launch) command() *exec.Cmd {
	words := slices.Concat(l.wrap, l.who.words(), l.args)
	if l.host != "" {
		words = append([]string{"unshare", "--mount", "--propagation", "private", "sh", "-ec", l.host + "\nexec \"$@\"", "sh"}, words...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = l.files
	cmd.Dir = "/"
	cmd.Env = l.env
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	}
	return cmd
}

// run runs it to its end.
func (l launch) run(t *testing.T) testcmd.Outcome {
	t.Helper()
	return testcmd.Run(t, l.command())
}

// box is a command line of the launcher on the host's programs.
func box(options ...string) []string {
	return slices.Concat([]string{
		gobwrap, "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--ro-bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev",
		"--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
		"--perms", "1777", "--dir", "/tmp", "--ro-bind", filepath.Join(base, "bin"), "/h",
	}, options, []string{"--"})
}

// run starts a sandbox that runs a shell script.
func (who identity) run(t *testing.T, script string, options ...string) testcmd.Outcome {
	t.Helper()
	return launch{who: who, args: append(box(options...), "sh", "-ec", script)}.run(t)
}

// not is a function for shell scripts: what it runs must fail. (A "!" does not end a script.)
const not = `not() { if "$@"; then echo "it can $*"; fi; }
`

// scratch makes a directory that belongs to who and goes with the test.
func (who identity) scratch(t *testing.T) string {
	t.Helper()
	return harness.Scratch(t, base, who.id)
}

// shell runs a line of set-up as root, in a directory.
func shell(t *testing.T, dir, line string) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", line)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// owner is who has a file outside, and its mode.
func owner(t *testing.T, name string) string {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(name, &st); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d:%d %04o", st.Uid, st.Gid, st.Mode&0o7777)
}

// pipe makes a pipe that goes with the test.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// stub writes a program that stands for newuidmap or newgidmap, and returns its directory.
func stub(t *testing.T, name, text string) string {
	t.Helper()
	dir := root.scratch(t)
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
