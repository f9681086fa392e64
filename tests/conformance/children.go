package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// grace is how long processes may go on after the launcher has ended: its first process
// in a PID namespace outlives it by a moment.
const grace = 2 * time.Second

// adoptOrphans makes this process the parent of every orphan below it, in whatever
// session or namespace that is, so that it can be found.
func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// endChildren waits until no child is left, for a moment or not at all, and kills those
// that are, which it lists. Whoever waits for a child elsewhere may not learn its status then.
func endChildren(atOnce bool) (left []string) {
	for end := time.Now().Add(grace); !atOnce && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if noChildren() {
			return nil
		}
	}
	for end := time.Now().Add(10 * time.Second); !noChildren() && time.Now().Before(end); time.Sleep(time.Millisecond) {
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
