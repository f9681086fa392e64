package e2e_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// masked is a /proc as containers have it: a directory hidden by an empty mount, a file
// by another one. The kernel mounts no uncovered proc in a user namespace then.
const masked = "mount -t tmpfs none /proc/irq; : > /proc/irq/mask; mount --bind /dev/null /proc/keys"

// system is a root with the host's programs and without its /proc.
func system(words ...string) []string {
	return slices.Concat([]string{"--ro-bind", "/usr", "/usr", "--dev-bind", "/dev/null", "/dev/null"},
		[]string{"--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"}, words)
}

const (
	noProc    = "gobwrap: No new proc on /newroot%s, an empty directory is there instead: Operation not permitted\n"
	outerProc = "gobwrap: No new proc on /newroot%s, the outer one is bound instead and shows the processes outside: Operation not permitted\n"
)

// eachMasked runs a test where a new proc is refused: to a user, and to root in a user
// namespace, by a container's /proc, with each mount engine; and in setuid mode,
// where the kernel lets root have it, by a filter that refuses just that mount.
func eachMasked(t *testing.T, errno string, test func(t *testing.T, l launch)) {
	t.Helper()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		test(t, launch{who: who, host: masked, wrap: e.Wrap, args: []string{gobwrap, "--unshare-user", "--unshare-pid"}})
	})
	t.Run("setuid", func(t *testing.T) {
		filter := []string{enosys, "-e", errno, "-n", fmt.Sprintf("%d:3=0xe/0xffff", unix.SYS_MOUNT), "--"}
		down := []string{"setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "--"}
		test(t, launch{who: root, host: masked, wrap: append(filter, down...), args: []string{setuidCopy(t), "--mode", "setuid", "--unshare-pid"}})
	})
}

// with adds to a command line.
func (l launch) with(words ...string) launch {
	l.args = slices.Concat(l.args, words)
	return l
}

// Without the option such a launch fails, and the words name the way out, to people and
// to programs.
func TestProcRefused(t *testing.T) {
	t.Parallel()
	eachMasked(t, "EPERM", func(t *testing.T, l launch) {
		o, docs := l.with("--json-status-fd", "3", "--setup-exit-status", "42").with(system("--proc", "/proc", "--", "echo", "ran")...).told(t)
		f := failure{want: map[string]any{"stage": "proc", "option": "--proc", "path": "/proc", "errno": 1.0}}
		if complaint := f.judge(o, docs); complaint != "" || o.Status != "42" || !strings.Contains(o.Stderr, "Can't mount proc on /newroot/proc: Operation not permitted") {
			t.Errorf("%s: %s", complaint, o)
		}
	})
}

// With none, each place is an empty directory that takes nothing, also where a bind would
// show the outer proc, and each is warned about.
func TestProcFallbackNone(t *testing.T) {
	t.Parallel()
	const look = "for d in /proc /tmp/p/q; do ls -A $d | wc -l; touch $d/x 2>/dev/null || echo kept; done"
	eachMasked(t, "EPERM", func(t *testing.T, l launch) {
		for name, tree := range map[string][]string{"bare": system(), "host": {"--dev-bind", "/", "/"}} {
			o := l.with(tree...).with("--tmpfs", "/tmp", "--proc", "/proc", "--fallback-proc=none", "--proc", "/tmp/p/q", "--", "sh", "-c", look).run(t)
			said := fmt.Sprintf(noProc+noProc, "/proc", "/tmp/p/q")
			if o.Status != "0" || o.Stdout != "0\nkept\n0\nkept\n" || o.Stderr != said {
				t.Errorf("%s: %s", name, o)
			}
		}
	})
}

// With bind, each place shows the processes outside, as they are numbered there; what was
// hidden there stays hidden, and what acts on the whole machine is covered.
func TestProcFallbackBind(t *testing.T) {
	t.Parallel()
	const look = `for d in /proc /p; do
		[ -e $d/$0/status ] && echo outside
		ls -A $d/irq; cat $d/keys 2>/dev/null
		for f in sys/kernel/core_pattern sysrq-trigger; do [ -w $d/$f ] && echo writable $f; done
	done; umount /proc/irq /proc/keys 2>/dev/null && echo bare; true`
	eachMasked(t, "EPERM", func(t *testing.T, l launch) {
		command := []string{"--", "sh", "-c", look, fmt.Sprint(os.Getpid())}
		o := l.with(system("--fallback-proc=bind", "--proc", "/proc", "--proc", "/p")...).with(command...).run(t)
		said := fmt.Sprintf(outerProc+outerProc, "/proc", "/p")
		if o.Status != "0" || o.Stdout != "outside\nmask\noutside\nmask\n" || o.Stderr != said {
			t.Error(o)
		}
	})
}

// The warnings are not failure: all documents come, under a filter too.
func TestProcFallbackIsTold(t *testing.T) {
	t.Parallel()
	eachMasked(t, "EPERM", func(t *testing.T, l launch) {
		for _, value := range []string{"none", "bind"} {
			l := l.with("--json-status-fd", "3", "--seccomp", "4", "--level-prefix", "--fallback-proc="+value).with(system("--proc", "/proc", "--", "sh", "-c", "exit 4")...)
			l.files = []*os.File{noCall(t, unix.SYS_SENDTO)}
			o, docs := l.told(t)
			if o.Status != "4" || !slices.Equal(keys(docs), complete) || !strings.HasPrefix(o.Stderr, "<4>gobwrap: No new proc") || strings.Count(o.Stderr, "\n") != 1 {
				t.Errorf("%s: %v: %s", value, docs, o)
			}
		}
	})
}

// Where the kernel does not refuse, the option is without effect; and it is not a cure for
// failures of another kind.
func TestProcFallbackIsForRefusals(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for _, value := range []string{"none", "bind"} {
			for namespaces, want := range map[string]string{"--unshare-pid": "1", "--unshare-ipc": fmt.Sprint(os.Getpid())} {
				args := slices.Concat(v.words, []string{namespaces, "--fallback-proc=" + value}, system("--proc", "/proc", "--"),
					[]string{"sh", "-c", "ls -d /proc/$0 /proc/$1 2>/dev/null", "1", fmt.Sprint(os.Getpid())})
				o := launch{who: v.who, args: args}.run(t)
				if namespaces == "--unshare-pid" && o.Stdout != "/proc/1\n" || !strings.Contains(o.Stdout, "/proc/"+want+"\n") || o.Stderr != "" {
					t.Errorf("%s %s: %s", value, namespaces, o)
				}
			}
		}
	})
	eachWho(t, func(t *testing.T, who identity) {
		wrap := []string{enosys, "-e", "ENOMEM", "-n", fmt.Sprintf("%d:3=0xe/0xffff", unix.SYS_MOUNT), "--"}
		for _, value := range []string{"none", "bind"} {
			args := slices.Concat([]string{gobwrap, "--unshare-pid", "--fallback-proc=" + value}, system("--proc", "/proc", "--", "echo", "ran"))
			launch{who: who, wrap: wrap, args: args}.run(t).Refused(t, "Can't mount proc on /newroot/proc: Cannot allocate memory")
		}
	})
}
