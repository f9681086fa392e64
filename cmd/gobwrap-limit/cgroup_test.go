package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// parent is a cgroup for a test, in which cgroups without limits can be made.
func parent(t *testing.T) string {
	t.Helper()
	own, _, err := whereWeAre()
	if err != nil {
		t.Skipf("no cgroup of version 2 here: %v", err)
	}
	dir := filepath.Join(own, fmt.Sprintf("limit-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("this process may not make cgroups: %v", err)
	}
	t.Cleanup(func() { (&cgroup{dir: dir}).remove() })
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestNothingIsLeft: a command that has made cgroups of its own, and has processes in them, leaves
// none of either.
func TestNothingIsLeft(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	g, err := makeBelow(parent(t), limits{})
	if err != nil {
		t.Fatal(err)
	}
	const script = `mkdir -p "$0"/a/b "$0"/c; sleep 1000 & echo $! >"$0"/a/b/cgroup.procs; exit 7`
	if status, err := g.run("/bin/sh", []string{"/bin/sh", "-c", script, g.dir}, make(chan os.Signal)); status != 7 || err != nil {
		t.Error(status, err)
	}
	if exists(g.dir) {
		t.Error("the cgroup is left")
	}
}

// TestSignalBefore: a signal that comes while the cgroup is made ends the launch, and leaves nothing.
func TestSignalBefore(t *testing.T) {
	g, err := makeBelow(parent(t), limits{})
	if err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGINT
	if status, err := g.run("/bin/touch", []string{"touch", ran}, signals); status != 130 || err != nil {
		t.Error(status, err)
	}
	if exists(ran) || exists(g.dir) {
		t.Error("the command has run, or the cgroup is left")
	}
}

// TestAbandoned: what a process has left that was killed is removed by the next one, and nothing else.
func TestAbandoned(t *testing.T) {
	top := parent(t)
	long, now := time.Now().Add(-time.Hour).UnixNano(), time.Now().UnixNano()
	dir := func(name string) string {
		dir := filepath.Join(top, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	empty := dir(fmt.Sprintf("%s-1-%d", program, long))
	nested := dir(fmt.Sprintf("%s-2-%d", program, long))
	dir(filepath.Join(filepath.Base(nested), "below"))
	left := []string{
		dir(fmt.Sprintf("%s-3-%d", program, now)), dir(fmt.Sprintf("%s-4", program)), dir(fmt.Sprintf("other-5-%d", long)),
		dir(fmt.Sprintf("%s-6-%d", program, long)), dir(fmt.Sprintf("%s-7-%d", program, long)),
	}
	locked, err := os.Open(left[3])
	if err != nil || unix.Flock(int(locked.Fd()), unix.LOCK_EX) != nil {
		t.Fatal(err)
	}
	defer func() { _ = locked.Close() }()
	busy, err := os.Open(left[4])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	runs := exec.Command("sleep", "1000")
	runs.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(busy.Fd())}
	if err := runs.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = runs.Process.Kill(), runs.Wait() }()
	g, err := makeBelow(top, limits{})
	if err != nil {
		t.Fatal(err)
	}
	if exists(empty) || exists(nested) {
		t.Error("what has been abandoned is left")
	}
	for _, dir := range append(left, g.dir) {
		if !exists(dir) {
			t.Errorf("%s is removed", dir)
		}
	}
	// A live one is locked, whatever its age.
	removeAbandoned(top, time.Now().Add(time.Hour))
	if !exists(g.dir) {
		t.Error("a cgroup in use is removed")
	}
	g.remove()
}
