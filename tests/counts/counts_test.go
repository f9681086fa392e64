// Package counts holds what a launch costs in numbers that no machine changes: system calls,
// processes made, page faults, waits. A change that adds some fails here, and the failure names
// them.
//
// The tests need strace and bubblewrap, bin/gobwrap, and root, since they launch as an
// ordinary user too.
package counts

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

const (
	reference = "/usr/bin/bwrap"
	subject   = "../../bin/gobwrap"
	payload   = "/bin/true"
)

var (
	minimal = []string{"--ro-bind", "/", "/"}
	full    = []string{"--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run"}
)

// traced is what strace has seen of one launch, without the payload's own calls.
type traced struct {
	calls map[string]int // by name
	lines []string
}

func (t traced) total() (n int) {
	for _, c := range t.calls {
		n += c
	}
	return n - t.calls["nanosleep"] // of these there are as many as a machine is slow
}

// made is how many processes and threads were made.
func (t traced) made() int {
	return t.calls["clone"] + t.calls["clone3"] + t.calls["fork"] + t.calls["vfork"]
}

var (
	call    = regexp.MustCompile(`^(\d+)\s+(\w+)\(`)
	resumed = regexp.MustCompile(`^(\d+)\s+<\.\.\. (\w+) resumed>`)
)

// trace launches the payload as a user and counts the calls of everything else.
func trace(t *testing.T, program string, uid uint32, options ...string) traced {
	t.Helper()
	log := filepath.Join(open(t), "strace")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(log, int(uid), int(uid)); err != nil {
		t.Fatal(err)
	}
	run(t, uid, slices.Concat([]string{"strace", "-f", "-qq", "-o", log, program}, options, []string{payload})...)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	out := traced{calls: map[string]int{}}
	// Processes that become, and have become, the payload: every exec but the launcher's own.
	// Its file can't be told from the line, since the process is not dumpable.
	execs, done := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		worked := strings.HasSuffix(line, "= 0")
		if m := resumed.FindStringSubmatch(line); m != nil && m[2] == "execve" {
			done[m[1]] = done[m[1]] || execs[m[1]] && worked
		}
		m := call.FindStringSubmatch(line)
		if m == nil || done[m[1]] {
			continue
		}
		out.calls[m[2]]++
		out.lines = append(out.lines, line)
		execs[m[1]] = m[2] == "execve" && len(out.lines) > 1
		done[m[1]] = execs[m[1]] && worked
	}
	return out
}

// run runs a command as a user, with the smallest environment.
func run(t *testing.T, uid uint32, words ...string) *os.ProcessState {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", words, err, out)
	}
	return cmd.ProcessState
}

// open is a temporary directory that every user can reach.
func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// program is a copy of a launcher that every user can reach.
func program(t *testing.T) string {
	t.Helper()
	to := filepath.Join(open(t), "gobwrap")
	if err := testbin.Copy(to, subject, "0755"); err != nil {
		t.Fatalf("%v (make build)", err)
	}
	return to
}

// users are who launches.
var users = map[string]uint32{"user": 12345, "root": 0}

// TestCalls bounds the system calls of a launch, and the processes that it makes. The bounds
// are what was measured and a few, or what bubblewrap takes, whichever is said.
func TestCalls(t *testing.T) {
	ours := program(t)
	for who, uid := range users {
		for _, c := range []struct {
			name    string
			options []string
			most    map[string]int // calls
			ratio   float64        // of bubblewrap's
		}{
			// 42 calls of a user's, and with an init of root's too, empty the capability bounding
			// set, one by one, as bubblewrap's payload has it: the kernel has no other way.
			{"minimal", minimal, map[string]int{"user": 130, "root": 82}, 0.6},
			{"full", full, map[string]int{"user": 300, "root": 300}, 0.75},
		} {
			t.Run(c.name+"/"+who, func(t *testing.T) {
				mine, theirs := trace(t, ours, uid, c.options...), trace(t, reference, uid, c.options...)
				t.Logf("%d calls, %d processes made; bubblewrap %d and %d", mine.total(), mine.made(), theirs.total(), theirs.made())
				if n := mine.total(); n > c.most[who] || float64(n) > c.ratio*float64(theirs.total()) {
					t.Errorf("%d calls, want at most %d and %.2f of %d:\n%s", n, c.most[who], c.ratio, theirs.total(), listing(mine))
				}
				if mine.made() > theirs.made() {
					t.Errorf("%d processes made, bubblewrap makes %d", mine.made(), theirs.made())
				}
			})
		}
	}
}

func listing(t traced) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(t.calls)) {
		out = append(out, fmt.Sprintf("%s %d", name, t.calls[name]))
	}
	return strings.Join(out, ", ") + "\n" + strings.Join(t.lines, "\n")
}

