package compat

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// on names a program and who runs it, for tests that are Go code.
type on struct {
	program     string
	isReference bool
	who         identity
}

func (o on) side() *side { return &side{program: o.program, who: o.who} }

// onBoth runs a test for the reference and the subject, as user and as root.
// What the test says must hold for each of them.
func onBoth(t *testing.T, test func(t *testing.T, on on)) {
	t.Helper()
	t.Parallel()
	for _, program := range []string{reference, subject} {
		side := "subject"
		if program == reference {
			side = "reference"
		}
		for _, who := range users() {
			t.Run(side+"/"+who.name, func(t *testing.T) {
				t.Parallel()
				test(t, on{program, program == reference, who})
			})
		}
	}
}

// job is a running launcher. Its command is on a leash: it reads descriptor 4
// until the test lets go, and while it or a child of it lives, alive is open.
type job struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *bufio.Reader
	alive  *os.File // reads from what the command has as descriptor 3
	leash  *os.File // writes to what it has as descriptor 4
	info   *bufio.Reader
	sync   *os.File // reads from what the launcher has as descriptor 6
	stderr *os.File
	done   chan error
}

// start runs the launcher with the victim at /v and these further words.
// Descriptors: 3 liveness, 4 leash, 5 for --info-fd and the like, 6 for --sync-fd.
func (o on) start(t *testing.T, attr func(*exec.Cmd), words ...string) *job {
	t.Helper()
	j := &job{t: t, done: make(chan error, 1)}
	outR, outW := mustPipe(t)
	aliveR, aliveW := mustPipe(t)
	leashR, leashW := mustPipe(t)
	infoR, infoW := mustPipe(t)
	syncR, syncW := mustPipe(t)
	j.out, j.alive, j.leash, j.info, j.sync = bufio.NewReader(outR), aliveR, leashW, bufio.NewReader(infoR), syncR
	stderr, err := unlinked("", 0)
	if err != nil {
		t.Fatal(err)
	}
	j.stderr = stderr.file
	s := o.side()
	j.cmd = exec.Command(o.program)
	j.cmd.Args = s.forced(append([]string{o.program, "--ro-bind", victim, "/v"}, words...))
	j.cmd.Dir, j.cmd.Env = "/", environment
	j.cmd.Stdout, j.cmd.Stderr = outW, j.stderr
	j.cmd.ExtraFiles = []*os.File{aliveW, leashR, infoW, syncW}
	j.cmd.SysProcAttr = s.attr()
	if attr != nil {
		attr(j.cmd)
	}
	j.cmd.Args = s.disguise(j.cmd.Args, j.cmd.SysProcAttr)
	j.cmd.Path = j.cmd.Args[0]
	if err := j.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{outW, aliveW, leashR, infoW, syncW} {
		_ = f.Close()
	}
	for _, f := range []*os.File{outR, infoR} {
		_ = f.SetReadDeadline(time.Now().Add(harness.Patience))
	}
	go func() { j.done <- j.cmd.Wait() }()
	t.Cleanup(func() {
		_ = leashW.Close()
		if !closes(aliveR, harness.Patience) {
			t.Error("the command outlived its leash")
		}
		for _, f := range []*os.File{outR, aliveR, infoR, syncR, j.stderr} {
			_ = f.Close()
		}
	})
	return j
}

func mustPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// closes reports whether a pipe's other end is closed within a time.
func closes(r *os.File, within time.Duration) bool {
	_ = r.SetReadDeadline(time.Now().Add(within))
	_, err := io.Copy(io.Discard, r)
	return err == nil
}

// while is how long a test of a deliberate difference waits for an end that comes with the
// subject only.
func (o on) while() time.Duration {
	if o.isReference {
		return 2 * time.Second
	}
	return harness.Patience
}

// settle waits until the launcher and all that it has started sleep.
func (j *job) settle() {
	j.t.Helper()
	if !harness.Until(func() bool {
		return !slices.ContainsFunc(proc.Tree(j.cmd.Process.Pid), func(pid int) bool { return proc.State(pid) != "S" })
	}) {
		j.t.Fatal("the launcher and what it has started do not come to rest")
	}
}

// moment is how long a test waits to see that nothing happens.
const moment = 250 * time.Millisecond

func (j *job) wantLine(want string) {
	j.t.Helper()
	line, err := j.out.ReadString('\n')
	if strings.TrimSuffix(line, "\n") != want {
		j.t.Fatalf("the command printed %q (%v), want %q; stderr: %s", line, err, want, contents(j.stderr))
	}
}

func (j *job) wantAlive(what string) {
	j.t.Helper()
	if closes(j.alive, moment) {
		j.t.Errorf("%s: the command is gone, it should have gone on", what)
	}
}

func (j *job) wantGone(what string) {
	j.t.Helper()
	if !closes(j.alive, harness.Patience) {
		j.t.Errorf("%s: the command is still there", what)
	}
}

// end waits for the launcher and says how it ended.
func (j *job) end() string {
	j.t.Helper()
	select {
	case err := <-j.done:
		j.done <- err
	case <-time.After(harness.Patience):
		_ = j.cmd.Process.Kill()
		j.t.Fatal("the launcher does not end")
	}
	return testcmd.Status(j.cmd.ProcessState)
}

func (j *job) wantEnd(want string) {
	j.t.Helper()
	if got := j.end(); got != want {
		j.t.Errorf("the launcher ended with %q, want %q; stderr: %s", got, want, contents(j.stderr))
	}
}

func (j *job) running() bool {
	select {
	case err := <-j.done:
		j.done <- err
		return false
	default:
		return true
	}
}

var childPID = regexp.MustCompile(`"child-pid": (\d+)`)

// child returns the process that the launcher tells of on descriptor 5.
func (j *job) child() int {
	j.t.Helper()
	for {
		line, err := j.info.ReadString('\n')
		if m := childPID.FindStringSubmatch(line); m != nil {
			pid, _ := strconv.Atoi(m[1])
			return pid
		}
		if err != nil {
			j.t.Fatalf("no child-pid: %v; stderr: %s", err, contents(j.stderr))
		}
	}
}

// scratch makes a directory for one test, owned by the user who runs the launcher.
func (o on) scratch(t *testing.T) string {
	t.Helper()
	s, err := newSide(o.program, o.who)
	if err != nil {
		t.Fatal(err)
	}
	return s.scratch
}

// touch makes files in a scratch directory and returns the first one's path.
func (o on) touch(t *testing.T, dir string, names ...string) string {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		err := errors.Join(os.WriteFile(path, nil, 0o644), os.Chown(path, int(o.who.uid), int(o.who.gid)))
		if err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, names[0])
}

// run runs the launcher to its end and returns what can be seen of it.
func (o on) run(t *testing.T, c *testCase) result {
	t.Helper()
	if c.env == nil {
		c.env, c.cwd = environment, "/"
	}
	return c.result(t, o.program, o.who)
}
