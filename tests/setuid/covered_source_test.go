package setuid_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/suid/broker"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// sharedHost makes a directory of the host's in which the user may make files.
const sharedHost = "mkdir -p /tmp/host; mount -t tmpfs -o mode=1777 host /tmp/host; mkdir /tmp/host/d; mount --make-rshared /"

// TestCoveredSource: a descriptor may refer to a directory that a mount covers. A BIND of it shows the cover,
// with the flags.
func TestCoveredSource(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func() error{"locked": func() error { return nil }, "not-locked": refusingUserNS} {
		t.Run(name, func(t *testing.T) {
			s := newUserThreadIn(t, me, func() error { return errors.Join(inOwnMounts(sharedHost)(), limit()) })
			k := s.startBroker(t, 0, 0).withFrame()
			defer k.close()
			covered := k.path("/oldroot/tmp/host/d")
			if e := k.ask(broker.Bind, unix.MS_RDONLY, 0, k.path("/oldroot/usr"), covered); e != 0 {
				t.Fatalf("the cover: BIND answers %#x", e)
			}
			if e := k.ask(broker.Bind, unix.MS_RDONLY, 0, covered, k.mkdir("/base/d")); e != 0 {
				t.Errorf("BIND answers %#x", e)
			}
			if m := k.mountAt("/base/d"); m.root != "/usr" || !strings.HasPrefix(m.flags, "ro,nosuid,") {
				t.Errorf("the topmost mount is %+v", m)
			}
		})
	}
}

// TestCoveredWorkDir: the working directory can be bound after something has been mounted on it.
func TestCoveredWorkDir(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, func() error {
		if err := errors.Join(inOwnMounts(sharedHost)(), unix.Chdir("/tmp/host/d")); err != nil {
			return err
		}
		return unix.Mount("cover", "/tmp/host/d", "tmpfs", 0, "mode=755")
	})
	cmd := exec.Command(installed, append(byKeeper(all("--bind", ".", "/x")...)[1:], "/h/witness", "exit", "7")...)
	var said strings.Builder
	cmd.Stderr = &said
	_ = s.do(cmd.Run)
	if cmd.ProcessState.ExitCode() != 7 || said.String() != "" {
		t.Errorf("exit status %d: %s", cmd.ProcessState.ExitCode(), said.String())
	}
}

// TestRefusedBindOfCoveredSource: where setuid.conf refuses writable binds, a user gets none of a file that a
// mount covers. The copy of such a file has the copy of the cover on top. If the broker moves only that, what
// is below stays on the stage without its flags. Then the user has to take away what the next BIND puts there:
// an unlink(2) outside of the mount namespace detaches all mounts on the file. Another name of the file stays,
// so writing to it counts. The user makes the walk to the top of the stage last long, and finds the moment from
// the answers.
func TestRefusedBindOfCoveredSource(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, inOwnMounts(etc(write("refuse --bind\n"))+"\n"+sharedHost))
	moment := 0.6 // of the time that a BIND takes
	// With a broker that can be attacked like this, about every tenth attempt succeeds.
	for n := range harness.Times(8, 60) {
		name, other := fmt.Sprintf("/tmp/host/a%d", n), fmt.Sprintf("/tmp/host/b%d", n)
		if s.unlinkedDuringBind(t, name, other, moment) == uint32(unix.ENOENT) {
			moment += 0.02
		} else {
			moment -= 0.02
		}
	}
}

// unlinkedDuringBind is one attempt, with a broker of its own. It returns the answer of the BIND during which
// the file is unlinked: ENOENT if that was too early.
func (s *userThread) unlinkedDuringBind(t *testing.T, name, other string, moment float64) uint32 {
	t.Helper()
	k := s.startBroker(t, 0, 0).withFrame()
	defer k.close()
	inside := func(path string) string { return fmt.Sprintf("/proc/%d/root%s", k.first, path) }
	for _, file := range []string{inside("/base/own"), inside("/base/a"), inside("/base/b"), inside("/base/many"), name} {
		if err := s.do(func() error { return os.WriteFile(file, nil, 0o600) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.do(func() error { return os.Link(name, other) }); err != nil {
		t.Fatal(err)
	}
	own, prog, dir, many, to := k.path("/base/own"), k.path("/oldroot/usr/bin/env"), k.path("/newroot"), k.path("/base/many"), k.path("/base/b")
	for range 200 {
		k.ask(broker.Bind, unix.MS_RDONLY, 0, prog, many)
	}
	for range 30 {
		k.ask(broker.Bind, unix.MS_RDONLY, 0, many, dir)
	}
	fd := k.path("/oldroot" + name)
	e := k.ask(broker.Bind, unix.MS_RDONLY, 0, prog, fd)
	if state := proc.State(k.pid); e == ended && (state == "" || state == "Z") {
		t.Logf("something else has ended the launcher: %s", describe([]int{k.pid, k.keeper, k.first}))
		return 0
	}
	if e != 0 {
		_, err := os.Stat(name)
		t.Fatalf("the cover: BIND answers %#x; descriptors %d and %d, file: %v; %s", e, prog, fd, err, describe([]int{k.pid, k.keeper, k.first}))
	}
	start := time.Now()
	k.ask(broker.Bind, unix.MS_RDONLY, 0, fd, k.path("/base/a"))
	took := time.Since(start)
	unlinked := make(chan error)
	go func() {
		for start := time.Now(); time.Since(start) < time.Duration(float64(took)*moment); {
		}
		unlinked <- unix.Unlink(fmt.Sprintf("/proc/%d/root%s", k.pid, name))
	}()
	answer := k.ask(broker.Bind, 0, 0, own, to)
	if err := <-unlinked; err != nil {
		t.Fatal(err)
	}
	if m := k.mountAt("/base/b"); m.source == "host" {
		var text []byte
		err := s.do(func() error {
			fd, err := unix.Open(inside("/base/b"), unix.O_WRONLY, 0)
			if err == nil {
				_, err = unix.Write(fd, []byte("written"))
				_ = unix.Close(fd)
			}
			text, _ = os.ReadFile(other)
			return err
		})
		t.Fatalf("a BIND of an own file (answer %#x) has made a bind of the host's: %+v; writing: %v; the host's file has %q", answer, m, err, text)
	}
	return answer
}

// TestUmask: the broker, which has no capability to override file modes, gets to its stage whatever the
// caller's umask is.
func TestUmask(t *testing.T) {
	t.Parallel()
	s := newUserThread(t, me)
	for _, umask := range []string{"0", "077", "0700", "0777"} {
		args := append([]string{"-c", `umask "$0"; exec "$@"`, umask}, byKeeper(all("--bind", "/tmp", "/x", "--ro-bind", "/usr/bin/env", "/y")...)...)
		cmd := exec.Command("sh", append(args, "/h/witness", "exit", "7")...)
		var said strings.Builder
		cmd.Stderr = &said
		_ = s.do(cmd.Run)
		if cmd.ProcessState.ExitCode() != 7 || said.String() != "" {
			t.Errorf("umask %s: exit status %d: %s", umask, cmd.ProcessState.ExitCode(), said.String())
		}
	}
}
