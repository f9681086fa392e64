package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
	"golang.org/x/sys/unix"
)

// A reader that went away, or goes away in the middle, changes neither the command nor
// the status, be it the command's or that of a launch that fails.
func TestStatusReaderGone(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for _, options := range [][]string{nil, {"--unshare-pid"}} {
			for want, command := range map[string][]string{"5": {"/h/probe", "exit", "5"}, "42": {"/nonexistent"}} {
				r, w := pipe(t)
				_ = r.Close()
				args := v.box(append([]string{"--json-status-fd", "3", "--setup-exit-status", "42"}, options...)...)
				o := launch{who: v.who, args: append(args, command...), files: []*os.File{w}}.run(t)
				if o.Status != want || (o.Stderr == "") != (want == "5") {
					t.Errorf("%v %v: want %s: %s", options, command, want, o)
				}
			}
		}
		r, w := pipe(t)
		blockR, block := pipe(t)
		cmd := launch{who: v.who, args: append(v.box("--json-status-fd", "3", "--block-fd", "4"), "/h/probe", "exit", "5"), files: []*os.File{w, blockR}}.command()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Close(), blockR.Close()
		_, _ = bufio.NewReader(r).ReadString('\n')
		_, _ = r.Close(), block.Close()
		if _ = cmd.Wait(); testcmd.Status(cmd.ProcessState) != "5" {
			t.Errorf("gone in the middle: status %s", testcmd.Status(cmd.ProcessState))
		}
	})
}

// A launcher that is killed claims nothing, and a first process that is killed is a
// failed launch.
func TestStatusOfTheKilled(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for _, c := range []struct {
			name, want string
			options    []string
			silent     bool // the launcher itself is the victim
		}{
			{"launcher", "signal killed", []string{"--setup-exit-status", "42"}, true},
			{"first process", "42", []string{"--setup-exit-status", "42"}, false},
			{"first process of a namespace", "42", []string{"--unshare-pid", "--setup-exit-status", "42"}, false},
			{"first process, no status", "1", nil, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				r, w := pipe(t)
				blockR, block := pipe(t)
				defer block.Close()
				args := append(v.box(append([]string{"--json-status-fd", "3", "--block-fd", "4"}, c.options...)...), "/h/probe", "exit", "0")
				cmd := launch{who: v.who, args: args, files: []*os.File{w, blockR}}.command()
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				_, _ = w.Close(), blockR.Close()
				_ = r.SetReadDeadline(time.Now().Add(harness.Patience))
				lines := bufio.NewReader(r)
				first, _ := lines.ReadString('\n')
				second, _ := lines.ReadString('\n')
				victim := cmd.Process.Pid
				if docs := documents(t, first); len(docs) == 1 && !c.silent {
					victim = int(docs[0].all["child-pid"].(float64))
				}
				_ = syscall.Kill(victim, syscall.SIGKILL)
				_ = cmd.Wait()
				rest, _ := lines.ReadString(0)
				docs := documents(t, first+second+rest)
				sentence := "gobwrap: a process of the sandbox was killed by signal 9 before the command ran\n"
				if c.silent {
					sentence = ""
				}
				if have := testcmd.Status(cmd.ProcessState); have != c.want || stderr.String() != sentence {
					t.Errorf("want %s, have %s: %q", c.want, have, stderr.String())
				}
				want := []string{"child-pid", "mode", "error"}
				if have := keys(docs); !slices.Equal(have, want) && !(c.silent && slices.Equal(have, want[:2])) {
					t.Errorf("documents %v", docs)
				}
			})
		}
	})
}

// A first process that is killed while its launcher waits for a reader of a report has failed
// to set up, too: the launcher says so, and does not die of writing to it.
func TestStatusOfTheKilledMeanwhile(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for _, options := range [][]string{nil, {"--unshare-pid"}} {
			r, w := pipe(t)
			size, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, size)); err != nil { // no more fits
				t.Fatal(err)
			}
			args := append(v.box(append([]string{"--info-fd", "3", "--setup-exit-status", "42"}, options...)...), "/h/probe", "exit", "0")
			cmd := launch{who: v.who, args: args, files: []*os.File{w}}.command()
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = w.Close()
			writes := fmt.Sprintf("%d 0x3 ", unix.SYS_WRITE)
			if !harness.Until(func() bool {
				call, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", cmd.Process.Pid))
				return strings.HasPrefix(string(call), writes)
			}) {
				t.Fatal("the launcher does not write its report")
			}
			for _, pid := range proc.Children(cmd.Process.Pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				if !harness.Until(func() bool { return proc.State(pid) == "Z" }) {
					t.Fatalf("process %d does not end", pid)
				}
			}
			_, _ = io.ReadAll(r)
			_ = cmd.Wait()
			const sentence = "gobwrap: a process of the sandbox was killed by signal 9 before the command ran\n"
			if have := testcmd.Status(cmd.ProcessState); have != "42" || stderr.String() != sentence {
				t.Errorf("%v: want 42, have %s: %q", options, have, stderr.String())
			}
		}
	})
}
