package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
	"golang.org/x/sys/unix"
)

// via is a way to come to a sandbox: who asks for it, and the first words.
type via struct {
	name  string
	who   identity
	words []string
	mode  string // what "mode" says
}

// ways are direct mode for both users, and setuid mode. The set-user-id copy lies in
// a directory that goes with the test.
func ways(t *testing.T) []via {
	t.Helper()
	return []via{
		{"user", user, []string{gobwrap}, "direct"},
		{"root", root, []string{gobwrap}, "direct"},
		{"setuid", user, []string{setuidCopy(t), "--mode", "setuid"}, "setuid"},
	}
}

func eachWay(t *testing.T, test func(t *testing.T, v via)) {
	t.Helper()
	for _, v := range ways(t) {
		t.Run(v.name, func(t *testing.T) { test(t, v) })
	}
}

func setuidCopy(t *testing.T) string {
	t.Helper()
	path := filepath.Join(root.scratch(t), "gobwrap")
	if out, err := exec.Command("install", "-o", "0", "-g", "0", "-m", "4755", gobwrap, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// box is a command line, with the helpers on /h.
func (v via) box(options ...string) []string {
	return slices.Concat(v.words, box()[1:4], options, []string{"--"})
}

// document is one document of --json-status-fd.
type document struct {
	key  string // its first member
	text string // the line
	all  map[string]any
}

// documents reads lines of JSON objects.
func documents(t *testing.T, text string) (docs []document) {
	t.Helper()
	for line := range strings.Lines(text) {
		d := document{text: line}
		dec := json.NewDecoder(strings.NewReader(line))
		if err := dec.Decode(&d.all); err != nil || dec.More() || !strings.HasSuffix(line, "\n") {
			t.Errorf("%q is not one JSON object on a line: %v", line, err)
			continue
		}
		d.key, _, _ = strings.Cut(strings.TrimPrefix(line, `{ "`), `"`)
		docs = append(docs, d)
	}
	return docs
}

func keys(docs []document) (list []string) {
	for _, d := range docs {
		list = append(list, d.key)
	}
	return list
}

// told runs a launch whose options say --json-status-fd 3 and returns what came there.
func (l launch) told(t *testing.T) (outcome, []document) {
	t.Helper()
	r, w := pipe(t)
	l.files = append([]*os.File{w}, l.files...)
	o := l.run(t)
	_ = w.Close()
	return o, documents(t, text(r))
}

var complete = []string{"child-pid", "mode", "command-pid", "setup-complete", "exit-code"}

// whose finds the process that runs the words, as seen from here.
func whose(t *testing.T, words ...string) int {
	t.Helper()
	want := strings.Join(words, " ") + " "
	found := 0
	for _, pid := range proc.All() {
		if proc.CommandLine(pid) == want {
			if found != 0 {
				t.Errorf("%q runs twice", words)
			}
			found = pid
		}
	}
	return found
}

// innermost is a process's pid in its own PID namespace.
func innermost(pid int) string {
	numbers := strings.Fields(proc.Field(pid, "NSpid"))
	if len(numbers) == 0 {
		return ""
	}
	return numbers[len(numbers)-1]
}

// The documents of a launch that works: these, in this order, each when it is true, and
// the pid of the command as it is outside.
func TestStatusOfALaunch(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		lock := v.who.scratch(t) + "/lock"
		v.who.shell(t, "/", ": > "+lock)
		for _, c := range []struct {
			name    string
			options []string
			inside  string // the command's own number; "": its number outside
			first   bool   // the command is the sandbox's first process
		}{
			{"plain", nil, "", true},
			{"reaper", []string{"--unshare-pid"}, "2", false},
			{"pid-1", []string{"--unshare-pid", "--as-pid-1"}, "1", true},
			{"init without a namespace", []string{"--ro-bind", lock, "/lock", "--lock-file", "/lock"}, "", false},
			{"everything", all("--new-session", "--die-with-parent"), "2", false},
			{"args", []string{"--args", "5", "--unshare-pid"}, "2", false},
		} {
			t.Run(c.name, func(t *testing.T) {
				token := filepath.Base(v.who.scratch(t))
				docsR, docsW := pipe(t)
				leashR, leash := pipe(t)
				empty, _ := pipe(t)
				if c.name == "args" {
					empty = open(t, "/dev/null")
				}
				outR, outW := pipe(t)
				command := []string{"/h/probe", "echo", token, "read", "4", "exit", "7"}
				options := append([]string{"--json-status-fd", "3"}, c.options...)
				cmd := launch{who: v.who, args: append(v.box(options...), command...), files: []*os.File{docsW, leashR, empty}}.command()
				cmd.Stdout, cmd.Stderr = outW, outW
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cmd.Process.Kill() })
				_, _, _ = docsW.Close(), leashR.Close(), outW.Close()
				lines := bufio.NewReader(docsR)
				_ = docsR.SetReadDeadline(time.Now().Add(harness.Patience))
				var said strings.Builder
				for range complete[:4] {
					line, err := lines.ReadString('\n')
					if err != nil {
						t.Fatalf("after %q: %v", said.String(), err)
					}
					said.WriteString(line)
				}
				_ = outR.SetReadDeadline(time.Now().Add(harness.Patience))
				if line, err := bufio.NewReader(outR).ReadString('\n'); line != token+"\n" {
					t.Fatalf("the command says %q: %v", line, err)
				}
				outside := whose(t, command...)
				inside, runs := innermost(outside), cmd.Process.Pid != outside
				_ = leash.Close()
				rest, _ := lines.ReadString('\n')
				said.WriteString(rest)
				_ = cmd.Wait()
				docs := documents(t, said.String())
				if !slices.Equal(keys(docs), complete) {
					t.Fatalf("documents %q", said.String())
				}
				if c.inside == "" {
					c.inside = fmt.Sprint(outside)
				}
				switch {
				case outside == 0 || !runs || inside != c.inside:
					t.Errorf("the command is %d outside and %s inside", outside, inside)
				case docs[2].all["command-pid"] != float64(outside):
					t.Errorf("the command is %d, the document says %s", outside, docs[2].text)
				case (docs[0].all["child-pid"] == float64(outside)) != c.first:
					t.Errorf("the command is %d, the first process %s", outside, docs[0].text)
				case docs[1].all["mode"] != v.mode || docs[3].all["setup-complete"] != true || docs[4].all["exit-code"] != 7.0:
					t.Errorf("documents %q", said.String())
				case testcmd.Status(cmd.ProcessState) != "7":
					t.Errorf("status %s", testcmd.Status(cmd.ProcessState))
				}
			})
		}
	})
}

