package completion

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a shell on a terminal of its own.
type terminal struct {
	t      *testing.T
	name   string
	master *os.File
	seen   []byte
}

// open starts a shell that a user would type to.
func open(t *testing.T, env []string, shell ...string) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	master := os.NewFile(uintptr(fd), "ptmx")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 200, Col: 250})
	}
	slave, oerr := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil || oerr != nil {
		t.Fatal(err, oerr)
	}
	defer func() { _ = slave.Close() }()
	cmd := exec.Command(shell[0], shell[1:]...)
	cmd.Env, cmd.Dir = env, t.TempDir()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = master.Close()
	})
	return &terminal{t: t, name: shell[0], master: master}
}

// control are sequences that move the cursor and the like.
var control = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\r\a]`)

// types writes keys, and waits until all words have appeared after them.
func (tt *terminal) types(keys string, words ...string) {
	tt.t.Helper()
	if _, err := tt.master.WriteString(keys); err != nil {
		tt.t.Fatal(err)
	}
	start, end := len(tt.seen), time.Now().Add(5*time.Minute)
	for buf := make([]byte, 4096); ; {
		text := control.ReplaceAllString(string(tt.seen[start:]), "")
		missing := ""
		for _, word := range words {
			if !strings.Contains(text, word) {
				missing = word
			}
		}
		if missing == "" {
			return
		}
		_ = tt.master.SetReadDeadline(end)
		n, err := tt.master.Read(buf)
		tt.seen = append(tt.seen, bytes.ReplaceAll(buf[:n], []byte(" \b"), nil)...)
		if err != nil {
			tt.t.Fatalf("%s, after %q: %q has not appeared, but %q", tt.name, keys, missing, text)
		}
	}
}

type keystrokes struct {
	line string
	want []string
}

// keys are lines with a Tab at their end, and what appears then.
var keys = []keystrokes{
	{"gobwrap --share\t", []string{"--share-net"}},
	{"gobwrap --ro-bind-\t\t", []string{"--ro-bind-data", "--ro-bind-fd", "--ro-bind-try"}},
	{"gobwrap --fallback-proc=n\t", []string{"--fallback-proc=none"}},
	{"gobwrap --unshare-all --doctor=a\t", []string{"--doctor=apparmor"}},
	{"gobwrap --ro-bind TREE/tw\t", []string{`two\ words`}},
	{"gobwrap --ro-bind TREE/fi\t", []string{`:x `}},
	{"gobwrap --ro-bind TREE /us\t", []string{"/usr/"}},
	{"gobwrap --chdir TREE/\t", []string{"/sub/"}},
	{"gobwrap --cap-drop CAP_SYS_PT\t", []string{"CAP_SYS_PTRACE"}},
	{"gobwrap --seccomp-profile str\t", []string{"strict"}},
	{"gobwrap --mode \t\t", []string{"auto", "direct", "setuid"}},
	{"gobwrap --setenv COMPLETION_TE\t", []string{"COMPLETION_TEST"}},
	{"gobwrap --setenv A b=c --unshare-cgroup-\t", []string{"--unshare-cgroup-try"}},
	{"gobwrap --ro-bind / / -- completion-pro\t", []string{"completion-program"}},
	{"gobwrap --ro-bind / / completion-pro\t", []string{"completion-program"}},
	{"gobwrap --ro-bind / / completion-program TREE/su\t", []string{"/sub/"}},
}

// limiterKeys are the same for the program that limits.
var limiterKeys = []keystrokes{
	{"gobwrap-limit --mem\t", []string{"--memory"}},
	{"gobwrap-limit --memory 1G --ex\t", []string{"--explain"}},
	{"gobwrap-limit --memory=1G --cp\t", []string{"--cpus"}},
	{"gobwrap-limit --tasks 9 -- completion-pro\t", []string{"completion-program"}},
	{"gobwrap-limit --tasks 9 completion-pro\t", []string{"completion-program"}},
	{"gobwrap-limit --tasks 9 completion-program TREE/su\t", []string{"/sub/"}},
}

// compilerKeys are the same for the program that compiles filters.
var compilerKeys = []keystrokes{
	{"gobwrap-seccomp com\t", []string{"compile"}},
	{"gobwrap-seccomp compile --ke\t", []string{"--kernel"}},
	{"gobwrap-seccomp check --cap CAP_SYS_PT\t", []string{"CAP_SYS_PTRACE"}},
	{"gobwrap-seccomp test no-us\t", []string{"no-userns"}},
	{"gobwrap-seccomp compile -o TREE/su\t", []string{"/sub/"}},
	{"gobwrap-seccomp dump --arch x3\t", []string{"x32"}},
}

// press types all lines; ^U takes each away again.
func (tt *terminal) press(tree string) {
	tt.t.Helper()
	for _, k := range slices.Concat(keys, limiterKeys, compilerKeys) {
		tt.types(strings.ReplaceAll(k.line, "TREE", tree), k.want...)
		tt.types("\x15echo $((6*7))ready\r", "42ready")
	}
}

// TestBashTerminal: with a terminal, where the words are bash's own.
func TestBashTerminal(t *testing.T) {
	tree, env := surroundings(t)
	tt := open(t, env, "bash", "--norc", "-i")
	tt.types("bind 'set completion-query-items 0'; bind 'set page-completions off'; bind 'set enable-bracketed-paste off'; . "+
		script(t, "gobwrap/completions/gobwrap.bash")+"; . "+script(t, "gobwrap-limit/completions/gobwrap-limit.bash")+"; . "+script(t, "gobwrap-seccomp/completions/gobwrap-seccomp.bash")+"; echo $((6*7))ready\r", "42ready")
	tt.press(tree)
}

// TestZsh: _arguments does not work but with a terminal.
func TestZsh(t *testing.T) {
	tree, env := surroundings(t)
	tt := open(t, env, "zsh", "-f", "-i")
	tt.types("fpath=("+filepath.Dir(script(t, "gobwrap/completions/_gobwrap"))+" "+filepath.Dir(script(t, "gobwrap-limit/completions/_gobwrap-limit"))+" "+filepath.Dir(script(t, "gobwrap-seccomp/completions/_gobwrap-seccomp"))+" $fpath); autoload -U compinit; compinit -u -D; "+
		"setopt no_always_last_prompt; LISTMAX=1000; bindkey -e; PS1='> '; unset zle_bracketed_paste; echo $((6*7))ready\r", "42ready")
	tt.press(tree)
	tt.types(inner.line+"\t", inner.has...)
}
