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
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// job is a sandbox that lives until its leash (fd 4 of the command) is let go.
type job struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *bufio.Reader // fd 1
	stdout *os.File
	leash  *os.File
	info   *os.File // fd 3
	stderr *os.File
	dir    string
}

// start starts a sandbox whose command carries out the words after it printed "up".
func start(t *testing.T, who identity, options []string, words ...string) *job {
	t.Helper()
	j := &job{t: t, dir: who.scratch(t)}
	who.shell(t, j.dir, ": > lock")
	var outW, leashR, infoW *os.File
	j.stdout, outW = pipe(t)
	leashR, j.leash = pipe(t)
	j.info, infoW = pipe(t)
	j.out = bufio.NewReader(j.stdout)
	options = append(slices.Clone(options), "--bind", j.dir, "/w", "--info-fd", "3")
	args := slices.Concat(box(options...), []string{"/h/probe", "echo", "up"}, words)
	j.cmd = launch{who: who, args: args, files: []*os.File{infoW, leashR}}.command()
	// A file: a pipe would be waited for as long as an orphan lives.
	stderr, err := os.Create(filepath.Join(who.scratch(t), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	j.stderr = stderr
	j.cmd.Stdout, j.cmd.Stderr = outW, stderr
	if err := j.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _, _ = outW.Close(), leashR.Close(), infoW.Close()
	t.Cleanup(func() {
		_ = j.leash.Close()
		_ = j.cmd.Process.Kill()
		_ = j.cmd.Wait()
		_ = j.stderr.Close()
	})
	j.line("up")
	return j
}

func (j *job) said() string {
	text, _ := os.ReadFile(j.stderr.Name())
	return string(text)
}

func (j *job) line(want string) {
	j.t.Helper()
	_ = j.stdout.SetReadDeadline(time.Now().Add(harness.Patience))
	line, err := j.out.ReadString('\n')
	if line != want+"\n" {
		j.t.Fatalf("want %q, have %q (%v): %s", want, line, err, j.said())
	}
}

// ends waits for the launcher.
func (j *job) ends(want string) {
	j.t.Helper()
	timer := time.AfterFunc(harness.Patience, func() { _ = j.cmd.Process.Kill(); j.t.Error("the launcher did not end by itself") })
	_ = j.cmd.Wait()
	timer.Stop()
	if have := testcmd.Status(j.cmd.ProcessState); have != want || j.said() != "" {
		j.t.Errorf("want %s, have %s: %s", want, have, j.said())
	}
}

// closed reports whether standard output ends within a time: nobody holds it then.
func (j *job) closed(within time.Duration) bool {
	_ = j.stdout.SetReadDeadline(time.Now().Add(within))
	_, err := j.out.ReadByte()
	return err != nil && !os.IsTimeout(err)
}

// first is the pid of the sandbox's first process.
func (j *job) first() int {
	j.t.Helper()
	var doc struct {
		PID int `json:"child-pid"`
	}
	_ = j.info.SetReadDeadline(time.Now().Add(harness.Patience))
	if err := json.NewDecoder(j.info).Decode(&doc); err != nil {
		j.t.Fatal(err)
	}
	return doc.PID
}

// gone reports whether a process ends, with patience. As a child of ours, it is
// reaped here.
func gone(pid int) bool {
	return harness.Until(func() bool {
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		return syscall.Kill(pid, 0) == syscall.ESRCH
	})
}

func (j *job) locked() bool {
	out, err := exec.Command(probe, "locked", j.dir+"/lock").Output()
	if err != nil {
		j.t.Error(err)
	}
	return string(out) != "locked: no 0\n"
}

func TestOrphansKeepTheirInit(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		j := start(t, who, []string{"--unshare-pid", "--lock-file", "/w/lock"}, "leave", "read", "4")
		pid := j.first()
		j.ends("0")
		if j.closed(50*time.Millisecond) || syscall.Kill(pid, 0) != nil || !j.locked() {
			t.Error("the orphan, PID 1 or the lock went with the launcher")
		}
		_ = j.leash.Close()
		if !gone(pid) || !j.closed(harness.Patience) || j.locked() {
			t.Error("something stays without the orphan")
		}
	})
}

func TestOutputEndsWithTheCommand(t *testing.T) {
	t.Parallel()
	each(t, []identity{user, setuid, fallback}, func(t *testing.T, who identity) {
		for name, options := range arrangements() {
			t.Run(name, func(t *testing.T) {
				j := start(t, who, options, "close", "1", "read", "4")
				if !j.closed(harness.Patience) {
					t.Error("PID 1, the monitor or a keeper holds the command's output")
				}
				_ = j.leash.Close()
				j.ends("0")
			})
		}
	})
}

