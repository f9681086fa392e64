//go:build clients

package clients_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
)

// process is one of a world, as seen from outside.
type process struct {
	pid, parent int
	words       []string
}

// processes are those that descend from what a test started.
func (r *run) processes() map[int]process {
	all := map[int]process{}
	for _, pid := range proc.All() {
		parent, err := strconv.Atoi(proc.Field(pid, "PPid"))
		if err != nil {
			continue
		}
		words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		all[pid] = process{pid: pid, parent: parent, words: split(string(words))}
	}
	for pid := range all {
		at := pid
		for at > 1 && at != r.cmd.Process.Pid {
			at = all[at].parent
		}
		if at != r.cmd.Process.Pid {
			delete(all, pid)
		}
	}
	return all
}

// await waits for a process.
func (r *run) await(t *testing.T, is func(p process) bool) process {
	t.Helper()
	for end := time.Now().Add(harness.Patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		for _, p := range r.processes() {
			if len(p.words) > 0 && is(p) {
				return p
			}
		}
		if r.over() {
			break
		}
	}
	r.end()
	t.Fatalf("there is no such process: %s", r.wait(t))
	return process{}
}

// begins gives a condition: the command line begins with a program, and perhaps more.
func begins(words ...string) func(p process) bool {
	return func(p process) bool {
		return strings.HasPrefix(strings.Join(append([]string{filepath.Base(p.words[0])}, p.words[1:]...), " ")+" ", strings.Join(words, " ")+" ")
	}
}

// runs reports whether a process runs a program.
func (p process) runs(program string) bool {
	want, err := os.Stat(program)
	have, err2 := os.Stat(fmt.Sprintf("/proc/%d/exe", p.pid))
	return err == nil && err2 == nil && os.SameFile(want, have)
}

// field is a line of a process's status.
func (p process) field(name string) string {
	return proc.Field(p.pid, name)
}

// filters is how many seccomp filters it has.
func (p process) filters() (n int) {
	_, _ = fmt.Sscan(p.field("Seccomp_filters"), &n)
	return n
}

// launchedBy checks that the two processes above one are the launcher's, and that the
// one is in a user namespace in direct mode only.
func (r *run) launchedBy(t *testing.T, p process, launcher string) {
	t.Helper()
	all := r.processes()
	for name, pid := range map[string]int{"init": p.parent, "monitor": all[p.parent].parent} {
		if !all[pid].runs(launcher) {
			t.Errorf("the %s above %v is not the launcher: %v", name, p.words, all[pid].words)
		}
	}
	host := all[r.cmd.Process.Pid]
	if own := p.ns("user") != host.ns("user"); own != (launcher == gobwrap) || p.ns("pid") == host.ns("pid") {
		t.Errorf("the namespaces of %v are not those of the mode: %s, %s", p.words, p.ns("user"), p.ns("pid"))
	}
	if ids := p.field("Uid"); ids != strings.TrimSuffix(strings.Repeat(fmt.Sprintf("%d\t", uid), 4), "\t") {
		t.Errorf("the user ids of %v are %s", p.words, ids)
	}
}

// ns is the number of a namespace.
func (p process) ns(kind string) string {
	link, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", p.pid, kind))
	return link
}

// appears waits for a file in the home.
func (r *run) appears(t *testing.T, name string) {
	t.Helper()
	for end := time.Now().Add(harness.Patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(r.w.home, name)); err == nil {
			return
		}
		if r.over() {
			break
		}
	}
	r.end()
	t.Fatalf("no file %s appeared: %s", name, r.wait(t))
}

// goOn makes the file that a script waits for.
func (r *run) goOn(t *testing.T) {
	t.Helper()
	mustDo(t, os.WriteFile(filepath.Join(r.w.home, "go-on"), nil, 0o644))
}
