package e2e_test

import (
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// plans are the command lines whose set-up is struck at, call by call.
func plans(t *testing.T, who identity) map[string][]string {
	t.Helper()
	w := who.scratch(t)
	who.shell(t, w, "mkdir src upper wd; echo s > src/f; echo > lock")
	options := func(more ...string) []string {
		return append(more, "--die-with-parent", "--new-session", "--hostname", "box", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind", w, "/w",
			"--mqueue", "/mq", "--dir", "/tmp/d/e", "--symlink", "d", "/tmp/l", "--ro-bind", w+"/src", "/tmp/l/x", "--chmod", "0700", "/tmp/d",
			"--remount-ro", "/tmp", "--chdir", "/tmp", "--lock-file", "/w/lock")
	}
	full := options("--unshare-all", "--unshare-user")
	data := []string{"--cap-drop", "ALL", "--file", "4", "/f", "--bind-data", "5", "/g", "--ro-bind-fd", "6", "/i", "--sync-fd", "7", "--add-seccomp-fd", "8"}
	list := map[string][]string{"minimal": box("--tmpfs", "/tmp")}
	if who.setuid {
		// Nested user namespaces and overlays are refused: see TestRefusedInSetuidMode. Set-up
		// without a user namespace is another one, by wish too where the kernel refuses it.
		list["kept"] = box(options("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup")...)
		list["wish"] = box(options("--unshare-all")...)
	} else {
		full = append(full, "--disable-userns")
		data = append(data, "--overlay-src", w+"/src", "--tmp-overlay", "/o", "--overlay-src", w+"/src", "--overlay", w+"/upper", w+"/wd", "/p")
	}
	if who == root { // who needs no newuidmap: ids of several ranges; the command has none of the caller's
		list["ranges"] = box(append(slices.Clone(full), "--uid-map", "0:100000:100", "--gid-map", "0:100000:100", "--uid", "5", "--gid", "6")...)
	}
	if who != fallback {
		list["full"] = box(full...)
		data = append(data, "--unshare-user")
	}
	list["data"] = box(data...)
	return list
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

// injection is what inject saw.
type injection struct {
	outcome
	missed     bool
	nr, a0, a1 uint64
	monitor    bool   // the launcher itself made the call
	mapped     bool   // the process was in a user namespace of its own; seen by root only
	settled    bool   // the process had nothing left but the exec, and what comes with it
	late       bool   // the process had cloned the sandbox's first one before, as a keeper does
	left       string // processes that had to be killed
	ran        bool
	end        string
}

func (s injection) String() string {
	return fmt.Sprintf("call %d(%#x, %#x), end %q, ran %v, left %q, stderr %q", s.nr, s.a0, s.a1, s.end, s.ran, s.left, s.Stderr)
}

// injectAt runs a launcher and acts at the nth system call of its acting side.
func injectAt(t *testing.T, who identity, e engine, n int, action string, args, words []string) injection {
	t.Helper()
	info, infoW := pipe(t)
	mark, markW := pipe(t)
	files := append([]*os.File{infoW}, dataFiles(t)...)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	files = append(files, markW, null, null) // fds 9 to 11
	line := []string{inject}
	if who.setuid {
		line = append(line, "-u", fmt.Sprint(who.id))
	}
	line = append(line, fmt.Sprint(rawLow), fmt.Sprint(rawHigh), fmt.Sprint(n), action, "--")
	line = append(append(append(line, e.Wrap...), args...), "/h/probe", "mark", "9")
	o := launch{who: who, args: append(line, words...), files: files}.run(t)
	_, _ = infoW.Close(), markW.Close()
	s := injection{outcome: o}
	for line := range strings.SplitSeq(text(info), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "missed":
			s.missed = true
		case "struck":
			_, _ = fmt.Sscanf(rest, "%d %x %x", &s.nr, &s.a0, &s.a1)
			s.late = strings.HasSuffix(rest, " late")
			s.monitor = strings.Contains(rest, " launcher")
			s.mapped = strings.Contains(rest, " mapped")
			s.settled = strings.Contains(rest, " settled")
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

// everyCall acts at call after call until there is none left. The short form acts at a few, from a
// call that the test's name chooses, so that the tests of different modes share them. At full
// length it acts at each or, where others do so for the same processes, at every third.
func everyCall(t *testing.T, who identity, e engine, action string, args, words []string, judge func(injection) string) {
	t.Helper()
	step := harness.Times(17, 1)
	if action == "worker" || who == fallback {
		step = harness.Times(23, 3)
	}
	for n := startOf(t, step); ; n += step {
		s := injectAt(t, who, e, n, action, args, words)
		if complaint := judge(s); complaint != "" && !s.missed {
			t.Errorf("injection %d: %s: %s", n, complaint, s)
		}
		if s.missed || n > 2000 {
			if n < 30 || !s.ran && action != "launcher" {
				t.Errorf("that was not a full run: %d calls, %s", n, s)
			}
			return
		}
	}
}

// startOf is the call at which a test begins that acts at every step-th.
func startOf(t *testing.T, step int) int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(t.Name()))
	return 1 + int(sum.Sum32()%uint32(step))
}
