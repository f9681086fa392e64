package e2e_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// plans are the command lines whose set-up is struck at, call by call.
func plans(t *testing.T, who identity) map[string][]string {
	t.Helper()
	w := who.scratch(t)
	who.shell(t, w, "mkdir src upper wd; echo s > src/f; echo > lock")
	return map[string][]string{
		"minimal": box("--tmpfs", "/tmp"),
		"full": box(all("--unshare-user", "--die-with-parent", "--new-session", "--hostname", "box", "--tmpfs", "/tmp", "--bind", w, "/w",
			"--mqueue", "/mq", "--dir", "/tmp/d/e", "--symlink", "d", "/tmp/l", "--ro-bind", w+"/src", "/tmp/l/x", "--chmod", "0700", "/tmp/d",
			"--remount-ro", "/tmp", "--chdir", "/tmp", "--lock-file", "/w/lock", "--disable-userns")...),
		"data": box("--unshare-user", "--cap-drop", "ALL", "--file", "4", "/f", "--bind-data", "5", "/g", "--ro-bind-fd", "6", "/i", "--sync-fd", "7",
			"--overlay-src", w+"/src", "--tmp-overlay", "/o", "--overlay-src", w+"/src", "--overlay", w+"/upper", w+"/wd", "/p", "--add-seccomp-fd", "8"),
	}
}

// dataFiles opens what the plan "data" names by number.
func dataFiles(t *testing.T) []*os.File {
	t.Helper()
	filter, err := os.CreateTemp(base, "filter-")
	if err != nil {
		t.Fatal(err)
	}
	allow := []byte{unix.BPF_RET | unix.BPF_K, 0, 0, 0, 0, 0, 0xff, 0x7f}
	if _, err := filter.Write(allow); err != nil {
		t.Fatal(err)
	}
	_, _ = filter.Seek(0, io.SeekStart)
	_ = os.Remove(filter.Name())
	t.Cleanup(func() { _ = filter.Close() })
	return []*os.File{open(t, "/etc/passwd"), open(t, "/etc/group"), open(t, "/usr"), open(t, "/etc/passwd"), filter}
}

// strike is what inject saw.
type strike struct {
	outcome
	missed     bool
	nr, a0, a1 uint64
	left       string // processes that had to be killed
	ran        bool
	end        string
}

func (s strike) String() string {
	return fmt.Sprintf("call %d(%#x, %#x), end %q, ran %v, left %q, stderr %q", s.nr, s.a0, s.a1, s.end, s.ran, s.left, s.stderr)
}

// strikeAt runs a launcher and strikes at the nth system call of its acting side.
func strikeAt(t *testing.T, who identity, e engine, n int, action string, args, words []string) strike {
	t.Helper()
	info, infoW := pipe(t)
	mark, markW := pipe(t)
	files := append([]*os.File{infoW}, dataFiles(t)...)
	files = append(files, markW) // fd 9
	line := []string{inject, fmt.Sprint(rawLow), fmt.Sprint(rawHigh), fmt.Sprint(n), action, "--"}
	line = append(append(append(line, e.wrap...), args...), "/h/probe", "mark", "9")
	o := launch{who: who, args: append(line, words...), files: files}.run(t)
	_, _ = infoW.Close(), markW.Close()
	s := strike{outcome: o}
	for line := range strings.SplitSeq(text(info), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "missed":
			s.missed = true
		case "struck":
			_, _ = fmt.Sscanf(rest, "%d %x %x", &s.nr, &s.a0, &s.a1)
		case "left":
			s.left = rest
		case "status", "signal":
			s.end = line
		}
	}
	s.ran = text(mark) == "ran"
	_, _ = info.Close(), mark.Close()
	return s
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

func text(f *os.File) string {
	data, _ := io.ReadAll(f)
	return string(data)
}

// everyCall strikes at call after call until there is none left.
func everyCall(t *testing.T, who identity, e engine, action string, args, words []string, judge func(strike) string) {
	t.Helper()
	for n := 1; ; n++ {
		s := strikeAt(t, who, e, n, action, args, words)
		if complaint := judge(s); complaint != "" && !s.missed {
			t.Errorf("strike %d: %s: %s", n, complaint, s)
		}
		if s.missed || n == 2000 {
			if n < 30 || !s.ran && action != "launcher" {
				t.Errorf("that was no full run: %d calls, %s", n, s)
			}
			return
		}
	}
}

