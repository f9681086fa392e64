package ranges_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
)

// document is what --info-fd and --json-status-fd say.
type document struct {
	PID     int    `json:"child-pid"`
	Mode    string `json:"mode"`
	Exit    *int   `json:"exit-code"`
	Command int    `json:"command-pid"`
}

// held is a sandbox whose set-up waits for a byte.
type held struct {
	cmd            *exec.Cmd
	docs           *json.Decoder
	stdout, stderr strings.Builder
	block          *os.File
	info           *os.File
}

// hold starts a sandbox with the documents on fd 3, and fd 4 to wait for.
func (who identity) hold(t *testing.T, wrap, options []string, script string) *held {
	t.Helper()
	info, infoW := pipe(t)
	blockR, block := pipe(t)
	h := &held{block: block, info: info, docs: json.NewDecoder(bufio.NewReader(info))}
	h.cmd = launch{who: who, wrap: wrap, args: append(box(options...), "sh", "-ec", script), files: []*os.File{infoW, blockR}}.command()
	h.cmd.Stdout, h.cmd.Stderr = &h.stdout, &h.stderr
	h.cmd.WaitDelay = time.Second
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = infoW.Close(), blockR.Close()
	_ = info.SetReadDeadline(time.Now().Add(harness.Patience))
	t.Cleanup(func() { _, _ = h.cmd.Process.Kill(), h.cmd.Wait() })
	return h
}

// next reads a document.
func (h *held) next(t *testing.T) (d document) {
	t.Helper()
	if err := h.docs.Decode(&d); err != nil {
		t.Fatalf("%v: %s", err, h.stderr.String())
	}
	return d
}

// TestDocuments: when the documents are written the maps are there, those of the process that
// they name; a waiting process may go on afterwards.
func TestDocuments(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			for _, fd := range []string{"--info-fd", "--json-status-fd"} {
				for _, block := range []string{"--block-fd", "--userns-block-fd"} {
					for _, more := range [][]string{nil, {"--unshare-pid"}, {"--unshare-all", "--as-pid-1", "--die-with-parent"}, {"--unshare-user", "--disable-userns"}} {
						if s.name == "root-alone" || block == "--userns-block-fd" && fd != "--info-fd" {
							continue // what bwrap has too is bwrap's way
						}
						options := slices.Concat(more, s.options, []string{fd, "3", block, "4"})
						t.Run(strings.Join([]string{who.name, s.name, fd, block, strings.Join(more, " ")}, "/"), func(t *testing.T) {
							t.Parallel()
							h := who.hold(t, nil, options, "id -u")
							pid := h.next(t).PID
							if block == "--userns-block-fd" || !slices.Contains(more, "--disable-userns") {
								s.standsFor(t, pid)
							}
							_, _ = h.block.WriteString("x")
							if err := h.cmd.Wait(); err != nil || h.stdout.String() != fmt.Sprintln(s.uid) || h.stderr.String() != "" {
								t.Errorf("%v: %q %q", err, h.stdout.String(), h.stderr.String())
							}
							if fd == "--json-status-fd" {
								last := document{}
								for d := (document{}); h.docs.Decode(&d) == nil; d = (document{}) {
									last = d
								}
								if last.Exit == nil || *last.Exit != 0 {
									t.Errorf("the last document is %+v", last)
								}
							}
						})
					}
				}
			}
		}
	}
}

// standsFor checks the maps of a process.
func (s shape) standsFor(t *testing.T, pid int) {
	t.Helper()
	for kind, want := range map[string][]string{"uid": s.uids, "gid": s.gids} {
		have, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s_map", pid, kind))
		if err != nil || string(have) != strings.Join(want, "\n")+"\n" {
			t.Errorf("the %s map of %d is %q, %v", kind, pid, have, err)
		}
	}
}

// TestLifetime: --die-with-parent, an orphan's init, a lock, and the command's status.
func TestLifetime(t *testing.T) {
	t.Parallel()
	for _, who := range []identity{granted, root} {
		for _, s := range shapes(who) {
			t.Run(who.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				who.run(t, "exit 0", append(s.options, "--unshare-pid")...).OK(t, "")
				if o := who.run(t, "exit 42", append(s.options, "--unshare-pid", "--disable-userns")...); o.Status != "42" {
					t.Errorf("%s", o)
				}
				for _, more := range [][]string{{"--unshare-pid"}, nil, {"--unshare-pid", "--as-pid-1", "--disable-userns"}} {
					h := who.hold(t, nil, slices.Concat(more, s.options, []string{"--die-with-parent", "--info-fd", "3"}), "read x < /proc/self/fd/4; exec sleep 1000")
					pid := h.next(t).PID
					_, _ = h.block.WriteString("x\n")
					time.Sleep(5 * time.Millisecond)
					_ = h.cmd.Process.Kill()
					_ = h.cmd.Wait()
					gone(t, pid)
				}
			})
		}
	}
}

// gone waits for the end of a process.
func gone(t *testing.T, pid int) {
	t.Helper()
	if !harness.Until(func() bool { return proc.Gone(pid) }) {
		t.Fatalf("process %d does not end: %s", pid, proc.CommandLine(pid))
	}
}

// TestSetuidInstallation: an installed launcher has dropped all privilege before it asks
// newuidmap; --mode setuid has no ranges, and says so.
func TestSetuidInstallation(t *testing.T) {
	t.Parallel()
	in := func(options ...string) []string { return append([]string{installed}, box(options...)[1:]...) }
	for _, s := range shapes(granted) {
		dir := outer(t, s)
		o := launch{who: granted, args: append(in(append(s.options, "--bind", dir, "/w", "--unshare-pid")...), "sh", "-ec", look)}.run(t)
		s.check(t, o, dir)
		if s.name == "root-alone" {
			continue
		}
		o = launch{who: granted, args: append(in(append(s.options, "--mode", "setuid")...), "echo", "ran")}.run(t)
		o.Refused(t, s.options[0], "setuid mode")
	}
	// What is found through PATH runs as the user, with none of the set-id bit's privilege.
	out := granted.scratch(t)
	dir := stub(t, "newuidmap", fmt.Sprintf("grep -E 'Uid|Gid|Cap[EPIA]|Groups' /proc/self/status > %[1]s/status; env > %[1]s/env; ls -l /proc/self/fd > %[1]s/fd; exit 1", out))
	r, w := pipe(t)
	cmd := launch{who: granted, args: append(in(granted.maps(3)...), "true"), files: []*os.File{r, w}, env: []string{"PATH=" + dir, "LD_LIBRARY_PATH=/evil", "SECRET=1"}}.command()
	_ = cmd.Run()
	status := shell(t, out, "cat status")
	id := fmt.Sprintf("%d\t%[1]d\t%[1]d\t%[1]d\n", granted.id)
	zero := strings.Repeat("0", 16) + "\n"
	if want := "Uid:\t" + id + "Gid:\t" + id + "Groups:\t \nCapInh:\t" + zero + "CapPrm:\t" + zero + "CapEff:\t" + zero + "CapAmb:\t" + zero; status != want {
		t.Errorf("newuidmap was %q, want %q", status, want)
	}
	if env := shell(t, out, "grep -v -E '^(PWD|OLDPWD|SHLVL|_)=' env || :"); env != "" {
		t.Errorf("newuidmap's environment is %q", env)
	}
	if fds := shell(t, out, "grep -- '->' fd"); strings.Count(fds, "->") != 4 || strings.Contains(fds, "socket:") || strings.Count(fds, "pipe:") != 1 {
		t.Errorf("newuidmap's descriptors are\n%s", fds)
	}
}
