package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// The prompts of the shell outside, on a line that goes on, and of the shell in a sandbox.
const (
	outside  = "~/project$ "
	more     = "> "
	inside   = "sandbox$ "
	patience = 2 * time.Minute
)

// machine is where sessions are recorded: a directory with a launcher and a home.
type machine struct{ dir string }

func newMachine() (*machine, error) {
	dir, err := os.MkdirTemp("/var/tmp", "screenshots-") // not in /tmp, which the session covers
	if err != nil {
		return nil, err
	}
	m := &machine{dir}
	err = errors.Join(
		os.Chmod(dir, 0o755),
		os.MkdirAll(m.project(), 0o755),
		os.WriteFile(filepath.Join(m.home(), ".bashrc"), []byte("PS1='"+inside+"'\n"), 0o644),
		testbin.Launcher(filepath.Join(dir, "bin/gobwrap")),
	)
	if err != nil {
		return nil, errors.Join(err, m.remove())
	}
	return m, nil
}

func (m *machine) home() string    { return filepath.Join(m.dir, "home") }
func (m *machine) project() string { return filepath.Join(m.home(), "project") }
func (m *machine) remove() error   { return os.RemoveAll(m.dir) }

// record types a session into a shell, and returns what appears on its terminal.
func (m *machine) record(s session) (string, error) {
	master, terminal, err := openTerminal()
	if err != nil {
		return "", err
	}
	defer func() { _ = master.Close() }()
	cmd := m.shell(s.refuses)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	err = cmd.Start()
	_ = terminal.Close()
	if err != nil {
		return "", err
	}
	var screen bytes.Buffer
	err = m.typeAll(master, &screen, s.typed)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return m.clean(screen.String()), err
}

// shell returns a shell of an ordinary user, uid 1000 in a user namespace of its own.
func (m *machine) shell(refuses bool) *exec.Cmd {
	script := `exec setpriv --ambient-caps=-all --inh-caps=-all bash --noprofile --norc -i`
	if refuses {
		script = "echo 0 >/proc/sys/user/max_user_namespaces && " + script
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = m.project()
	cmd.Env = []string{
		"HOME=" + m.home(), "PATH=" + m.dir + "/bin:/usr/bin:/bin", "TERM=dumb", "LC_ALL=C", "PS1=" + outside, "PS2=" + more,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Setctty: true, Cloneflags: syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_RESOURCE},
	}
	return cmd
}

// typeAll types each line when the shell asks for one, and waits for the last prompt.
func (m *machine) typeAll(terminal *os.File, screen *bytes.Buffer, lines []string) error {
	for _, line := range append(lines, "") {
		if err := waitForPrompt(terminal, screen); err != nil {
			return fmt.Errorf("before %q: %w, after\n%s", line, err, screen)
		}
		if line == "" {
			return nil
		}
		if _, err := terminal.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return nil
}

func waitForPrompt(terminal *os.File, screen *bytes.Buffer) error {
	buffer := make([]byte, 4096)
	for {
		if err := terminal.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		n, err := terminal.Read(buffer)
		screen.Write(buffer[:n])
		if err != nil {
			return err
		}
		for _, prompt := range []string{outside, more, inside} {
			if strings.HasSuffix(screen.String(), "\n"+prompt) || screen.String() == prompt {
				return nil
			}
		}
	}
}

// replacements make what differs between machines the same.
var replacements = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\r`), ""},
	{regexp.MustCompile(`\n[^\n]*\$ $`), ""}, // the last prompt
	{regexp.MustCompile(`(gobwrap [0-9.]+) on [^\n]*, Linux [^\n]*, as uid`), "$1 on Debian GNU/Linux 12 (bookworm), Linux 6.12, as uid"},
	{regexp.MustCompile(`Landlock: ABI [0-9]+`), "Landlock: ABI 6"},
	{regexp.MustCompile(`(Binary: [^\n]*), mode 0[0-7]+, [^\n]*`), "$1, mode 0755, owned by root: for direct mode only."},
}

func (m *machine) clean(screen string) string {
	screen = strings.NewReplacer(m.dir+"/bin", "/usr/local/bin", m.home(), "/home/user").Replace(screen)
	for _, r := range replacements {
		screen = r.what.ReplaceAllString(screen, r.with)
	}
	return screen
}

// openTerminal makes a pseudo-terminal that is wide enough for every line.
func openTerminal() (master, terminal *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err,
		unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 60, Col: 250}))
	if err == nil {
		terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		_ = master.Close()
		return nil, nil, err
	}
	return master, terminal, nil
}
