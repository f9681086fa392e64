package seccomp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
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
	docker = "../../seccomp/testdata/docker.json"
	podman = "../../seccomp/builtin/default.json"
)

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
	if base, err = harness.SetUp(nil); err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(base, name) }
	gobwrap, compiler, installed, calls, program = in("bin/gobwrap"), in("bin/gobwrap-seccomp"), in("setuid/gobwrap"), in("bin/calls"), in("bin/program")
	if err := errors.Join(testbin.Launcher(gobwrap), testbin.Go(compiler, "../../cmd/gobwrap-seccomp", true)); err != nil {
		return fmt.Errorf("%w (make setup installs libseccomp-dev and gcc)", err)
	}
	return errors.Join(
		testbin.Go(program, "../tools/everyday", false), testbin.C(calls, "testdata/calls.c"),
		testbin.Copy(installed, gobwrap, "4755"), testbin.Copy(in("setuid/gobwrap-seccomp"), compiler, "0755"),
	)
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

// run runs a command as a user, from the root, with an empty standard input.
func (u user) run(t *testing.T, argv ...string) testcmd.Outcome {
	t.Helper()
	return u.start(t, exec.Command(argv[0], argv[1:]...))
}

func (u user) start(t *testing.T, cmd *exec.Cmd) testcmd.Outcome {
	t.Helper()
	cmd.Dir = "/"
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/tmp", "LC_ALL=C"}
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: u.id, Gid: u.id}
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = syscall.SIGKILL, !cmd.SysProcAttr.Setsid
	return testcmd.Run(t, cmd)
}