// The launcher's own descriptors, and what its processes keep of the caller's.
func TestNobodyKeepsDescriptors(t *testing.T) {
	t.Parallel()
	options := map[string][]string{
		"sync":       {"--unshare-pid", "--sync-fd", "0"},
		"sync-pid-1": {"--unshare-pid", "--as-pid-1", "--sync-fd", "0"},
		"sync-alone": {"--sync-fd", "0"},
		"lock":       {"--lock-file", "/w/lock"},
		"everything": all("--lock-file", "/w/lock", "--die-with-parent"),
	}
	for name, o := range arrangements() {
		options[name] = o
	}
	for name, o := range options {
		t.Run(name, func(t *testing.T) {
			eachWho(t, func(t *testing.T, who identity) {
				j := start(t, who, o, "read", "4")
				limits := map[int]int{j.cmd.Process.Pid: 2}
				if pid := j.first(); proc.Field(pid, "Name") != "probe" {
					limits[pid] = 3 // the line to the monitor, a lock or a sync fd
				}
				for pid, most := range limits {
					// The monitor closes the last ones when set-up is over; it need not be first.
					var links []string
					harness.Until(func() bool {
						links, _ = filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
						return len(links) <= most
					})
					for _, link := range links {
						to, _ := os.Readlink(link)
						if strings.HasPrefix(to, "pipe:") && j.isOurs(to) || strings.Contains(to, base+"/bin") {
							t.Errorf("process %d (%s) holds %s", pid, proc.Field(pid, "Name"), to)
						}
					}
					if len(links) > most {
						t.Errorf("process %d (%s) holds %d descriptors", pid, proc.Field(pid, "Name"), len(links))
					}
				}
			})
		})
	}
}

// isOurs reports whether a pipe is one that the caller handed in.
func (j *job) isOurs(link string) bool {
	for _, f := range []*os.File{j.stdout, j.leash, j.info} {
		name, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
		if name == link {
			return true
		}
	}
	return false
}

func TestDieWithParentChain(t *testing.T) {
	t.Parallel()
	for name, options := range arrangements() {
		t.Run(name, func(t *testing.T) {
			eachWho(t, func(t *testing.T, who identity) {
				j := start(t, who, append(slices.Clone(options), "--die-with-parent"), "leave", "read", "4")
				if name == "plain" {
					j.ends("0") // an orphan without a PID 1 is nobody's
					_ = j.leash.Close()
					return
				}
				if !j.closed(harness.Patience) {
					t.Error("an orphan outlives the launcher")
				}
				j.ends("0")
			})
		})
	}
}

func TestStopAndContinue(t *testing.T) {
	t.Parallel()
	eachUser(t, func(t *testing.T, who identity) {
		for name, options := range arrangements() {
			t.Run(name, func(t *testing.T) {
				j := start(t, who, options, "read", "4")
				group := -j.cmd.Process.Pid
				if err := syscall.Kill(group, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				stopped := harness.Until(func() bool { return proc.State(j.cmd.Process.Pid) == "T" })
				_ = j.leash.Close()
				if !stopped || j.closed(50*time.Millisecond) {
					t.Error("SIGSTOP did not stop launcher and command")
				}
				_ = syscall.Kill(group, syscall.SIGCONT)
				j.ends("0")
			})
		}
	})
}

// Many at a time leave nothing: no process, no zombie, no mount.
func TestManyLeaveNothing(t *testing.T) {
	before, _ := os.ReadFile("/proc/self/mountinfo")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for k := range 25 {
				who := []identity{root, user, setuid, fallback}[i%4]
				cmd := launch{who: who, args: append(box(all()...), "/h/probe", "exit", strconv.Itoa(k))}.command()
				_ = cmd.Run()
				if have := testcmd.Status(cmd.ProcessState); have != strconv.Itoa(k) {
					t.Errorf("want %d, have %s", k, have)
				}
			}
		})
	}
	group.Wait()
	var left []int
	if !harness.Until(func() bool {
		left = slices.DeleteFunc(proc.Children(os.Getpid()), func(pid int) bool {
			_, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // we are their reaper
			return err != nil || proc.State(pid) == ""
		})
		return len(left) == 0
	}) {
		t.Errorf("%d processes are left, like %s in state %s", len(left), proc.Field(left[0], "Name"), proc.State(left[0]))
	}
	if after, _ := os.ReadFile("/proc/self/mountinfo"); !bytes.Equal(before, after) {
		t.Errorf("mounts before:\n%s\nafter:\n%s", before, after)
	}
}
