package sandbox

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/sandbox/internal/host"
	"github.com/gobwrap/gobwrap/sandbox/internal/launcher"
	"github.com/gobwrap/gobwrap/sandbox/internal/link"
	"github.com/gobwrap/gobwrap/sandbox/internal/rules"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// Start starts the command. It returns when the command runs, or with a *[SetupError]
// when nothing is left of what was to become its sandbox.
func (c *Cmd) Start() error {
	if c.line != nil {
		return errors.New("sandbox: already started")
	}
	if c.ctx != nil && c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	l, err := c.launcher()
	if err != nil {
		return options("Cmd.Launcher", err)
	}
	s, h, p, err := c.compile(l.Keeper)
	if err != nil {
		return options("Spec", err)
	}
	if err := hollowCaps(s, h); err != nil {
		c.warn(err)
	}
	to, err := c.exchange(l, s)
	if err != nil {
		return &SetupError{Stage: "launch", Err: err}
	}
	err = start(to, s, h, p, c.warn)
	if err != nil {
		to.HearOut()
	}
	_ = to.Sock.Close()
	if err == nil {
		c.runs(to)
		return nil
	}
	if to.Command != nil {
		_ = to.Command.Close()
	}
	s.Report.failed(to, err)
	_ = c.say(child.LineKill)
	c.clear()
	if c.ctx != nil && c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	return explainLauncher(l, forProgram(err))
}

// forProgram makes an error name a field, and be what package os/exec would have returned for
// a program that is not there. The launcher has no use for either.
func forProgram(err error) error {
	var e *SetupError
	if !errors.As(err, &e) {
		return err
	}
	if field := rules.FieldOf(e.Field); field != "" {
		out := *e
		out.Field, out.Err = field, fault.Because(field+strings.TrimPrefix(e.Error(), e.Field), e.Err)
		return &out
	}
	searched := e.Stage == plan.OpExec.String() && errors.Is(err, syscall.ENOENT) && !strings.Contains(e.Path, "/")
	if searched || errors.Is(err, fault.ErrNoTool) {
		out := *e
		out.is = exec.ErrNotFound
		return &out
	}
	return err
}

func (c *Cmd) warn(err error) {
	if c.Warn != nil {
		c.Warn(err)
	}
}

// options returns the error for a Cmd that is not valid; field is used if err does not name
// one.
func options(field string, err error) error {
	var e *SetupError
	switch {
	case errors.As(err, &e):
		return forProgram(err)
	case errors.Is(err, ErrNoSetuid):
		return &SetupError{Stage: "options", Field: "Mode", Err: err}
	}
	return &SetupError{Stage: "options", Field: field, Err: fault.Because(field+": "+err.Error(), err)}
}

// compile makes the plan for a launcher that this process starts.
func (c *Cmd) compile(keeper bool) (*wanted, facts, *plan.Program, error) {
	s := c.spec()
	for _, check := range []func(*wanted) error{c.checkFields, validate, c.checkFDs} {
		if err := check(s); err != nil {
			return nil, facts{}, nil, err
		}
	}
	h := readFacts(s)
	h.Env, h.Embedded = c.environ(), true
	h.Tty = host.IsTerminalFile(c.Stdout)
	p, err := c.finish(s, h, keeper)
	return s, h, p, err
}

// finish makes a plan, with the filters of all profiles.
func (c *Cmd) finish(s *wanted, h facts, keeper bool) (*plan.Program, error) {
	if err := c.compileProfiles(s, h); err != nil {
		return nil, err
	}
	return prepare(s, h, keeper)
}

// spec returns the Spec with all that the Cmd says.
func (c *Cmd) spec() *wanted {
	w := wantedOf(c.Spec.settled(), c.front)
	if c.Path != "" {
		w.Command.Args = append([]string{c.Path}, tail(c.Args)...)
		if len(c.Args) > 0 && c.Args[0] != c.Path {
			w.Command.Argv0 = SetText(c.Args[0])
		}
	}
	if c.Dir != "" {
		w.Command.Chdir, w.chdir = SetText(c.Dir), "Cmd.Dir"
	}
	next := 3 + len(c.ExtraFiles)
	for i := range w.files {
		if op := &w.files[i]; op.Content != nil {
			op.FD = tree.FD{N: next, Given: true}
			next++
		}
	}
	return w
}

// checkFields checks the fields of the Cmd itself.
func (c *Cmd) checkFields(w *wanted) error {
	v := validator{of: w}
	if c.Path == "" && len(c.Spec.Command.Args) == 0 {
		v.bad("Cmd.Path", "must not be empty")
	}
	v.text("Cmd.Path", c.Path)
	for i, arg := range c.Args {
		v.text(at("Cmd.Args", i), arg)
	}
	for i, entry := range c.Env {
		v.text(at("Cmd.Env", i), entry)
	}
	v.text("Cmd.Dir", c.Dir)
	if c.Cancel != nil && c.ctx == nil {
		v.bad("Cmd.Cancel", "needs a Cmd made by CommandContext")
	}
	if v.first == nil {
		return nil
	}
	return v.first
}

// checkFDs checks that every descriptor number in s stands for a file.
func (c *Cmd) checkFDs(s *wanted) error {
	for i, d := range s.descriptors() {
		if err := c.checkFD(d.name, *d.field, flat.IsWritten(i)); err != nil {
			return err
		}
	}
	for i, fd := range s.Session.SyncFDs {
		if err := c.checkFD(at("Session.SyncFDs", i), fd, false); err != nil {
			return err
		}
	}
	for i := range s.files {
		op := &s.files[i]
		if op.FD.Given && op.Content == nil {
			if err := c.checkFD(at("Files", i)+".FD", SetFD(op.FD.N), false); err != nil {
				return err
			}
		}
		for _, path := range append([]string{op.Source, op.Upper, op.Work}, op.Layers...) {
			if n, ok := host.NamesFD(path); ok && !c.passes(n) {
				return badField(at("Files", i), path+": "+noFile(n))
			}
		}
	}
	return nil
}

