package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// ignorable tells which calls may be refused without harm: those that choose a way,
// and those that make something nicer.
func ignorable(s injection, plan string, errno syscall.Errno) bool {
	switch s.nr {
	case unix.SYS_CHROOT, unix.SYS_FSTAT:
		return true // the frame can stand apart, and a destination need not be looked at
	case unix.SYS_CLOSE_RANGE, unix.SYS_UNLINKAT, unix.SYS_FACCESSAT, unix.SYS_GETDENTS64:
		return true
	case unix.SYS_OPENAT2, unix.SYS_OPEN_TREE, unix.SYS_MOUNT_SETATTR, unix.SYS_MOVE_MOUNT:
		return true // what is refused from the start is not used
	case unix.SYS_OPENAT:
		// The monitor's are for its descriptors to close, once more, and the terminal, after set-up;
		// those before the command's filters for what is said of a command that is not executed.
		return s.monitor || s.settled
	case unix.SYS_GETCWD, unix.SYS_CAPGET, unix.SYS_RECVMSG, unix.SYS_NEWFSTATAT:
		return s.monitor // there are other directories; root may take a user namespace; read(2) hears as much; a namespace may only be tried
	case unix.SYS_FSTATFS, unix.SYS_PREAD64:
		return s.settled
	case unix.SYS_LANDLOCK_CREATE_RULESET, unix.SYS_LANDLOCK_RESTRICT_SELF: // a kernel without scopes, or a filter
		return errno == syscall.EPERM || errno == syscall.EINVAL && s.nr == unix.SYS_LANDLOCK_CREATE_RULESET
	case unix.SYS_CHDIR:
		return true // there are other directories to start in
	case unix.SYS_UNSHARE:
		return s.a0 == unix.CLONE_NEWUSER // the proof that it is refused
	case unix.SYS_CAPSET:
		return errno == syscall.EPERM // real root's is forgiven
	case unix.SYS_PRCTL:
		return s.a0 == unix.PR_CAP_AMBIENT || s.a0 == unix.PR_CAPBSET_DROP && errno == syscall.EINVAL ||
			s.a0 == unix.PR_GET_SECCOMP || // the answer is then that there is a filter
			s.a0 == unix.PR_SET_PDEATHSIG && plan != "full" && plan != "ranges" || s.a0 == unix.PR_SET_DUMPABLE && s.a1 == 1
	}
	return false
}

// ignorableInSetuid tells the same of the calls that only setuid mode makes. A keeper
// that has done its work has nothing left but to end.
func ignorableInSetuid(s injection, plan string, errno syscall.Errno) bool {
	switch s.nr {
	case unix.SYS_SYSINFO:
		return true // no size is then permitted for a tmpfs, and none was asked for
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		return s.a0 == 0 && errno == syscall.EPERM // a filter's answer to whether the kernel has it
	case unix.SYS_SETUID, unix.SYS_SETRESUID:
		if errno == syscall.EPERM && s.a1 == 0 {
			return true // the proof that it is refused
		}
	case unix.SYS_PRCTL:
		if s.a0 == unix.PR_SET_KEEPCAPS && s.a1 == 0 {
			return true // exec does the same
		}
	}
	return s.late || plan == "wish" && s.costsUserNamespace()
}

// costsUserNamespace reports whether the call is one without which there is no user namespace
// for a caller who only wishes one: of those that make it, or those by which its first process
// takes the caller's ids there.
func (s injection) costsUserNamespace() bool {
	switch s.nr {
	case unix.SYS_SOCKETPAIR, unix.SYS_SETRESUID, unix.SYS_CLONE:
		return true
	case unix.SYS_SETNS:
		return s.a1 == unix.CLONE_NEWUSER
	case unix.SYS_SETRESGID:
		return s.mapped
	case unix.SYS_PRCTL:
		return s.mapped && (s.a0 == unix.PR_CAPBSET_DROP || s.a0 == unix.PR_SET_KEEPCAPS && s.a1 == 1)
	}
	return false
}

// showStanding are words for probe, in a sandbox with a proc, and standing is what they print
// of the command's ids, capabilities and user namespace.
var showStanding = []string{"show", "/proc/self/uid_map", "show", "/proc/self/gid_map", "show", "/proc/self/status"}

func standing(stdout string) string {
	at := strings.Index(stdout, "Name:")
	if at < 0 {
		return "nothing: " + stdout
	}
	lines := regexp.MustCompile(`(?m)^(Uid|Gid|Groups|NoNewPrivs|Seccomp|Cap\w+):.*\n`).FindAllString(stdout, -1)
	return stdout[:at] + strings.Join(lines, "")
}

