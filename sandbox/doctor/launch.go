package doctor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/child"
)

// outcome is the result of a launch.
type outcome struct {
	works   bool
	stage   string // see sandbox.SetupError
	errno   syscall.Errno
	message string
	killed  bool // set-up was killed
	missing bool // a program of the system that it needs is not installed
}

// patience is how long a launch may take: a stuck file system must not keep the answers
// back.
const patience = 10 * time.Second

const (
	selfExe = "/proc/self/exe"
	inside  = "/gobwrap" // what the sandboxes of the attempts hold
)

// launcher makes the launches of the attempts.
type launcher struct {
	path    string   // see Cmd.Launcher
	command []string // what runs inside; empty: nothing does, and to come so far is enough
	facts   *facts
}

// exe returns the program that is started.
func (l *launcher) exe() (string, error) {
	if l.path != "" {
		return l.path, nil
	}
	return sandbox.FindLauncher()
}

// launch starts a sandbox and waits for its end.
func (l *launcher) launch(s sandbox.Spec) outcome {
	if l.facts.noProc() {
		return outcome{stage: "launch", errno: syscall.ENODEV, message: "Can't open /proc: no proc is mounted there"}
	}
	s.Files = append([]mounts.Op{mounts.ReadOnly(l.facts.self()).At(inside)}, s.Files...)
	command := l.command
	if len(command) == 0 {
		command = []string{"/there is nothing"} // an embedding program must not run again
	}
	r, w, err := os.Pipe() // and not /dev/null, which there may not be
	if err != nil {
		return outcome{stage: "launch", message: err.Error()}
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := sandbox.CommandContext(ctx, command[0], command[1:]...)
	c.Env, c.Launcher, c.Spec = []string{}, l.path, s
	c.Stdin, c.Stdout, c.Stderr = r, w, w
	if err = c.Start(); err == nil {
		_ = c.Wait() // whatever becomes of it
		return outcome{works: true}
	}
	o := l.outcome(err)
	if ctx.Err() != nil {
		o = outcome{stage: "launch", message: "it did not end within " + strconv.Itoa(int(patience.Seconds())) + " s"}
	}
	return o
}

// outcome returns what the error of a launch means.
func (l *launcher) outcome(err error) (o outcome) {
	o.stage, o.message = "launch", err.Error()
	var e *sandbox.SetupError
	if errors.As(err, &e) {
		o.stage = e.Stage
	}
	errors.As(err, &o.errno)
	o.works = len(l.command) == 0 && o.stage == "exec" && o.errno == syscall.ENOENT
	o.killed = o.stage == "launch" && errors.Is(err, sandbox.ErrKilled)
	o.missing = errors.Is(err, exec.ErrNotFound)
	if child.Entered() {
		o.message = inOptions(o.message)
	}
	return o
}

// self returns a path of this binary that a sandbox can bind. In a chroot the link
// /proc/self/exe leads to a mount of another namespace, which cannot be bound.
func (f *facts) self() string {
	if files, ok := f.Files.(sameFile); ok && f.Binary.Path != "" {
		if same, known := files.SameFile(selfExe, f.Binary.Path); known && same {
			return f.Binary.Path
		}
	}
	return selfExe
}