// TestNoRuntime shows that a launch that succeeds does not start the Go runtime: none of the
// calls with which it begins, no thread, no signal of its own.
func TestNoRuntime(t *testing.T) {
	ours := program(t)
	for name, options := range map[string][]string{
		"minimal": minimal,
		"full":    full,
		"status":  slices.Concat(full, []string{"--json-status-fd", "2", "--info-fd", "2"}),
		"profile": slices.Concat(minimal, []string{"--seccomp-profile", "no-tty-injection"}),
		"overlay": slices.Concat(minimal, []string{"--overlay-src", "/usr", "--tmp-overlay", "/usr"}),
		"lock":    slices.Concat(minimal, []string{"--lock-file", "/etc/passwd", "--die-with-parent", "--new-session"}),
		"many":    many(300),
		"limits":  slices.Concat(minimal, []string{"--rlimit", "nofile=64:128", "--rlimit", "core=0", "--nice", "5", "--oom-score-adj", "500", "--close-fds"}),
		"denials": slices.Concat(full, []string{"--tmpfs", "/run", "--dir", "/run/a/b", "--mask", "/etc/passwd", "--protect", "/run/a/b", "--protect", "/run/c", "--mask-glob", "/etc/**/*.conf"}),
		"timeout": slices.Concat(full, []string{"--timeout", "600", "--usage", "--json-status-fd", "2"}),
	} {
		for who, uid := range users {
			t.Run(name+"/"+who, func(t *testing.T) {
				seen := trace(t, ours, uid, options...)
				for _, of := range []string{"sigaltstack", "gettid", "sched_getaffinity", "madvise", "tgkill", "epoll_create1"} {
					if seen.calls[of] != 0 {
						t.Errorf("%d calls of %s", seen.calls[of], of)
					}
				}
				if n := seen.calls["futex"]; n > 2 { // init and the payload's process, at the start barrier
					t.Errorf("%d calls of futex", n)
				}
				if n := seen.calls["rt_sigaction"]; n > 16 {
					t.Errorf("%d calls of rt_sigaction", n)
				}
				if t.Failed() {
					t.Log(listing(seen))
				}
			})
		}
	}
	told := trace(t, ours, 12345, slices.Concat([]string{"--explain"}, minimal)...)
	if told.calls["futex"]+told.calls["sigaltstack"] == 0 {
		t.Error("not even --explain shows a runtime: the test cannot fail")
	}
}

// leanest is the trace with the fewest calls of three launches as an ordinary user: a process
// may have to ask again for what has not happened yet.
func leanest(t *testing.T, program string, options ...string) traced {
	t.Helper()
	best := trace(t, program, 12345, options...)
	for range 2 {
		if next := trace(t, program, 12345, options...); next.total() < best.total() {
			best = next
		}
	}
	return best
}

// many is a command line with n binds.
func many(n int) []string {
	options := slices.Clone(minimal)
	for range n {
		options = append(options, "--ro-bind", "/usr", "/usr")
	}
	return options
}

// TestCallsPerBind bounds what each further bind costs.
func TestCallsPerBind(t *testing.T) {
	ours := program(t)
	few, more := trace(t, ours, 12345, many(10)...), trace(t, ours, 12345, many(110)...)
	each := float64(more.total()-few.total()) / 100
	t.Logf("%.1f calls a bind", each)
	if each > 9 {
		t.Errorf("%.1f calls a bind, want at most 9:\n%s", each, listing(few))
	}
}

// TestCallsPerScope: a Landlock domain is made, entered and closed, whatever its scopes are; for
// that of signals, the launcher prepares to stop with the command. What a kernel lacks, which was only
// to be tried, costs one call more.
func TestCallsPerScope(t *testing.T) {
	ours := program(t)
	without := leanest(t, ours, minimal...)
	for _, c := range []struct {
		scope string
		most  int
	}{{"abstract-sockets", 3}, {"signals", 4}, {"sockets", 9}, {"all", 10}} {
		with := leanest(t, ours, append(slices.Clone(minimal), "--scope-try", c.scope)...)
		more := with.total() - without.total()
		t.Logf("%s: %d calls", c.scope, more)
		if more > c.most {
			t.Errorf("%s: %d calls more than without, want at most %d:\n%s", c.scope, more, c.most, listing(with))
		}
	}
}

