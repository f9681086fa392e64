package setuid_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// sets are the lines of a status file about capabilities.
var sets = []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}

// task is a thread's status.
type task struct {
	name string
	line map[string]string
}

// tasks reads the status of all threads of a process.
func tasks(t *testing.T, pid int) (all []task) {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		k := task{file, map[string]string{}}
		for line := range strings.SplitSeq(string(text), "\n") {
			key, value, _ := strings.Cut(line, ":")
			k.line[key] = strings.TrimSpace(value)
		}
		all = append(all, k)
	}
	if len(all) == 0 {
		t.Fatalf("process %d has no threads", pid)
	}
	return all
}

// TestPrivilegeDrop: the launcher and a front end have no privilege in any thread. The keeper has root's uids
// and exactly the capabilities that it is to keep.
func TestPrivilegeDrop(t *testing.T) {
	t.Parallel()
	for name, front := range map[string]bool{"alone": false, "with-a-front-end": true} {
		t.Run(name, func(t *testing.T) { drop(t, front) })
	}
}

func drop(t *testing.T, front bool) {
	t.Helper()
	s := newUserThread(t, me)
	h, err := s.startAndSteal(startOptions{front: front})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.end(); err != nil {
			t.Error(err)
		}
	}()
	harness.Until(func() bool {
		return proc.Field(h.keeper, "NoNewPrivs") == "1" && proc.State(h.keeper) == "S" && (!front || proc.State(h.front) == "S")
	})
	// The control: this process's main thread has capabilities.
	var root task
	for _, k := range tasks(t, os.Getpid()) {
		if k.line["Pid"] == k.line["Tgid"] {
			root = k
		}
	}
	if strings.Trim(root.line["CapPrm"], "0") == "" || strings.Trim(root.line["CapBnd"], "0") == "" {
		t.Errorf("root's status shows no capabilities: %v", root)
	}
	four := strings.Join([]string{fmt.Sprint(me), fmt.Sprint(me), fmt.Sprint(me), fmt.Sprint(me)}, "\t")
	none, kept := fmt.Sprintf("%016x", 0), fmt.Sprintf("%016x", uint64(suid.Kept&^(1<<unix.CAP_SETPCAP)))
	wants := map[int]map[string]string{
		h.keeper: {"CapInh": none, "CapPrm": kept, "CapEff": kept, "CapAmb": none, "CapBnd": none, "NoNewPrivs": "1"},
	}
	for _, pid := range h.ours() {
		wants[pid] = map[string]string{"CapInh": none, "CapPrm": none, "CapEff": none, "CapAmb": none, "CapBnd": root.line["CapBnd"], "NoNewPrivs": "0"}
	}
	threads := map[int]int{}
	for pid, want := range wants {
		for _, task := range tasks(t, pid) {
			threads[pid]++
			for _, key := range append([]string{"NoNewPrivs"}, sets...) {
				if task.line[key] != want[key] {
					t.Errorf("%s: %s is %s, want %s", task.name, key, task.line[key], want[key])
				}
			}
			uids := four
			if pid == h.keeper {
				uids = "0\t0\t0\t0"
			}
			if task.line["Uid"] != uids || task.line["Gid"] != four || task.line["Groups"] != "" {
				t.Errorf("%s: ids %s, %s, %s", task.name, task.line["Uid"], task.line["Gid"], task.line["Groups"])
			}
		}
	}
	if front && threads[h.front] < 2 {
		t.Error("only one thread: the front end does not run Go")
	}
	if threads[h.pid] != 1 || threads[h.keeper] != 1 {
		t.Errorf("the launcher has %d threads and the keeper %d: a runtime", threads[h.pid], threads[h.keeper])
	}
	owner := func(pid int) uint32 {
		var st unix.Stat_t
		_ = unix.Stat(fmt.Sprintf("/proc/%d/environ", pid), &st)
		return st.Uid
	}
	if owner(h.keeper) != 0 {
		t.Errorf("the keeper's files in /proc belong to %d", owner(h.keeper))
	}
	for name, pid := range h.ours() {
		if owner(pid) != me {
			t.Errorf("the files in /proc of the %s belong to %d", name, owner(pid))
		}
	}
}
