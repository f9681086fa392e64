package seccomp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// The programs, in a directory that everybody can reach.
var (
	base      string
	gobwrap   string // with its compiler beside it
	installed string // the same, set-user-id root
	compiler  string
	calls     string // makes system calls
	program   string // a Go program of everyday use
)

const (
	entry = "github.com/gobwrap/gobwrap/sandbox/child.entry"

	docker = "../../seccomp/testdata/docker.json"
	podman = "../../seccomp/builtin/default.json"
)

// patience guards against hangs.
const patience = 5 * time.Minute

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "seccomp:", err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func prepare() (err error) {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("the calls are made on amd64 only")
	}
	syscall.Umask(0o022)
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("marking inherited descriptors: %w", err)
	}
	if base, err = os.MkdirTemp("", "seccomp-"); err != nil {
		return err
	}
	if err := os.Chmod(base, 0o755); err != nil {
		return err
	}
	return build()
}

func build() error {
	in := func(name string) string { return filepath.Join(base, name) }
	gobwrap, compiler, installed, calls, program = in("bin/gobwrap"), in("bin/gobwrap-seccomp"), in("setuid/gobwrap"), in("bin/calls"), in("bin/program")
	for _, c := range []struct {
		env  string
		argv []string
	}{
		{"CGO_ENABLED=0", []string{"go", "build", "-ldflags=-E " + entry, "-o", gobwrap, "../../cmd/gobwrap"}},
		{"CGO_ENABLED=1", []string{"go", "build", "-o", compiler, "../../cmd/gobwrap-seccomp"}},
		{"CGO_ENABLED=0", []string{"go", "build", "-o", program, "../tools/everyday"}},
		{"", []string{"gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", calls, "testdata/calls.c"}},
		{"", []string{"install", "-D", "-m", "4755", gobwrap, installed}},
		{"", []string{"install", "-D", "-m", "0755", compiler, in("setuid/gobwrap-seccomp")}},
	} {
		cmd := exec.Command(c.argv[0], c.argv[1:]...)
		cmd.Env = append(os.Environ(), c.env)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w (make setup installs libseccomp-dev and gcc)\n%s", c.argv, err, out)
		}
	}
	return nil
}

// user is who starts a launcher. The ordinary one has no entry in passwd.
type user struct {
	name string
	id   uint32
}

var (
	root     = user{"root", 0}
	ordinary = user{"ordinary", 12345}
)

// result is what a run came to.
type result struct {
	out, err string
	status   int
}

// run runs a command as a user, from the root, with an empty standard input.
func (u user) run(t *testing.T, argv ...string) result {
	t.Helper()
	return u.start(t, exec.Command(argv[0], argv[1:]...))
}

func (u user) start(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	r, err := u.outcome(cmd)
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return r
}