// TestCallsPerDenial: what is masked, or protected, costs no more calls than what is bound, with
// or without a pattern.
func TestCallsPerDenial(t *testing.T) {
	ours, dir := program(t), open(t)
	const few, more = 10, 110
	each := func(options func(i int) []string, last func(n int) []string) float64 {
		t.Helper()
		total := func(n int) int {
			line := []string{"--bind", "/", "/"}
			for i := range n {
				line = append(line, options(i)...)
			}
			return trace(t, ours, 12345, append(line, last(n)...)...).total()
		}
		return float64(total(more)-total(few)) / (more - few)
	}
	file := func(i int) string { return fmt.Sprintf("%s/%d/sub/%d", dir, min(i/few, 1), i) }
	for i := range more {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file(i)), 0o755), os.WriteFile(file(i), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	directory := func(i int) string { return file(i) + ".d" }
	for i := range more {
		if err := os.Mkdir(directory(i), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	none := func(int) []string { return nil }
	directories := each(func(i int) []string { return []string{"--ro-bind", directory(i), directory(i)} }, none)
	bind := each(func(i int) []string { return []string{"--ro-bind", file(i), file(i)} }, none)
	for name, cost := range map[string]float64{
		"directory": each(func(i int) []string { return []string{"--mask", directory(i)} }, none) - directories + bind,
		"mask":      each(func(i int) []string { return []string{"--mask", file(i)} }, none),
		"pattern": each(none, func(n int) []string {
			return []string{"--mask-glob", fmt.Sprintf("%s/[01]/**/%s", dir, map[int]string{few: "?", more: "[0-9]*"}[n])}
		}),
	} {
		t.Logf("%s: %.1f calls each, a bind %.1f", name, cost, bind)
		if cost > bind {
			t.Errorf("%s: %.1f calls each, a bind %.1f", name, cost, bind)
		}
	}
}

// usage launches the payload as an ordinary user and returns what all processes of the launch
// used, the payload's own included. A process whose parent does not wait for it becomes a child of
// this program, which is a subreaper meanwhile: it is counted too.
func usage(t *testing.T, words ...string) (faults, waits int64) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
	}()
	before := children(t)
	run(t, 12345, words...)
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err == syscall.ECHILD {
			break
		} else if err != nil && err != syscall.EINTR {
			t.Fatal(err)
		}
	}
	after := children(t)
	return after.Minflt - before.Minflt, after.Nvcsw - before.Nvcsw
}

// children is what children that have been waited for used.
func children(t *testing.T) (r syscall.Rusage) {
	t.Helper()
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// fewest returns the fewest page faults and waits of ten runs: now and then there is one
// more that is the kernel's, and what a process waits for may have happened already. On a busy machine
// that is often so: it goes on, for at most 300 runs, until there are no more than enough.
func fewest(t *testing.T, enough, enoughWaits int64, words ...string) (faults, waits int64) {
	t.Helper()
	faults, waits = 1<<40, 1<<40
	for i := 0; i < 10 || i < 300 && (faults > enough || waits > enoughWaits); i++ {
		f, w := usage(t, words...)
		faults, waits = min(faults, f), min(waits, w)
	}
	return faults, waits
}

// TestUsage bounds the page faults of all processes of a launch, less those of the payload where it
// is run without one, and how often they wait.
//
// A page fault is a page that a process writes first, also one that it shares with the process
// that it was forked from, or 64 KiB of the program that it reads first. How many there are
// depends on what lies in one page: see sandbox/child/codelayout_unsafe.go and the states of the
// packages there. The linker places variables by size, so that a page's end may come to lie among those
// that each process writes: the bounds are for that, and without it there are some six fewer.
func TestUsage(t *testing.T) {
	ours := program(t)
	const all = 1 << 40
	alone, _ := fewest(t, all, all, payload)
	for _, c := range []struct {
		name          string
		options       []string
		faults, waits int64
	}{{"minimal", minimal, 30, 8}, {"full", full, 46, 12}} {
		words := slices.Concat(c.options, []string{payload})
		faults, waits := fewest(t, c.faults+alone, c.waits, slices.Concat([]string{ours}, words)...)
		theirFaults, theirWaits := fewest(t, all, all, slices.Concat([]string{reference}, words)...)
		t.Logf("%s: %d page faults with the payload's", c.name, faults)
		faults, theirFaults = faults-alone, theirFaults-alone
		t.Logf("%s: %d page faults (bubblewrap %d), %d voluntary context switches (%d)", c.name, faults, theirFaults, waits, theirWaits)
		if faults > c.faults {
			t.Errorf("%s: %d page faults, want at most %d; bubblewrap has %d", c.name, faults, c.faults, theirFaults)
		}
		if waits > c.waits {
			t.Errorf("%s: %d voluntary context switches, want at most %d; bubblewrap has %d", c.name, waits, c.waits, theirWaits)
		}
	}
}

func TestMain(m *testing.M) {
	for _, tool := range []string{"strace", reference, "install"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Fprintln(os.Stderr, "counts:", err, "(make setup)")
			os.Exit(2)
		}
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "counts: these tests launch as root and as an ordinary user: run them as root")
		os.Exit(2)
	}
	os.Exit(m.Run())
}
