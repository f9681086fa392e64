package hosted

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// planMode is a program in plan mode, with the descriptors that it is told of.
func planMode(h host, args []string, files ...*os.File) *exec.Cmd {
	path := built[h.name]
	if h.launcher {
		path = built["gobwrap"]
	}
	c := &exec.Cmd{Path: path, Args: append([]string{"gobwrap: monitor"}, args...), Env: []string{}, ExtraFiles: files}
	return c
}

// TestLine: a monitor that waits for its plan ends with the line, although the socket is still
// open, because another process may hold it.
func TestLine(t *testing.T) {
	for _, h := range hosts {
		if h.name != "launcher" && h.name != "linked" {
			continue
		}
		for name, act := range map[string]func(w *os.File) error{
			"end":  func(w *os.File) error { return w.Close() },
			"byte": func(w *os.File) error { _, err := w.Write([]byte{9}); return err },
		} {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			ours, its := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "its")
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			c := planMode(h, []string{"3", "4", "0"}, its, r)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			_, _ = its.Close(), r.Close()
			time.Sleep(20 * time.Millisecond)
			if err := act(w); err != nil {
				t.Error(err)
			}
			late := time.AfterFunc(harness.Patience, func() { t.Errorf("%s, %s: it goes on", h.name, name); _ = ours.Close() })
			if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
				t.Errorf("%s, %s: %v", h.name, name, err)
			}
			late.Stop()
			_, _ = ours.Close(), w.Close()
		}
	}
}

// TestPlanModeForStrangers: a caller that uses the name without being an embedding program
// achieves nothing.
func TestPlanModeForStrangers(t *testing.T) {
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	datagrams := os.NewFile(uintptr(pair[0]), "datagrams")
	pair, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	stream := os.NewFile(uintptr(pair[0]), "stream")
	_ = unix.Close(pair[1]) // so that nobody waits on it
	for _, h := range hosts {
		if h.name != "launcher" && h.name != "linked" {
			continue
		}
		for _, args := range [][]string{
			{"3", "3", "0"},
			{"3", "5", "0"},
			{"4", "3", "0"},
			{"4", "5", "0"},
			{"-1", "5", "0"},
			{"", "", ""},
			{"99", "100", "0"},
			// Lines that are not open, and numbers whose lower halves are right.
			{"6", "8", "0"},
			{"6", "1000", "0"},
			{"6", "2147483648", "0"},
			{"6", "4294967303", "0"},
			{"4294967302", "8589934599", "0"},
		} {
			out, err := planMode(h, args, null, datagrams, null, stream, null).CombinedOutput()
			if err == nil || err.Error() != "exit status 1" || !strings.Contains(string(out), "this name is for the package sandbox") {
				t.Errorf("%s %q: %v, %s", h.name, args, err, out)
			}
		}
		// With other numbers of words it is a program like any other.
		for _, args := range [][]string{{}, {"3"}, {"3", "4", "0", "0"}} {
			out, err := planMode(h, args, null, null).CombinedOutput()
			if strings.Contains(string(out), "this name is for") {
				t.Errorf("%s %q: %v, %s", h.name, args, err, out)
			}
		}
	}
}
