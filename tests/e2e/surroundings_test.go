package e2e_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// Sandboxes in sandboxes, three deep, each with everything new.
func TestNested(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			t.Run(e.Name, func(t *testing.T) {
				inner := []string{"/h/gobwrap", "--ro-bind", "/", "/", "--unshare-all", "--proc", "/proc", "--dev", "/dev", "--"}
				args := slices.Concat(box(all()...), inner, inner, []string{"/h/probe", "echo", "deep"})
				launch{who: who, wrap: e.Wrap, args: args}.run(t).OK(t, "deep\n")
			})
		}
	})
}

// Root in a container often lacks CAP_SYS_ADMIN; a user namespace is then taken.
func TestRootWithoutAdmin(t *testing.T) {
	t.Parallel()
	for _, e := range engines(t) {
		wrap := append([]string{"setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", "--"}, e.Wrap...)
		for _, options := range [][]string{nil, all()} {
			o := launch{who: root, wrap: wrap, args: append(box(options...), "/h/probe", "facts")}.run(t)
			if o.Status != "0" || o.Stderr != "" || !strings.Contains(o.Stdout, "ids: 0 0 0 0\n") {
				t.Errorf("%s %v: %s", e.Name, options, o)
			}
		}
	}
}

// Small limits are enough.
func TestSmallLimits(t *testing.T) {
	t.Parallel()
	id := harness.UID(300)
	eachUser(t, func(t *testing.T, who identity) {
		for _, limit := range []string{
			"--nproc=5", "--as=67108864", "--nofile=13", "--fsize=0", "--stack=65536", "--core=0", "--core=unlimited", "--data=67108864", "--memlock=0", "--nofile=64:64", "--rss=4096",
		} {
			for _, name := range []string{"plain", "all"} {
				id++ // a user each time: processes are counted by user
				t.Run(limit[2:]+"-"+name, func(t *testing.T) {
					launch{who: who.as(id), wrap: []string{"prlimit", limit, "--"}, args: append(box(arrangements()[name]...), "/h/probe", "echo", "in")}.run(t).OK(t, "in\n")
				})
			}
		}
	})
}

// Descriptors of the caller's may lie anywhere below the limit. What counts is how many are free,
// not their numbers: a launch with several sources works where 13 are.
func TestDescriptorsInTheMiddle(t *testing.T) {
	t.Parallel()
	id := harness.UID(300)
	eachUser(t, func(t *testing.T, who identity) {
		for _, c := range []struct{ limit, from, open int }{{21, 10, 8}, {23, 12, 8}, {27, 16, 8}, {29, 20, 8}, {33, 4, 20}, {200, 66, 120}} {
			id++
			t.Run(fmt.Sprint(c), func(t *testing.T) {
				wrap := []string{probe, "nofds"}
				for fd := range c.open {
					wrap = append(wrap, "open", "file", fmt.Sprint(c.from+fd))
				}
				wrap = append(wrap, "limit", "7", fmt.Sprint(c.limit), fmt.Sprint(c.limit), "exec")
				options := all()
				for i := range 12 {
					options = append(options, "--ro-bind", "/usr", fmt.Sprintf("/s%d", i))
				}
				launch{who: who.as(id), args: slices.Concat(wrap, box(options...), []string{"/h/probe", "echo", "in"})}.run(t).OK(t, "in\n")
			})
		}
	})
}

var traceback = regexp.MustCompile(`goroutine|runtime:|fatal error|panic|SIG|\.go:\d+`)

// Where a limit is too small, a sentence says that something is; Go says nothing.
func TestTooSmallLimits(t *testing.T) {
	t.Parallel()
	var limits []string
	for mb := range 20 {
		limits = append(limits, fmt.Sprintf("--as=%d", mb*3<<20), fmt.Sprintf("--data=%d", mb<<20))
	}
	for n := range 16 {
		limits = append(limits, fmt.Sprintf("--nproc=%d", n), fmt.Sprintf("--nofile=%d", n))
	}
	eachUser(t, func(t *testing.T, who identity) {
		for _, limit := range append(limits, "--stack=0", "--stack=4096", "--stack=16384", "--stack=32768") {
			t.Run(limit[2:], func(t *testing.T) {
				o := launch{who: who.as(harness.UID(400)), wrap: []string{"prlimit", limit, "--"}, args: append(box(all()...), "/h/probe", "echo", "in")}.run(t)
				switch {
				case traceback.MatchString(o.Stderr):
					t.Errorf("traceback: %s", o)
				case strings.Contains(o.Stderr, "prlimit: "), o.Status == "signal killed", o.Status == "signal segmentation fault" && o.Stderr == "":
					// the kernel could not even start a program
				case o.Status == "0" && o.Stdout == "in\n" && o.Stderr == "":
				case strings.HasPrefix(limit, "--stack=") && (o.Status == "139" || o.Status == "signal segmentation fault"):
					// nothing, the launcher or the command, can live with less than the kernel's own use of it
				case o.Status != "1" || o.Message("gobwrap") != "":
					t.Errorf("want a sentence and status 1: %s", o)
				}
			})
		}
	})
}

// Data that may not be written is a failure with a sentence.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for _, option := range []string{"--file", "--bind-data"} {
			for _, e := range engines(t) {
				args := append(box(option, "3", "/f"), "/h/probe", "echo", "in")
				o := launch{who: who, wrap: append([]string{"prlimit", "--fsize=0", "--"}, e.Wrap...), args: args, files: []*os.File{open(t, "/etc/passwd")}}.run(t)
				o.Refused(t, "/f")
			}
		}
	})
}

