package proc_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/proc"
)

// TestProcess: what is said of a process whose name is made to confuse, of its child, and of
// the same when both have ended.
func TestProcess(t *testing.T) {
	c := exec.Command("sh", "-c", "printf ') R (' >/proc/$$/comm; sleep 1000 & echo ready; read -r line; kill $!; wait; exit 0")
	in, err1 := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := c.Process.Pid
	if _, err := fmt.Fscanln(out, new(string)); err != nil {
		t.Fatal(err)
	}
	for proc.State(pid) == "R" { // on its way to read
	}
	children := proc.Children(pid)
	if len(children) != 1 || !slices.Equal(proc.Tree(pid), []int{pid, children[0]}) || !slices.Contains(proc.Children(os.Getpid()), pid) {
		t.Errorf("the children of %d: %v; the tree: %v", pid, children, proc.Tree(pid))
	}
	if !slices.Contains(proc.All(), pid) || !slices.Contains(proc.All(), os.Getpid()) {
		t.Errorf("of all processes, these are missing: %v", proc.All())
	}
	if s, name := proc.State(pid), proc.Field(pid, "Name"); s != "S" || name != ") R (" || proc.Gone(pid) {
		t.Errorf("state %q, name %q", s, name)
	}
	for child := children[0]; proc.CommandLine(child) != "sleep 1000 "; {
		if proc.Gone(child) {
			t.Fatal("the child has gone")
		}
	}
	if _, err := fmt.Fprintln(in); err != nil {
		t.Fatal(err)
	}
	for !proc.Gone(pid) {
	}
	if s := proc.State(pid); s != "Z" || proc.CommandLine(pid) != "" {
		t.Errorf("the process has ended: state %q, command line %q", s, proc.CommandLine(pid))
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	if proc.State(pid) != "" || proc.Field(pid, "Name") != "" || proc.Children(pid) != nil || !proc.Gone(pid) {
		t.Errorf("there is none any more: state %q", proc.State(pid))
	}
}
