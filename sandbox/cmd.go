package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/sandbox/child"
)

// Cmd is a command in a sandbox, being prepared or run. It is used as the Cmd of package
// os/exec, and fields of the same name are the same unless noted. A Cmd cannot be reused.
type Cmd struct {
	Path string   // the program, inside; without a slash it is searched for in the PATH of Env, inside
	Args []string // with argv[0]
	Env  []string // nil: this process's
	Dir  string   // where the command starts, inside; "": where this process is, or else HOME, or else /

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	ExtraFiles     []*os.File // entry i is the command's descriptor 3+i, unless an option of Spec names it

	Spec     Spec        // what the sandbox is
	Launcher string      // a gobwrap binary; "": found, see the package comment
	Warn     func(error) // called with each failure that --not-a-security-boundary forgives; may be nil

	// Process is the command, once started. When it ends, the sandbox ends. It is not a child
	// of this process: wait for it with Wait of the Cmd, after which its methods fail. Before
	// Linux 5.3 it is the sandbox's monitor: a signal that ends that ends the sandbox.
	Process      *os.Process
	ProcessState *os.ProcessState // after Wait: the command's status; times and memory are its and its children's

	// Cancel is called when the context of CommandContext is done, as in package os/exec.
	// CommandContext sets it to end the sandbox; another function may ask the command to
	// end, as by c.Signal(syscall.SIGTERM). WaitDelay after that the sandbox is ended.
	Cancel    func() error
	WaitDelay time.Duration

	ctx  context.Context
	exec *exec.Cmd // the launcher's
	line *os.File  // the process with its other end ends when this one does
	end  ending

	profiles map[string][]byte // compiled, by profile and capabilities
	front    *front.Line       // where a command line has made the Spec
}

// Command prepares a command in a sandbox. Until Spec says more, there is nothing in it.
func Command(name string, arg ...string) *Cmd {
	return &Cmd{Path: name, Args: append([]string{name}, arg...)}
}

// CommandContext is like Command, but ends the sandbox when the context is done.
func CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	if ctx == nil {
		panic("nil Context")
	}
	c := Command(name, arg...)
	c.ctx = ctx
	c.Cancel = c.insist
	return c
}

// String returns the command as words, for people.
func (c *Cmd) String() string { return strings.Join(append([]string{c.Path}, tail(c.Args)...), " ") }

func tail(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	return args[1:]
}

// Environ returns the environment that the command gets, except for PWD.
func (c *Cmd) Environ() []string { return environment(c.environ(), c.Spec.Env) }

func (c *Cmd) environ() []string {
	switch {
	case c.Env != nil:
		return lastOnes(c.Env)
	case child.Entered():
		return child.Environ()
	}
	return os.Environ()
}

// lastOnes returns the entries without those that a later one of the same name overrides.
func lastOnes(env []string) []string {
	later := map[string]bool{}
	out := make([]string, 0, len(env))
	for _, entry := range slices.Backward(env) {
		if name, _, ok := strings.Cut(entry, "="); ok && later[name] {
			continue
		} else if ok {
			later[name] = true
		}
		out = append(out, entry)
	}
	slices.Reverse(out)
	return out
}

// Pass adds f to ExtraFiles and returns its number, for an option that takes one.
func (c *Cmd) Pass(f *os.File) FD {
	c.ExtraFiles = append(c.ExtraFiles, f)
	return SetFD(2 + len(c.ExtraFiles))
}

// Run starts the command and waits for its end.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns what it wrote to its standard output.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("sandbox: Stdout already set")
	}
	var out bytes.Buffer
	c.Stdout = &out
	keep := c.Stderr == nil
	var said bytes.Buffer
	if keep {
		c.Stderr = &said
	}
	err := c.Run()
	var exit *ExitError
	if keep && errors.As(err, &exit) {
		exit.Stderr = said.Bytes()
	}
	return out.Bytes(), err
}

// CombinedOutput runs the command and returns what it wrote to its standard output and
// standard error.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("sandbox: Stdout or Stderr already set")
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.Bytes(), err
}

// StdinPipe returns a pipe to the command's standard input; Wait closes it.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) { return c.under().StdinPipe() }

// StdoutPipe returns a pipe from the command's standard output; Wait closes it.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) { return c.under().StdoutPipe() }

// StderrPipe returns a pipe from the command's standard error; Wait closes it.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) { return c.under().StderrPipe() }

// under returns the launcher's Cmd, with those streams that are set so far.
func (c *Cmd) under() *exec.Cmd {
	if c.exec == nil {
		c.exec = &exec.Cmd{}
	}
	x := c.exec
	if c.Stdin != nil {
		x.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		x.Stdout = c.Stdout
	}
	if c.Stderr != nil {
		x.Stderr = c.Stderr
	}
	return x
}