// Whatever call fails: the command does not run, the status is 1, one sentence says so.
func TestEveryCallMayFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		plan   string
		who    identity
		engine string
		errno  syscall.Errno
	}{
		{"minimal", root, "new", syscall.EPERM},
		{"full", user, "new", syscall.EINVAL},
		{"full", root, "classic", syscall.EACCES},
		{"ranges", root, "new", syscall.EPERM},
		{"ranges", root, "classic", syscall.EINVAL},
		{"data", root, "new", syscall.ENOSPC},
		{"data", user, "classic", syscall.EPERM},
		{"minimal", setuid, "new", syscall.EPERM},
		{"kept", setuid, "new", syscall.EINVAL},
		{"kept", setuid, "classic", syscall.EACCES},
		{"full", setuid, "new", syscall.ENOMEM},
		{"wish", setuid, "new", syscall.EPERM},
		{"data", setuid, "classic", syscall.ENOSPC},
		{"minimal", fallback, "new", syscall.EACCES},
	} {
		if !selected(t, c.who) {
			continue
		}
		t.Run(fmt.Sprint(c.plan, "-", c.who.name, "-", c.engine, "-", unix.ErrnoName(c.errno)), func(t *testing.T) {
			t.Parallel()
			args := plans(t, c.who)[c.plan]
			var words []string
			for _, e := range engines(t) {
				if e.Name != c.engine {
					continue
				}
				without := "" // standing without a user namespace
				if c.plan == "wish" {
					words = showStanding
					s := injectAt(t, c.who, e, 1<<20, "launcher", plans(t, c.who)["kept"], words)
					if without = standing(s.Stdout); !s.ran || s.Stderr != "" || strings.Count(without, "\n") != 12 {
						t.Fatalf("without a user namespace: %q: %s", without, s)
					}
				}
				everyCall(t, c.who, e, fmt.Sprint(int(c.errno)), args, words, func(s injection) string {
					switch {
					case s.left != "":
						return "something hangs"
					case s.ran && !s.missed && !s.late && c.plan == "wish" && s.costsUserNamespace() && standing(s.Stdout) != without:
						return fmt.Sprintf("not as without a user namespace: %q, want %q", standing(s.Stdout), without)
					case s.ran && s.end == "status 0" && s.Stderr == "" && (ignorable(s, c.plan, c.errno) || c.who.setuid && ignorableInSetuid(s, c.plan, c.errno)):
						return ""
					case s.ran:
						return "the command ran nevertheless"
					case s.end != "status 1":
						return "not status 1"
					}
					return s.Message("gobwrap")
				})
			}
		})
	}
}

// Whenever the launcher is killed, nothing is left behind.
func TestLauncherKilledAnywhere(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, user, setuid, fallback}, func(t *testing.T, who identity) {
		names := []string{"full"}
		switch who {
		case fallback:
			names = []string{"wish"}
		case root:
			names = append(names, "ranges")
		}
		for _, name := range names {
			args := plans(t, who)[name]
			everyCall(t, who, engine{}, "launcher", args, nil, func(s injection) string {
				if s.left != "" || s.Stderr != "" {
					return name + ": something is left"
				}
				return ""
			})
		}
	})
}

// Whichever process is killed while it works (a user may kill the keeper too), nothing is left
// behind, and no launch says that the command was well which never ran.
func TestWorkerKilledAnywhere(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		for _, name := range []string{"full", "kept", "ranges"} {
			args, ok := plans(t, who)[name]
			if !ok {
				continue
			}
			everyCall(t, who, engine{}, "worker", args, nil, func(s injection) string {
				switch {
				case s.left != "":
					return "something is left"
				case !s.ran && s.end == "status 0":
					return "it never ran"
				case traceback.MatchString(s.Stderr):
					return "a traceback"
				}
				return ""
			})
		}
	})
}

// With --die-with-parent, everything goes with the caller, whenever that is. One that
// is gone before the first call cannot be known.
func TestCallerKilledAnywhere(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		args := plans(t, who)["full"]
		step := harness.Times(17, 1)
		for n := 1 + startOf(t, step); ; n += step {
			s := injectAt(t, who, engine{}, n, "caller", args, []string{"read", "3"})
			if s.missed {
				if n < 30 {
					t.Errorf("that was not a full run: %d calls, %s", n, s)
				}
				return
			}
			if s.left != "" || s.Stderr != "" {
				t.Errorf("injection %d: something is left: %s", n, s)
			}
		}
	})
}

// Whenever a signal ends the launcher, it ends like a program in C: by the signal,
// without a word, and with it whatever it began.
func TestLauncherSignalledAnywhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sig syscall.Signal
		who identity
	}{
		{syscall.SIGQUIT, root},
		{syscall.SIGTERM, user},
		{syscall.SIGSEGV, user},
		{40, root},
		{syscall.SIGTERM, setuid},
		{syscall.SIGHUP, fallback},
	} {
		sig, who := c.sig, c.who
		if !selected(t, who) {
			continue
		}
		t.Run(fmt.Sprint(int(sig), "-", who.name), func(t *testing.T) {
			args := plans(t, who)["minimal"]
			want := fmt.Sprint("status ", 128+int(sig))
			everyCall(t, who, engine{}, fmt.Sprint("sig", int(sig)), args, nil, func(s injection) string {
				switch {
				case s.left != "" || s.Stderr != "":
					return "something is left"
				case s.end != want && !(s.ran && s.end == "status 0"):
					return "want " + want
				}
				return ""
			})
		})
	}
}
