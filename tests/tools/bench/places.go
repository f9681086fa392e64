package main

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// place is where a work runs: on a thread that enter has prepared, since a process that is
// cloned there inherits its mount namespace and its processors. The thread ends with the work.
type place struct {
	name  string
	slow  int
	root  bool // only root can prepare it
	user  bool // it is for launchers of ordinary users
	enter func(b *bench, uid int) (launchers []program, leave func(), err error)
}

var (
	oneProcessor = &place{name: "bound to one processor", enter: bindToOneProcessor}
	busy         = &place{name: "with 4 busy loops running", slow: 2, enter: startBusyLoops}
	setuid       = &place{name: "setuid mode", root: true, user: true, enter: installSetuid}
	manyMounts   = &place{name: "on a host with 1000 mounts", root: true, enter: crowdHost}
)

// in runs a function in a place, with the programs that are to be launched there.
func (b *bench) in(p *place, uid int, run func(launchers []program) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespaces
		if p == nil {
			done <- run(b.programs)
			return
		}
		launchers, leave, err := p.enter(b, uid)
		if err == nil {
			err = run(launchers)
			leave()
		}
		done <- err
	}()
	return <-done
}

// bindToOneProcessor leaves this thread the first of its processors, as taskset(1) does.
func bindToOneProcessor(b *bench, _ int) ([]program, func(), error) {
	var may, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return nil, nil, fmt.Errorf("asking for the processors: %w", err)
	}
	for i, word := range may {
		if word != 0 {
			one.Set(i*bits.UintSize + bits.TrailingZeros(uint(word)))
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return nil, nil, fmt.Errorf("binding to one processor: %w", err)
	}
	return b.programs, func() {}, nil
}

// startBusyLoops starts four processes that compute, on any processor.
func startBusyLoops(b *bench, _ int) ([]program, func(), error) {
	var loops []*exec.Cmd
	stop := func() {
		for _, cmd := range loops {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	for range 4 {
		cmd := exec.Command(b.payload, "compute")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			stop()
			return nil, nil, err
		}
		loops = append(loops, cmd)
	}
	return b.programs, stop, nil
}

// ownMounts gives this thread a mount namespace, whose mounts go with the thread.
func ownMounts() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return nil
}

// crowdHost mounts a thousand file systems.
func crowdHost(b *bench, _ int) ([]program, func(), error) {
	if err := ownMounts(); err != nil {
		return nil, nil, err
	}
	for i := range 1000 {
		dir := filepath.Join(b.scratch, "mounts", strconv.Itoa(i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, nil, err
		}
		if err := unix.Mount("bench", dir, "tmpfs", 0, "size=4k,mode=755"); err != nil {
			return nil, nil, fmt.Errorf("mount %d: %w", i, err)
		}
	}
	return b.programs, func() {}, nil
}

// installSetuid makes copies of the programs that are set-user-id root, on a file system
// that only this thread and its children see: it goes with them, however they end. A
// reference that has no setuid mode is left out.
func installSetuid(b *bench, uid int) ([]program, func(), error) {
	if err := ownMounts(); err != nil {
		return nil, nil, err
	}
	dir := filepath.Join(b.scratch, "setuid")
	if err := unix.Mount("bench", dir, "tmpfs", unix.MS_NODEV, "mode=755"); err != nil {
		return nil, nil, fmt.Errorf("mounting a file system for the copies: %w", err)
	}
	var copies []program
	for i, p := range b.programs {
		if p.missing == "" {
			copied, err := p.copyTo(filepath.Join(dir, strconv.Itoa(i)), 0o755|os.ModeSetuid)
			if err != nil {
				return nil, nil, err
			}
			if p = copied; i == b.last() {
				p.before = []string{"--mode", "setuid"}
			}
			if err := b.provePrivilege(p, uid); err != nil && (i == 0 || i == b.last()) {
				return nil, nil, err
			} else if err != nil {
				p.missing = "has no setuid mode"
			}
		}
		copies = append(copies, p)
	}
	return copies, func() {}, nil
}

// provePrivilege shows that a set-user-id program makes a sandbox for an ordinary user
// without a user namespace, which takes privilege.
func (b *bench) provePrivilege(p program, uid int) error {
	own, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		return err
	}
	words := append(append([]string(nil), p.before...), minimalArgs...)
	cmd := exec.Command(p.path, append(words, "readlink", "/proc/self/ns/user")...)
	cmd.Dir, cmd.Env = "/", environment
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s as set-user-id root: %w: %s", p.name, err, out)
	}
	if got := strings.TrimSpace(string(out)); got != own {
		return fmt.Errorf("%s as set-user-id root: it takes a user namespace (%s)", p.name, got)
	}
	return nil
}

// possible reports whether a work can be measured for launchers of a user.
func (p *place) possible(uid int) error {
	switch {
	case p == nil:
		return nil
	case p.root && os.Getuid() != 0:
		return errors.New("needs root")
	case p.user && uid == 0:
		return errors.New("needs an ordinary user (-users 12345)")
	}
	return nil
}