// checkFD checks one of them.
func (c *Cmd) checkFD(field string, fd FD, written bool) error {
	switch {
	case fd.Given() && !c.passes(fd.N()):
		return badField(field, noFile(fd.N()))
	case fd.Given() && written:
		return c.checkWritable(field, fd)
	}
	return nil
}

// checkWritable checks that a report can be written to.
func (c *Cmd) checkWritable(field string, fd FD) error {
	n, ok := fd.N(), true
	switch {
	case n == 0:
		ok = false // a Reader
	case n > 2:
		conn, err := c.ExtraFiles[n-3].SyscallConn()
		if err != nil {
			return err
		}
		if err := conn.Control(func(fd uintptr) { ok = child.Writable(int(fd)) }); err != nil {
			return err
		}
	}
	if !ok {
		e := badField(field, "fd "+strconv.Itoa(n)+" is not open for writing")
		e.Err = &fault.Failure{Message: e.Err.Error(), Errno: unix.EBADF}
		return e
	}
	return nil
}

func noFile(n int) string {
	return "descriptor " + strconv.Itoa(n) + " is neither a standard stream nor one of ExtraFiles"
}

// passes reports whether the launcher gets a descriptor of this number from the Cmd.
func (c *Cmd) passes(n int) bool {
	return n >= 0 && (n < 3 || n-3 < len(c.ExtraFiles) && c.ExtraFiles[n-3] != nil)
}

// exchange starts the launcher in plan mode.
func (c *Cmd) exchange(l launcher.Launcher, s *wanted) (*link.Host, error) {
	made, err := link.Contents(s.files)
	if err != nil {
		return nil, err
	}
	defer link.CloseAll(made)
	ours, its, err := link.SocketPair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = its.Close() }()
	line, ear, err := link.SocketPair()
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	defer func() { _ = ear.Close() }()
	x := c.under()
	files := append(slices.Clone(c.ExtraFiles), made...)
	n := 3 + len(files)
	x.Path, x.Env, x.Err = l.Path, l.Env, nil
	x.Args = []string{child.PlanWord, strconv.Itoa(n), strconv.Itoa(n + 1), strconv.FormatUint(host.IgnoredSignals(), 10)}
	x.ExtraFiles = append(files, its, ear)
	x.WaitDelay = c.WaitDelay
	if err := x.Start(); err != nil {
		return nil, errors.Join(err, ours.Close(), line.Close())
	}
	c.begin(line)
	t := &link.Host{Sock: ours, Writer: c.writer}
	t.KnowSenders()
	return t, nil
}

// writer returns the Cmd's file for a descriptor of an option; nil: there is none.
func (c *Cmd) writer(fd int) io.Writer {
	switch {
	case fd >= 3:
		return c.ExtraFiles[fd-3]
	case fd == 2:
		return c.Stderr
	case fd == 1:
		return c.Stdout
	}
	return nil
}

// clear waits for a launcher that has failed, and takes back what Start has done.
func (c *Cmd) clear() {
	x := c.exec
	over := make(chan struct{})
	line := c.line
	hurry := time.AfterFunc(10*time.Second, func() { _ = line.Close() })
	host.Await(x.Process.Pid)
	hurry.Stop()
	// What remains of Wait takes as long as the caller's own Reader or Writer.
	go func() { _ = x.Wait(); close(over) }()
	for !errors.Is(x.Process.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		runtime.Gosched()
	}
	select {
	case <-over:
	case <-time.After(10 * time.Millisecond):
	}
	c.forget()
}

// become makes this process the sandbox (front.Exec).
func (c *Cmd) become() error {
	if !child.Entered() {
		return errNotEntered
	}
	s, h, p, err := c.own()
	if err != nil {
		return err
	}
	if err := hollowCaps(s, h); err != nil {
		c.warn(err)
	}
	return start(link.Own{}, s, h, p, c.warn)
}

var errNotEntered = errors.New("this binary was linked without its entry point: " +
	"build it with make, or with -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry")

// own makes the plan for this process itself.
func (c *Cmd) own() (*wanted, facts, *plan.Program, error) {
	s := c.spec()
	h := readFacts(s)
	h.Env = c.environ()
	p, err := c.finish(s, h, child.InstallKind() == suid.Installed)
	return s, h, p, err
}

// Plan returns the listing of what would be done, a step a line: what --dry-run prints.
func (c *Cmd) Plan() (string, error) {
	_, _, p, err := c.program()
	if err != nil {
		return "", err
	}
	return p.Dump(setting.Listed), nil
}

func (c *Cmd) program() (*wanted, facts, *plan.Program, error) {
	if child.Entered() {
		return c.own()
	}
	l, err := c.launcher()
	if err != nil && c.Spec.Mode == Setuid {
		return nil, facts{}, nil, err
	}
	return c.compile(l.Keeper)
}

// Describe returns the lines that --explain prints: the sandbox's contents and its risks.
func (c *Cmd) Describe() []string {
	s := c.spec()
	h := readFacts(s)
	h.StdinFile = host.WritableStdin(c.Stdin)
	h.Unscoped = len(kernel.Scopes()) == 0
	if !child.Entered() {
		h.Env = os.Environ()
	}
	return linesOf(s, h)
}
