package sandbox

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/sandbox/internal/host"
	"github.com/gobwrap/gobwrap/sandbox/internal/link"
	"golang.org/x/sys/unix"
)

// How long a sandbox may take to end: when only its command has been killed, until the
// monitor is told to end the rest; and until the monitor itself is killed, which may have
// been stopped.
const (
	untilAll     = time.Second
	untilMonitor = 3 * time.Second
)

// ending is the state of a started Cmd that concerns its end. The context may be done at any
// time, in a goroutine of its own.
type ending struct {
	mu      sync.Mutex
	running bool     // set-up is over, and the command runs
	waited  bool     // Wait has been called
	command *os.File // a pidfd of the command, nil: none is known
	timers  []*time.Timer

	stop     func() bool   // keeps the end of the context from being noticed
	over     chan struct{} // closed when the end of the context has been dealt with
	err      error         // what came of that, for Wait
	deadline time.Time     // WaitDelay after it
	usage    Usage         // after Wait
}

var errNotStarted = errors.New("sandbox: not started")

// begin keeps the line to a monitor that has just been started, and watches the context.
func (c *Cmd) begin(line *os.File) {
	c.end.mu.Lock()
	c.line, c.Process = line, c.exec.Process
	c.end.mu.Unlock()
	if c.ctx != nil {
		c.end.over = make(chan struct{})
		c.end.stop = context.AfterFunc(c.ctx, c.cancelled)
	}
}

// runs marks the end of set-up.
func (c *Cmd) runs(t *link.Host) {
	_ = c.say(child.LineRuns) // it may have ended already
	c.end.mu.Lock()
	defer c.end.mu.Unlock()
	c.end.running, c.end.command = true, t.Command
	// A process that is found by its number is the command if the command has not ended after
	// that: the number is not reused until the process has been waited for.
	if t.PID == 0 {
		return
	}
	p, err := os.FindProcess(t.PID)
	switch {
	case err != nil:
	case c.send(0) == nil:
		c.Process = p
	default:
		_ = p.Release()
	}
}

// forget takes back what begin has done.
func (c *Cmd) forget() {
	if c.end.stop != nil && !c.end.stop() {
		<-c.end.over
	}
	c.end.mu.Lock()
	defer c.end.mu.Unlock()
	c.release()
	c.line, c.Process = nil, nil
}

// release closes what belongs to a sandbox that has ended.
func (c *Cmd) release() {
	for _, t := range c.end.timers {
		t.Stop()
	}
	c.end.timers = nil
	_ = c.line.Close()
	if c.end.command != nil {
		_ = c.end.command.Close()
	}
	if p := c.Process; p != c.exec.Process { // no Wait closes what it holds
		pid := p.Pid
		_ = p.Release()
		p.Pid = pid
	}
}

// say writes a byte to the line.
func (c *Cmd) say(word byte) error {
	c.end.mu.Lock()
	line := c.line
	c.end.mu.Unlock()
	if line == nil {
		return errNotStarted
	}
	if _, err := line.Write([]byte{word}); err != nil {
		return os.ErrProcessDone
	}
	return nil
}

// send sends a signal to the command.
func (c *Cmd) send(sig syscall.Signal) error {
	if c.end.command == nil {
		return fault.Because("sandbox: the command is not known: this needs pidfd_open(2), since Linux 5.3", errors.ErrUnsupported)
	}
	raw, err := c.end.command.SyscallConn()
	if err != nil {
		return os.ErrProcessDone
	}
	sent := error(nil)
	if raw.Control(func(fd uintptr) { sent = unix.PidfdSendSignal(int(fd), sig, nil, 0) }) != nil || errors.Is(sent, unix.ESRCH) {
		return os.ErrProcessDone
	}
	return os.NewSyscallError("pidfd_send_signal", sent)
}

// Signal sends a signal to the command and to nothing else in the sandbox. A command that
// is PID 1 (Session.AsPID1) gets those that it handles, and SIGKILL and SIGSTOP. The error
// is os.ErrProcessDone where the command has ended, and errors.ErrUnsupported before Linux
// 5.3.
func (c *Cmd) Signal(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.New("sandbox: unsupported signal type")
	}
	c.end.mu.Lock()
	defer c.end.mu.Unlock()
	if !c.end.running {
		return errNotStarted
	}
	return c.send(s)
}

// Kill ends the sandbox with all that is in it. The command goes first, so that ProcessState
// knows what it has used, and the monitor last, so that no process is left for this one to
// inherit.
func (c *Cmd) Kill() error {
	c.end.mu.Lock()
	running := c.end.running
	killed := running && c.send(syscall.SIGKILL) == nil
	c.end.mu.Unlock()
	if killed {
		c.later(untilAll, func() { _ = c.say(child.LineKill) })
		return nil
	}
	return c.say(child.LineKill)
}

// insist is like Kill, for a monitor that may have been stopped.
func (c *Cmd) insist() error {
	err := c.Kill()
	monitor := c.exec.Process
	c.later(untilMonitor, func() { _ = monitor.Kill() })
	return err
}

// later does something unless the sandbox has ended by then.
func (c *Cmd) later(after time.Duration, do func()) {
	c.end.mu.Lock()
	defer c.end.mu.Unlock()
	if c.line != nil && !c.end.waited {
		c.end.timers = append(c.end.timers, time.AfterFunc(after, do))
	}
}

// cancelled is called when the context is done. Before the command runs, nothing can be asked
// to end.
func (c *Cmd) cancelled() {
	defer close(c.end.over)
	c.end.mu.Lock()
	running := c.end.running
	c.end.mu.Unlock()
	if !running {
		_ = c.insist()
		return
	}
	if c.Cancel != nil {
		switch err := c.Cancel(); {
		case err == nil:
			c.end.err = c.ctx.Err()
		case !errors.Is(err, os.ErrProcessDone):
			c.end.err = fault.Because("sandbox: canceling Cmd: "+err.Error(), err)
		}
	}
	if c.WaitDelay > 0 {
		c.end.deadline = time.Now().Add(c.WaitDelay)
		c.later(c.WaitDelay, func() { _ = c.insist() })
	}
}

// Wait waits for the command's end, and for the copying of its streams. A command that
// fails is an *ExitError.
func (c *Cmd) Wait() error {
	if c.line == nil {
		return errNotStarted
	}
	if c.ProcessState != nil {
		return errors.New("sandbox: Wait was already called")
	}
	x := c.exec
	host.Await(x.Process.Pid)
	if c.end.stop != nil && !c.end.stop() {
		<-c.end.over
	}
	if !c.end.deadline.IsZero() { // it holds for the streams, too
		x.WaitDelay = max(time.Until(c.end.deadline), 1)
	}
	said := make([]byte, child.UsageSize)
	_ = c.line.SetReadDeadline(time.Now().Add(time.Second)) // its other end is closed
	n, _ := io.ReadFull(c.line, said)
	c.end.mu.Lock()
	c.end.waited = true
	c.release()
	c.end.mu.Unlock()
	err := x.Wait()
	c.ProcessState = x.ProcessState
	usage, ended := readUsage(said[:n])
	if c.Spec.Report.Usage {
		c.end.usage = usage
	}
	var failed *exec.ExitError
	var exit *ExitError
	if errors.As(err, &failed) {
		exit = &ExitError{failed, c.end.usage}
		err = exit
	}
	if ended && usage.EndedBy == EndedByTimeout {
		return errors.Join(ErrTimeout, err)
	}
	if c.end.err != nil && exit == nil {
		return c.end.err
	}
	return err
}