// Where there is no /dev/null either, a closed standard stream is not a reason for the Go runtime to
// speak: a message is what it is elsewhere.
func TestClosedStreamsWithoutNull(t *testing.T) {
	t.Parallel()
	for _, closed := range [][]string{nil, {"0"}, {"0", "1"}, {"1"}, {"2"}, {"0", "1", "2"}} {
		t.Run(strings.Join(closed, ""), func(t *testing.T) {
			args := []string{"unshare", "-m", "sh", "-c", `mount -t tmpfs none /dev && exec "$@"`, "-", probe, "nofds"}
			for _, fd := range closed {
				args = append(args, "close", fd)
			}
			args = slices.Concat(args, []string{"exec"}, box("--bind", "/nonexistent", "/x"), []string{"/h/probe"})
			o := launch{who: root, args: args}.run(t)
			silent := slices.Contains(closed, "2")
			if o.Status != "1" || o.Stdout != "" || silent && o.Stderr != "" || !silent && (o.Message("gobwrap") != "" || strings.Contains(o.Stderr, "runtime")) {
				t.Error(o)
			}
		})
	}
}

// Standard streams that a caller closed stay closed, whatever is built meanwhile, and
// messages go where standard error is, or nowhere.
func TestClosedStreams(t *testing.T) {
	t.Parallel()
	for bits := range 8 {
		closing, closed := []string{probe, "nofds"}, regexp.MustCompile(`^$`)
		var numbers []string
		for fd := range 3 {
			if bits>>fd&1 != 0 {
				closing = append(closing, "close", fmt.Sprint(fd))
				numbers = append(numbers, fmt.Sprint(fd))
			}
		}
		if len(numbers) > 0 {
			closed = regexp.MustCompile(`(?m)^fd (` + strings.Join(numbers, "|") + `): `)
		}
		for name, options := range arrangements() {
			t.Run(fmt.Sprintf("%03b-%s", bits, name), func(t *testing.T) {
				eachSide(t, func(t *testing.T, who identity, e engine) {
					if e.Name == "refused" {
						return
					}
					out := who.scratch(t)
					options := append(slices.Clone(options), "--bind", out, "/out", "--tmpfs", "/t", "--symlink", "a", "/t/l", "--lock-file", "/out/facts")
					if name == "pid-1" {
						options = options[:len(options)-2]
					}
					who.shell(t, out, ": > facts")
					args := slices.Concat(closing, []string{"exec"}, e.Wrap, box(options...), []string{"/h/probe", "facts-to", "/out/facts", "exit", "5"})
					o := launch{who: who, args: args}.run(t)
					text, _ := os.ReadFile(out + "/facts")
					if o.Status != "5" || !strings.Contains(string(text), "umask: ") || closed.Match(text) || strings.Contains(string(text), "fd 3: ") {
						t.Errorf("%s\nfacts: %s", o, strings.Split(string(text), "limit")[0])
					}
					args = slices.Concat(closing, []string{"exec"}, e.Wrap, box("--bind", "/nonexistent", "/x"), []string{"/h/probe"})
					o = launch{who: who, args: args}.run(t)
					if bits&4 == 0 {
						o.Refused(t, "/nonexistent")
					} else if o.Status != "1" || o.Stdout != "" {
						t.Error(o)
					}
				})
			})
		}
	}
}

// The caller's directory may be gone, or out of reach.
func TestStrangeWorkingDirectory(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := who.scratch(t)
		for _, place := range []string{
			`mkdir gone; cd gone; rmdir ../gone; exec "$@"`,
			`mkdir -p shut/in; cd shut/in; chmod 0 ..; "$@"; chmod 0755 ..`,
		} {
			shell := append([]string{"/bin/sh", "-ec", place, "sh"}, e.Wrap...)
			launch{who: who, dir: dir, wrap: shell, args: append(box(), "/h/probe", "where")}.run(t).OK(t, "/\n")
		}
	})
}

// A chroot is not a place to build a sandbox in; the message says so.
func TestChroot(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, setuid}, func(t *testing.T, who identity) {
		w := root.scratch(t)
		host := fmt.Sprintf("mkdir -p %[1]s/c/bin %[1]s/c/proc; cp -p %[2]s %[3]s %[1]s/c/bin; mount -t proc proc %[1]s/c/proc", w, probe, who.launcher()[0])
		wrap := []string{"/usr/sbin/chroot", fmt.Sprintf("--userspec=%d:%[1]d", who.id), w + "/c", "/bin/gobwrap"}
		args := slices.Concat(who.launcher()[1:], []string{"--ro-bind", "/bin", "/h", "--", "/h/probe", "echo", "in"})
		o := launch{who: root, host: host, wrap: wrap, args: args}.run(t)
		if o.Status == "0" && o.Stdout == "in\n" {
			return // better than asked for
		}
		o.Refused(t, "")
		if !strings.Contains(o.Stderr, "chroot") {
			t.Errorf("the word chroot is missing: %s", o)
		}
	})
}

// Messages need nothing of the host's: no /proc, no /dev.
func TestNoProc(t *testing.T) {
	t.Parallel()
	sense := map[identity]string{root: "/proc", user: "/proc", setuid: "it is not clear how it is installed"}
	eachSide(t, func(t *testing.T, who identity, e engine) {
		launch{who: who, wrap: e.Wrap, host: "mount -t tmpfs none /proc", args: append(box(), "/h/probe", "echo", "in")}.run(t).Refused(t, sense[who])
	})
}
