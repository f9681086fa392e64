package e2e_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// session is a script of a shell with a controlling terminal.
type session struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	mu     sync.Mutex
	said   bytes.Buffer
}

// startSession starts a script of bash on a terminal without echo; what it runs is "$@".
func startSession(t *testing.T, who identity, script string, args []string) *session {
	t.Helper()
	master, slave := terminal(t, who)
	s := &session{t: t, master: master}
	s.cmd = launch{who: who, args: slices.Concat([]string{"bash", "--norc", "-c", "stty -echo\n" + script, "bash"}, args)}.command()
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr.Setctty = true
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	go func() {
		for buf := make([]byte, 4096); ; {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.said.Write(buf[:n])
			s.mu.Unlock()
		}
	}()
	return s
}

// types sends keys, and waits until the terminal has shown something, which it forgets.
func (s *session) types(keys, want string) {
	s.t.Helper()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
	shown := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, rest, found := strings.Cut(s.said.String(), want)
		if found {
			s.said.Reset()
			s.said.WriteString(rest)
		}
		return found
	}
	if !harness.Until(shown) {
		s.t.Fatalf("after %q no %q in %q", keys, want, s.said.String())
	}
}

// TestForeground: the command has the terminal and a process group of its own; the terminal is the
// caller's again when it stops or ends; and what is continued goes on.
func TestForeground(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for name, options := range map[string][]string{"": nil, "pid": {"--unshare-pid", "--proc", "/proc"}, "lock": {"--lock-file", "/etc/passwd"}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				args := v.inShell("trap 'echo int' INT; echo ready; while :; do read x && echo got $x; test \"$x\" = end && exit 7; done", append(options, "--foreground")...)
				s := startSession(t, v.who, `set -m; "$@"; echo stopped $?; read y; echo mine $y; fg; echo ended $?; read z; echo mine $z`, args)
				s.types("", "ready")
				s.types("one\n", "got one")
				s.types("\x03", "int")
				s.types("\x1a", "stopped 148")
				s.types("two\n", "mine two")
				s.types("three\n", "got three")
				s.types("end\n", "ended 7")
				s.types("four\n", "mine four")
			})
		}
		t.Run("its group", func(t *testing.T) {
			t.Parallel()
			for _, option := range []string{"--foreground", "--level-prefix"} { // the second one is a control
				args := v.inShell("kill -KILL 0; sleep 600", option)
				s := startSession(t, v.who, `echo begins; "$@"; echo survived $?`, args)
				s.types("", "begins")
				if option == "--foreground" {
					s.types("", "survived 137")
				} else if err := s.cmd.Wait(); v.mode == "direct" && (err == nil || !strings.Contains(err.Error(), "killed")) {
					t.Errorf("control: %v", err)
				}
			}
		})
		t.Run("none", func(t *testing.T) {
			t.Parallel()
			out := launch{who: v.who, args: v.inShell(`test $$ = $(cut -d" " -f5 /proc/$$/stat) && echo leads`, "--foreground")}.run(t)
			out.OK(t, "leads\n")
			out = launch{who: v.who, args: v.inShell("echo ran", "--foreground", "--new-session")}.run(t)
			out.Refused(t, "--foreground cannot be combined with --new-session")
		})
	})
}

// TestForwardSignals: what is sent to the launcher comes to the command, once, and does not end the
// launcher; during set-up it does.
func TestForwardSignals(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for name, scope := range scopes {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				cmd := launch{who: v.who, args: append(v.box(slices.Concat(scope, []string{"--ro-bind", "/etc", "/etc", "--forward-signals"})...), "/h/probe", "heed", "exit", "3")}.command()
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				said := lines(out)
				if got := said(); got != "ready" {
					t.Fatalf("%q", got)
				}
				for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH} {
					if err := cmd.Process.Signal(sig); err != nil {
						t.Fatal(err)
					}
					if got := said(); got != strconv.Itoa(int(sig)) {
						t.Errorf("%v: %q", sig, got)
					}
				}
				if err := cmd.Wait(); err == nil || err.Error() != "exit status 3" {
					t.Error(err)
				}
			})
		}
		t.Run("set-up", func(t *testing.T) {
			t.Parallel()
			wait, keep := pipe(t)
			defer func() { _ = keep.Close() }()
			status, its := pipe(t)
			cmd := launch{who: v.who, files: []*os.File{wait, its}, args: v.inShell("echo ran", "--forward-signals", "--block-fd", "3", "--json-status-fd", "4")}.command()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = its.Close()
			lines(status)() // the namespaces are there
			_ = cmd.Process.Signal(syscall.SIGTERM)
			if err := cmd.Wait(); err == nil || err.Error() != "signal: terminated" {
				t.Error(err)
			}
		})
	})
}

// lines returns a function that reads the next line.
func lines(r io.Reader) func() string {
	in := bufio.NewReader(r)
	return func() string {
		line, _ := in.ReadString('\n')
		return strings.TrimSuffix(line, "\n")
	}
}
