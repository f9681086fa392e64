package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// suiteVar makes the test binary a suite for the tests here.
const suiteVar = "GOBWRAP_TEST_HARNESS_OF"

func TestMain(m *testing.M) {
	switch {
	case os.Geteuid() != 0:
		exit(2, errors.New("only root's suites have namespaces of their own: run this as root"))
	case os.Getenv(suiteVar) != "":
		Enter()
	default:
		if err := LeaveOut("^TestSuite$"); err != nil {
			exit(2, err)
		}
	}
	os.Exit(m.Run())
}

// TestSuite is the suite that the other tests start: what the variable says.
func TestSuite(t *testing.T) {
	switch what := os.Getenv(suiteVar); what {
	case "report":
		report(t)
	case "fails":
		t.Fatal("as it should")
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "waits":
		c := exec.Command("setsid", "sleep", "1000")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(os.TempDir(), "copy")
		if err := errors.Join(os.WriteFile(copied, nil, 0o755), os.Chmod(copied, os.ModeSetuid|0o755)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("waiting below", os.TempDir())
		time.Sleep(Patience)
	}
}

// report prints what the suite has around it.
func report(t *testing.T) {
	for _, kind := range []string{"mnt", "pid"} {
		link, err := os.Readlink("/proc/self/ns/" + kind)
		fmt.Println(kind, link, err)
	}
	all, _ := filepath.Glob("/proc/[0-9]*")
	fmt.Println("processes", len(all), "alone", os.Getpid() > firstPID, "number", Number() > 0 && Number() != os.Getpid())
	info, err := os.Stat(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var in unix.Statfs_t
	if err := unix.Statfs(os.TempDir(), &in); err != nil {
		t.Fatal(err)
	}
	fmt.Println("temporary", info.Mode(), in.Flags&unix.ST_NOSUID, unix.Setxattr(os.TempDir(), "user.x", []byte("x"), 0))
	for _, name := range []string{roleVar, dirVar, outerVar} {
		fmt.Printf("left %q\n", os.Getenv(name))
	}
}

// started is a suite that has been started.
type started struct {
	*exec.Cmd
	dir string // the TMPDIR that it was started with
	out bytes.Buffer
}

func start(t *testing.T, what string, flags ...string) *started {
	t.Helper()
	s := &started{dir: t.TempDir()}
	// Signals that are ignored from the start are not obstacle.
	s.Cmd = exec.Command("sh", append([]string{"-c", `trap "" HUP INT; exec "$0" "$@"`, os.Args[0], "-test.run=^TestSuite$"}, flags...)...)
	s.Env = append(os.Environ(), suiteVar+"="+what, "TMPDIR="+s.dir)
	s.Stderr = &s.out
	return s
}

// check waits for the suite and for all its processes. Its status is want, and nothing is
// left in TMPDIR.
func (s *started) check(t *testing.T, alive *os.File, want int) {
	t.Helper()
	_ = s.Wait()
	if status := s.ProcessState.ExitCode(); status != want {
		t.Errorf("%v, want %d\n%s", s.ProcessState, want, s.out.String())
	}
	if alive != nil {
		_ = alive.SetReadDeadline(time.Now().Add(Patience))
		if _, err := alive.Read(make([]byte, 4096)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a process is left: %v", err)
		}
	}
	files, err := os.ReadDir(s.dir)
	if err != nil || len(files) > 0 {
		t.Errorf("left: %v %v", files, err)
	}
}

// TestEnter: the suite is alone, with a proc of its own and a directory for temporary files
// where set-id bits count; what started it and what it starts sees nothing of that.
func TestEnter(t *testing.T) {
	s := start(t, "report")
	var out bytes.Buffer
	s.Stdout = &out
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	s.check(t, nil, 0)
	for _, want := range []string{
		"processes 2 alone true number true\n", "temporary drwxr-xr-x 0 <nil>\n", "left \"\"\nleft \"\"\nleft \"\"\n", "PASS\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
	for _, kind := range []string{"mnt", "pid"} {
		if here, err := os.Readlink("/proc/self/ns/" + kind); err != nil || strings.Contains(out.String(), here) {
			t.Errorf("the %s namespace is this one (%s, %v):\n%s", kind, here, err, out.String())
		}
	}
}

// TestStatus: how the suite ends is how the test binary ends.
func TestStatus(t *testing.T) {
	for _, c := range []struct {
		what   string
		flags  []string
		status int
		says   string
	}{
		{"fails", nil, 1, "as it should"},
		{"killed", nil, 128 + 9, "the suite was ended by signal 9"},
		{"waits", []string{"-test.timeout=1s"}, 2, "panic: test timed out after 1s"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := start(t, c.what, c.flags...)
			s.Stdout = &s.out
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			s.check(t, nil, c.status)
			if !strings.Contains(s.out.String(), c.says) {
				t.Errorf("%q is not in:\n%s", c.says, s.out.String())
			}
		})
	}
}

// TestEnded: a suite that is told to end goes with all that it has started, and with its
// set-user-id copies; after SIGKILL too, which leaves an empty directory that only root may
// enter. After SIGQUIT it shows what it was doing.
func TestEnded(t *testing.T) {
	for _, c := range []struct {
		sig    syscall.Signal
		status int
	}{{syscall.SIGTERM, 128 + 15}, {syscall.SIGINT, 128 + 2}, {syscall.SIGHUP, 128 + 1}, {syscall.SIGQUIT, 2}, {syscall.SIGKILL, -1}} {
		t.Run(c.sig.String(), func(t *testing.T) {
			s := start(t, "waits")
			r, w, err := os.Pipe() // held open by every process of the suite
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			s.Stdout = w
			if err := errors.Join(s.Start(), w.Close()); err != nil {
				t.Fatal(err)
			}
			_ = r.SetReadDeadline(time.Now().Add(Patience))
			var dir string
			if _, err := fmt.Fscanf(r, "waiting below %s\n", &dir); err != nil || filepath.Dir(dir) != s.dir {
				t.Fatalf("%q %v\n%s", dir, err, s.out.String())
			}
			info, err := os.Stat(dir)
			if _, inside := os.Stat(dir + "/copy"); err != nil || info.Mode().Perm() != 0o700 || !errors.Is(inside, fs.ErrNotExist) {
				t.Errorf("%q from outside: %v %v, the copy: %v", dir, info, err, inside)
			}
			if err := s.Process.Signal(c.sig); err != nil {
				t.Fatal(err)
			}
			if c.sig == syscall.SIGKILL {
				_ = s.Wait()
				if err := os.Remove(dir); err != nil {
					t.Error(err)
				}
			}
			s.check(t, r, c.status)
			if c.sig == syscall.SIGQUIT && !strings.Contains(s.out.String(), "goroutine ") {
				t.Errorf("no stacks:\n%s", s.out.String())
			}
		})
	}
}

// TestDisk: where tmpfs will not do, temporary files lie on the disk, out of others' reach.
func TestDisk(t *testing.T) {
	dir := t.TempDir()
	if err := mountOfDisk(dir); err != nil {
		t.Fatal(err)
	}
	mounted := true
	unmount := func() {
		if mounted {
			mounted = false
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(unmount)
	mode := func() fs.FileMode {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if inside := mode(); inside != 0o755 {
		t.Errorf("inside: %v", inside)
	}
	unmount()
	if outside := mode(); outside != 0o700 {
		t.Errorf("outside: %v", outside)
	}
}

// TestParts: each name is in one part, and no part is empty. The others of a part are the rest.
func TestParts(t *testing.T) {
	parts := map[string]int{}
	names := []string{"TestA", "TestB", "TestC", "dir-of-a-file", "bind-twice", "TestSignals", "TestLocks", "caps", "an-odd-name"}
	for _, part := range []string{"1/2", "2/2", "-1/2"} {
		t.Setenv("GOBWRAP_TEST_PART", part)
		for _, name := range names {
			if InPart(name) {
				parts[part]++
			}
		}
	}
	if parts["1/2"] == 0 || parts["2/2"] == 0 || parts["1/2"]+parts["2/2"] != len(names) || parts["-1/2"] != parts["2/2"] {
		t.Errorf("%v of %d", parts, len(names))
	}
	t.Setenv("GOBWRAP_TEST_PART", "")
	if !InPart("x") {
		t.Error("without parts, a name is in none")
	}
}

// TestAskForLong: a test differs at full length if it, or what it uses, asks.
func TestAskForLong(t *testing.T) {
	dir := t.TempDir()
	text := `package x

import "testing"

var hosts = []string{name()}

func name() string { return map[bool]string{true: "a", false: "b"}[harness.Long()] }

type launch struct{}

func (launch) repeat() { _ = harness.Times(1, 2) }

func each() { launch{}.repeat() }

func TestMain(m *testing.M) { each() }

func TestByMethod(t *testing.T) { t.Run("x", func(t *testing.T) { each() }) }

func TestByVariable(t *testing.T) { t.Log(hosts) }

func TestDirectly(t *testing.T) { t.Log(harness.Long()) }

func TestNot(t *testing.T) { harness.Until(nil) }

func TestNeither(t *testing.T) { Times(1, 2) }
`
	if err := os.WriteFile(filepath.Join(dir, "x_test.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	asking, others, err := askForLong(dir)
	if want := "[TestByMethod TestByVariable TestDirectly] [TestNeither TestNot]"; err != nil || fmt.Sprint(asking, others) != want {
		t.Errorf("%v %v %v, want %s", asking, others, err, want)
	}
}

// TestLock: one test at a time has it, whatever its suite.
func TestLock(t *testing.T) {
	name := fmt.Sprint("of-", os.Getpid())
	path := "/run/gobwrap-tests-" + name + ".lock"
	t.Cleanup(func() { _ = os.Remove(path) })
	try := func() error { return exec.Command("flock", "--nonblock", path, "true").Run() }
	t.Run("held", func(t *testing.T) {
		Lock(t, name)
		if err := try(); err == nil {
			t.Error("it is held, and can be had")
		}
	})
	if err := try(); err != nil {
		t.Error(err)
	}
}