// A PID namespace that the caller gives: the pid is the caller's view of it.
func TestStatusInGivenPIDNamespace(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"--unshare-pid"}, {"--unshare-pid", "--as-pid-1"}} {
		pid := holder(t, root, "-pf", "--kill-child")
		ns := namespace(t, pid, "pid_for_children")
		leashR, leash := pipe(t)
		docsR, docsW := pipe(t)
		command := []string{"/h/probe", "echo", filepath.Base(root.scratch(t)), "read", "5"}
		args := slices.Concat(box(append([]string{"--json-status-fd", "3", "--pidns", "4"}, options...)...), command)
		cmd := launch{who: root, args: args, files: []*os.File{docsW, ns, leashR}}.command()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = docsW.Close(), leashR.Close()
		lines := bufio.NewReader(docsR)
		_ = docsR.SetReadDeadline(time.Now().Add(harness.Patience))
		said := ""
		for range complete[:4] {
			line, _ := lines.ReadString('\n')
			said += line
		}
		outside := whose(t, command...)
		_ = leash.Close()
		_ = cmd.Wait()
		if docs := documents(t, said); !slices.Equal(keys(docs), complete[:4]) || outside == 0 || docs[2].all["command-pid"] != float64(outside) {
			t.Errorf("%v: the command is %d: %q", options, outside, said)
		}
	}
}

