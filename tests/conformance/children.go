package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// Processes may go on for some time after the launcher has ended: its first process in a PID
// namespace outlives it by a moment. If all of them sleep after grace, they have been left; if
// one does something, they are perhaps about to end, and have until patience is over.
const (
	grace    = 2 * time.Second
	patience = time.Minute
)

// adoptOrphans makes this process the parent of every orphan below it, in whatever
// session or namespace that is, so that it can be found.
func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// endChildren waits until no child is left, for a moment or not at all, and kills those that
// are, which it lists. Another waiter for a child may then not learn its status.
func endChildren(atOnce bool) (left []string) {
	begun := time.Now()
	for end := begun.Add(patience); !atOnce && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if noChildren() {
			return nil
		}
		active := func(pid int) bool { return !strings.Contains("SZT", proc.State(pid)) }
		if time.Since(begun) > grace && !slices.ContainsFunc(proc.Tree(os.Getpid())[1:], active) {
			break
		}
	}
	for end := time.Now().Add(patience); !noChildren() && time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, pid := range children() {
			if !atOnce && len(left) < 5 {
				left = append(left, commandLine(pid))
			}
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	return left
}

// noChildren reaps those that have ended.
func noChildren() bool {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil)
		if err == unix.EINTR || err == nil && pid > 0 {
			continue
		}
		return err == unix.ECHILD
	}
}

// children lists the processes whose parent is this one.
func children() (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		data, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(data[strings.LastIndexByte(string(data), ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != fmt.Sprint(os.Getpid()) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		pids = append(pids, pid)
	}
	return pids
}

func commandLine(pid int) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.TrimSpace(strings.ReplaceAll(string(data), "\x00", " "))
}
