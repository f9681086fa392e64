package setuid_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// TestDropIsChecked: no process goes on if a call that gives up privilege reports success but has done nothing.
func TestDropIsChecked(t *testing.T) {
	t.Parallel()
	in := func(is func(pid int) bool) func(q question) unix.Errno {
		return func(q question) unix.Errno {
			if is(int(q.pid)) {
				return pretended
			}
			return 0
		}
	}
	kept := fmt.Sprintf("%016x", uint64(suid.Kept))
	owner := fmt.Sprintf("0\t%d\t0\t", suid.Owner(me))
	keeperReduces := in(func(pid int) bool { return proc.Field(pid, "NoNewPrivs") == "1" && proc.Field(pid, "CapPrm") == kept })
	firstDrops := in(func(pid int) bool { return strings.HasPrefix(proc.Field(pid, "Uid"), owner) })
	brokerReduces := in(func(pid int) bool {
		fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		return len(fds) == 1 && hasRootUID(pid) // its socket is its only descriptor
	})
	for _, c := range []struct {
		defect
		options []string
		sense   string
	}{
		{defect{name: "keeper-caps", nr: unix.SYS_CAPSET, refuse: keeperReduces}, nil, ""},
		{defect{name: "launcher-uids", nr: unix.SYS_SETRESUID, refuse: func(q question) unix.Errno {
			if q.args[0] == me && proc.Field(int(q.pid), "Name") == "gobwrap" && strings.HasPrefix(proc.Field(int(q.pid), "Uid"), "0\t0\t0\t") {
				return pretended
			}
			return 0
		}}, nil, "Can't give up the privileges of the binary"},
		{defect{name: "first-uids", nr: unix.SYS_SETRESUID, refuse: func(q question) unix.Errno {
			if q.args[0] != me {
				return 0 // the keeper's
			}
			return firstDrops(q)
		}}, nil, ""},
		{defect{name: "broker-caps", nr: unix.SYS_CAPSET, refuse: brokerReduces}, nil, ""},
		{defect{name: "inside-uids", nr: unix.SYS_SETRESUID, refuse: below(pretended)}, []string{"--unshare-user"}, "has no capability in it"},
		{defect{name: "inside-caps", nr: unix.SYS_CAPSET, refuse: below(pretended)}, []string{"--unshare-user"}, "has no capability in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := launch{args: append(byKeeper(c.options...), "/h/probe", "echo", "in")}
			c.under(t, l).Refused(t, c.sense)
			// The control: what is in the way is that one call.
			defect{nr: c.nr, refuse: func(question) unix.Errno { return 0 }}.under(t, l).OK(t, "in\n")
		})
	}
}

// TestLooksAsTheCaller: when the launcher looks at its own file, root's uid is only its saved uid.
func TestLooksAsTheCaller(t *testing.T) {
	t.Parallel()
	uids := ""
	d := defect{nr: unix.SYS_GETXATTR, refuse: func(q question) unix.Errno {
		uids += proc.Field(int(q.pid), "Uid") + "\n"
		return 0
	}}
	d.under(t, launch{args: append(byKeeper(), "/h/probe", "echo", "in")}).OK(t, "in\n")
	if want := fmt.Sprintf("%d\t%d\t0\t%d\n", me, me, me); uids != want {
		t.Errorf("uids %q, want %q", uids, want)
	}
}

// TestFailuresDoNotUnlock: if the keeper cannot make the user namespace that locks the mounts, for a reason
// that the user can cause, the launch ends.
func TestFailuresDoNotUnlock(t *testing.T) {
	t.Parallel()
	for _, errno := range []unix.Errno{unix.EAGAIN, unix.ENOMEM, unix.ENOSPC, unix.EMFILE} {
		made := func(q question) unix.Errno {
			if q.args[0]&unix.CLONE_NEWUSER != 0 {
				return errno
			}
			return 0
		}
		for _, d := range []defect{
			{name: "clone", nr: unix.SYS_CLONE, refuse: made},
			{name: "mount", nr: unix.SYS_MOUNT, refuse: below(errno)},
			{name: "openat", nr: unix.SYS_OPENAT, refuse: below(errno)},
			{name: "dup3", nr: unix.SYS_DUP3, refuse: below(errno)},
		} {
			for _, option := range []string{"--unshare-user-try", "--unshare-ipc"} {
				o := d.under(t, launch{args: append(byKeeper(option), "/h/probe", "echo", "in")})
				if o.Status != "1" || o.Stdout != "" || o.Message("gobwrap") != "" {
					t.Errorf("%s, %v, %s: %s", d.name, errno, option, o)
				}
			}
		}
	}
}

