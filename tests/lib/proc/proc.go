// Package proc reads what /proc says of processes. Of a process that has gone it says
// nothing: "" or an empty list.
package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Children lists the processes whose parent a process is, the oldest first for each of its
// threads.
func Children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for word := range strings.FieldsSeq(string(data)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// Tree lists a process and all its descendants, each before its own children.
func Tree(pid int) []int {
	pids := []int{pid}
	for _, child := range Children(pid) {
		pids = append(pids, Tree(child)...)
	}
	return pids
}

// All lists all processes of this PID namespace.
func All() (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// State returns the letter of a process's state: "S" if it sleeps, "Z" if its parent has not
// waited for it.
func State(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The name before it may contain anything.
	rest := text[strings.LastIndex(string(text), ")")+1:]
	return strings.TrimSpace(string(rest[:min(2, len(rest))]))
}

// Gone reports whether a process has ended, waited for or not.
func Gone(pid int) bool {
	state := State(pid)
	return state == "" || state == "Z"
}

// Field returns a line of a process's status without its key, as the kernel writes it: the
// four ids of "Uid" have tabs between them.
func Field(pid int, key string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut("\n"+string(text), "\n"+key+":")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

// CommandLine returns a process's arguments, each with a blank behind it. A process that has
// ended has none.
func CommandLine(pid int) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.ReplaceAll(string(data), "\x00", " ")
}