// Nothing is claimed before it is true: a sandbox that waits has no command.
func TestStatusInTime(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		docsR, docsW := pipe(t)
		blockR, block := pipe(t)
		args := append(v.box("--json-status-fd", "3", "--block-fd", "4", "--unshare-pid"), "/h/probe", "exit", "0")
		cmd := launch{who: v.who, args: args, files: []*os.File{docsW, blockR}}.command()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = docsW.Close(), blockR.Close()
		lines := bufio.NewReader(docsR)
		said := ""
		_ = docsR.SetReadDeadline(time.Now().Add(harness.Patience))
		for range 2 {
			line, _ := lines.ReadString('\n')
			said += line
		}
		_ = docsR.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if line, err := lines.ReadString('\n'); !os.IsTimeout(err) {
			t.Errorf("while it waits: %q, %v", line, err)
		}
		_ = block.Close()
		_ = docsR.SetReadDeadline(time.Now().Add(harness.Patience))
		for range 3 {
			line, _ := lines.ReadString('\n')
			said += line
		}
		_ = cmd.Wait()
		if docs := documents(t, said); !slices.Equal(keys(docs), complete) {
			t.Errorf("documents %q", said)
		}
	})
}

// noCall is a filter that kills the process that makes a system call.
func noCall(t *testing.T, nr uint32) *os.File {
	t.Helper()
	const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	var code bytes.Buffer
	for _, f := range []unix.SockFilter{{Code: load}, {Code: equal, Jf: 1, K: nr}, {Code: ret, K: unix.SECCOMP_RET_KILL_PROCESS}, {Code: ret, K: unix.SECCOMP_RET_ALLOW}} {
		code.Write([]byte{byte(f.Code), byte(f.Code >> 8), f.Jt, f.Jf, byte(f.K), byte(f.K >> 8), byte(f.K >> 16), byte(f.K >> 24)})
	}
	file, err := os.CreateTemp(base, "filter-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	_ = os.Remove(file.Name())
	if _, err := file.Write(code.Bytes()); err != nil {
		t.Fatal(err)
	}
	_, _ = file.Seek(0, 0)
	return file
}

// Where a filter of the caller's refuses what tells the sender, the pid is left out, and
// nothing else.
func TestStatusWithoutSenders(t *testing.T) {
	t.Parallel()
	for call, want := range map[int][]string{
		unix.SYS_RECVMSG: {"child-pid", "mode", "setup-complete", "exit-code"}, unix.SYS_SETSOCKOPT: {"child-pid", "mode", "setup-complete", "exit-code"},
	} {
		eachWho(t, func(t *testing.T, who identity) {
			wrap := []string{enosys, "-e", "EPERM", "-n", fmt.Sprint(call), "--"}
			o, docs := launch{who: who, wrap: wrap, args: append(box("--json-status-fd", "3", "--unshare-pid"), "/h/probe", "exit", "3")}.told(t)
			if who.setuid { // the keeper takes nothing by another call, and waits for nothing without a time-out
				o.Refused(t, "setuid mode failed")
				return
			}
			if o.Status != "3" || o.Stderr != "" || !slices.Equal(keys(docs), want) {
				t.Errorf("call %d: %s, documents %v", call, o, docs)
			}
		})
	}
}

// The command's word about itself comes before its filters, which may refuse it.
func TestStatusUnderFilters(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for _, options := range [][]string{nil, {"--unshare-pid"}} {
			args := append(v.box(append([]string{"--json-status-fd", "3", "--seccomp", "4"}, options...)...), "/h/probe", "exit", "3")
			o, docs := launch{who: v.who, args: args, files: []*os.File{noCall(t, unix.SYS_SENDTO)}}.told(t)
			if o.Status != "3" || o.Stderr != "" || !slices.Equal(keys(docs), complete) {
				t.Errorf("%v: %s, documents %v", options, o, docs)
			}
		}
	})
}