// TestHalfMadeUserNamespace: if the process that makes the user namespace is killed before one of its calls,
// nothing of what it has made is used: the launch ends, with the reason.
func TestHalfMadeUserNamespace(t *testing.T) {
	t.Parallel()
	inside := below(pretended)
	for name, nr := range map[string]int{"mount": unix.SYS_MOUNT, "openat": unix.SYS_OPENAT, "dup3": unix.SYS_DUP3} {
		for last, kill := 0, 1; kill <= last+1; kill++ {
			seen := 0
			d := defect{name: name, nr: nr, refuse: func(q question) unix.Errno {
				if inside(q) != 0 && hasRootUID(int(q.pid)) {
					if seen++; seen == kill {
						_ = unix.Kill(int(q.pid), unix.SIGKILL)
					}
					last = max(last, seen)
				}
				return 0
			}}
			o := d.under(t, launch{args: append(byKeeper("--unshare-user-try"), "/h/probe", "echo", "in")})
			if seen < kill { // the control: it makes no further call
				o.OK(t, "in\n")
				if kill < 4 {
					t.Errorf("it makes %d calls of %s", seen, name)
				}
				break
			}
			if o.Status != "1" || o.Stdout != "" || !strings.HasPrefix(o.Stderr, "gobwrap: killed before the command ran\n") {
				t.Errorf("killed at %s %d: %s", name, kill, o)
			}
		}
	}
}

// TestFirstInheritsNothing: the first process has no descriptor of the keeper's except its two sockets: no
// namespace, and no directory, also if the mounts are not locked.
func TestFirstInheritsNothing(t *testing.T) {
	t.Parallel()
	waiting := pausePoints()[2]
	nothing := func() error { return nil }
	for _, c := range []struct {
		clone   uint32
		prepare func() error
	}{
		{plain, nothing},
		{user, nothing},
		{allButUser, nothing},
		{allButUser | user, nothing},
		{plain, refusingUserNS},
		{allButUser, refusingUserNS},
	} {
		clone := c.clone
		h, pids := pausedAt(t, newUserThreadIn(t, me, c.prepare), clone, waiting)
		first := pids[len(pids)-1]
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", first))
		own := 0
		for _, link := range links {
			to, _ := os.Readlink(link)
			launchers, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", h.pid, filepath.Base(link)))
			switch {
			case to == launchers:
			case strings.HasPrefix(to, "socket:"):
				own++
			default:
				t.Errorf("%#x: the first process has %s open", clone, to)
			}
		}
		if own != 2 {
			t.Errorf("%#x: the first process has %d sockets of its own", clone, own)
		}
	}
}

// TestKeeperWantsProc: if something else than a proc is on /proc the keeper ends the launch, whatever the names
// there lead to.
func TestKeeperWantsProc(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, inOwnMounts(":"))
	h, err := s.startAndSteal(startOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const links = "mount -t proc p /mnt; mount -t tmpfs t /proc; for f in /mnt/*; do ln -s $f /proc/; done"
	if out, err := exec.Command("nsenter", "-m", "-t", fmt.Sprint(h.pid), "sh", "-ec", links).CombinedOutput(); err != nil {
		t.Error(err, string(out))
	}
	if err := h.send(wholeLaunch(good(base).program(t))[:1]); err != nil {
		t.Error(err)
	}
	l := h.wait()
	if m, complaint := faulted(l, plan.SubProc); complaint != "" || m.Errno != uint32(unix.ENODEV) {
		t.Errorf("%s: %+v: %s", complaint, m, l)
	}
	if err := h.end(); err != nil {
		t.Error(err)
	}
}