// ignorable tells which calls may be refused without harm: those that choose a way,
// and those that make something nicer.
func ignorable(s strike, plan string, errno syscall.Errno) bool {
	switch s.nr {
	case unix.SYS_CLOSE_RANGE, unix.SYS_UNLINKAT, unix.SYS_FACCESSAT, unix.SYS_GETDENTS64:
		return true
	case unix.SYS_OPENAT2, unix.SYS_OPEN_TREE, unix.SYS_MOUNT_SETATTR, unix.SYS_MOVE_MOUNT:
		return true // what is refused from the start is not used
	case unix.SYS_CHDIR:
		return true // there are other directories to start in
	case unix.SYS_UNSHARE:
		return s.a0 == unix.CLONE_NEWUSER // the proof that it is refused
	case unix.SYS_CAPSET:
		return errno == syscall.EPERM // real root's is forgiven
	case unix.SYS_PRCTL:
		return s.a0 == unix.PR_CAP_AMBIENT || s.a0 == unix.PR_CAPBSET_DROP && errno == syscall.EINVAL ||
			s.a0 == unix.PR_SET_PDEATHSIG && plan != "full" || s.a0 == unix.PR_SET_DUMPABLE && s.a1 == 1
	}
	return false
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
		{"data", root, "new", syscall.ENOSPC},
		{"data", user, "classic", syscall.EPERM},
	} {
		t.Run(fmt.Sprint(c.plan, "-", c.who.name, "-", c.engine, "-", unix.ErrnoName(c.errno)), func(t *testing.T) {
			t.Parallel()
			args := plans(t, c.who)[c.plan]
			for _, e := range engines(t) {
				if e.name != c.engine {
					continue
				}
				everyCall(t, c.who, e, fmt.Sprint(int(c.errno)), args, nil, func(s strike) string {
					switch {
					case s.left != "":
						return "something hangs"
					case s.ran && s.end == "status 0" && s.stderr == "" && ignorable(s, c.plan, c.errno):
						return ""
					case s.ran:
						return "the command ran nevertheless"
					case s.end != "status 1":
						return "not status 1"
					}
					return s.sentence("gobwrap")
				})
			}
		})
	}
}

// Whenever the launcher is killed, nothing is left behind.
func TestLauncherKilledAnywhere(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		args := plans(t, who)["full"]
		everyCall(t, who, engine{}, "launcher", args, nil, func(s strike) string {
			if s.left != "" || s.stderr != "" {
				return "something is left"
			}
			return ""
		})
	})
}

// With --die-with-parent, everything goes with the caller, whenever that is. One that
// is gone before the first call cannot be known.
func TestCallerKilledAnywhere(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		args := plans(t, who)["full"]
		for n := 2; ; n++ {
			s := strikeAt(t, who, engine{}, n, "caller", args, []string{"read", "3"})
			if s.missed {
				return
			}
			if s.left != "" || s.stderr != "" {
				t.Errorf("strike %d: something is left: %s", n, s)
			}
		}
	})
}

// Whenever a signal ends the launcher, it ends like a program in C: by the signal,
// without a word, and with it whatever it began.
func TestLauncherSignalledAnywhere(t *testing.T) {
	t.Parallel()
	for sig, who := range map[syscall.Signal]identity{
		syscall.SIGQUIT: root, syscall.SIGTERM: user, syscall.SIGSEGV: user, 40: root,
	} {
		t.Run(fmt.Sprint(int(sig)), func(t *testing.T) {
			args := plans(t, who)["minimal"]
			want := fmt.Sprint("status ", 128+int(sig))
			everyCall(t, who, engine{}, fmt.Sprint("sig", int(sig)), args, nil, func(s strike) string {
				switch {
				case s.left != "" || s.stderr != "":
					return "something is left"
				case s.end != want && !(s.ran && s.end == "status 0"):
					return "want " + want
				}
				return ""
			})
		})
	}
}
