package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cgroup is a cgroup that this process has made.
type cgroup struct {
	dir  string
	open *os.File
}

// hierarchy is where cgroup version 2 is mounted.
type hierarchy struct {
	mount string // the mount point
	root  string // the cgroup that it shows there
}

// errNoCgroup2 is where there is no cgroup version 2 to be seen.
var errNoCgroup2 = errors.New("cgroup version 2 is not mounted")

// findHierarchy reads /proc/self/mountinfo (proc_pid_mountinfo(5)).
func findHierarchy(mountinfo string) (hierarchy, error) {
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		i := slices.Index(fields, "-")
		if i >= 0 && i+1 < len(fields) && len(fields) > 4 && fields[i+1] == "cgroup2" {
			return hierarchy{unescape(fields[4]), unescape(fields[3])}, nil
		}
	}
	return hierarchy{}, errNoCgroup2
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// ownCgroup reads /proc/self/cgroup (cgroups(7)) for the path in version 2.
func ownCgroup(text string) (string, error) {
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSuffix(path, "\n"), nil
		}
	}
	return "", errNoCgroup2
}

// whereWeAre returns the directory of this process's cgroup, and that of the mount.
func whereWeAre() (dir, top string, err error) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", "", err
	}
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", "", err
	}
	h, err := findHierarchy(string(info))
	if err != nil {
		return "", "", err
	}
	path, err := ownCgroup(string(text))
	if err != nil {
		return "", "", err
	}
	below, err := filepath.Rel(h.root, path)
	if err != nil || !filepath.IsLocal(below) {
		return "", "", fmt.Errorf("the cgroup %s lies outside of what is mounted on %s", path, h.mount)
	}
	return filepath.Join(h.mount, below), h.mount, nil
}

// makeCgroup makes a cgroup with the limits, below that of this process or one above it.
func makeCgroup(l limits) (*cgroup, error) {
	dir, top, err := whereWeAre()
	if err != nil {
		return nil, err
	}
	first := error(nil)
	for own := true; ; own = false {
		if own || mayUse(dir) {
			g, err := makeBelow(dir, l)
			if err == nil {
				return g, nil
			}
			if first == nil {
				first = err
			}
		}
		if dir == top || len(dir) <= 1 {
			return nil, first
		}
		dir = filepath.Dir(dir)
	}
}

// mayUse reports whether a directory above our cgroup is for those below it. Where systemd runs,
// each directory has one owner: systemd, or the service that it was delegated to (Delegate= in
// systemd.resource-control(5)), which may be another systemd.
func mayUse(dir string) bool {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return true
	}
	if _, err := os.Stat(filepath.Join(dir, "init.scope")); err == nil {
		return false
	}
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		var value [2]byte
		if n, err := unix.Getxattr(dir, name, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// makeBelow makes a cgroup in a directory, and writes its limits. It undoes what it has done where
// something fails.
func makeBelow(parent string, l limits) (_ *cgroup, err error) {
	if err := enable(parent, l.controllers()); err != nil {
		return nil, err
	}
	removeAbandoned(parent, time.Now().Add(-time.Minute))
	dir := filepath.Join(parent, fmt.Sprintf("%s-%d-%d", program, os.Getpid(), time.Now().UnixNano()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	g := &cgroup{dir: dir}
	defer func() {
		if err != nil {
			g.remove()
		}
	}()
	for _, f := range l.files() {
		if err := write(dir, f.name, f.text); err != nil {
			return nil, err
		}
	}
	if l.memory != 0 {
		if err := write(dir, "memory.swap.max", "0"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	if err := l.holds(dir); err != nil {
		return nil, err
	}
	if err := unix.Access(filepath.Join(parent, "cgroup.procs"), unix.W_OK); err != nil {
		return nil, &os.PathError{Op: "write", Path: filepath.Join(parent, "cgroup.procs"), Err: err}
	}
	if g.open, err = os.Open(dir); err != nil {
		return nil, err
	}
	// It says that this process lives: see removeAbandoned.
	return g, unix.Flock(int(g.open.Fd()), unix.LOCK_EX)
}

// removeAbandoned removes the cgroups in a directory that this program has made before the given
// time, if nothing runs in them and the process that made them has been killed.
func removeAbandoned(parent string, before time.Time) {
	for _, dir := range cgroupsIn(parent) {
		name, ours := strings.CutPrefix(filepath.Base(dir), program+"-")
		_, at, _ := strings.Cut(name, "-")
		made, err := strconv.ParseInt(at, 10, 64)
		if !ours || err != nil || made >= before.UnixNano() {
			continue // it may have no lock yet
		}
		f, err := os.Open(dir)
		if err != nil {
			continue
		}
		events, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
		if err == nil && strings.Contains(string(events), "populated 0\n") && unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = removeTree(dir)
		}
		_ = f.Close()
	}
}

// enable passes controllers on to the cgroups below a directory.
func enable(dir string, names []string) error {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	have := strings.Fields(string(text))
	text, err = os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	available := strings.Fields(string(text))
	for _, name := range names {
		switch {
		case slices.Contains(have, name):
			continue
		case !slices.Contains(available, name):
			return fmt.Errorf("the controller %s is not available in %s (cgroup.controllers)", name, dir)
		}
		if err := write(dir, "cgroup.subtree_control", "+"+name); err != nil {
			return fmt.Errorf("the controller %s cannot be enabled: %w", name, err)
		}
	}
	return nil
}

func write(dir, name, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// catch takes the signals that are passed on, and those that come to the command from the terminal
// too. Those that the caller ignores stay ignored.
func catch() chan os.Signal {
	signals := make(chan os.Signal, 16)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2} {
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	return signals
}

// caught returns the status for a signal that has come, or 0.
func caught(signals chan os.Signal) int {
	select {
	case sig := <-signals:
		return statusPerSignal + int(sig.(syscall.Signal))
	default:
		return 0
	}
}

// run runs the command in the cgroup, and removes that with all that is left in it. The command
// does not run if a signal has come already.
func (g *cgroup) run(path string, words []string, signals chan os.Signal) (status int, err error) {
	defer g.remove()
	cmd := &exec.Cmd{
		Path: path, Args: words, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, ExtraFiles: inherited(),
		SysProcAttr: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(g.open.Fd()), Pdeathsig: syscall.SIGKILL},
	}
	if status := caught(signals); status != 0 {
		return status, nil
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return statusNotFound, err
		}
		return statusNotRun, err
	}
	// Signals of the terminal come to the command too; the others are passed on.
	go func() {
		for sig := range signals {
			if sig != syscall.SIGINT && sig != syscall.SIGQUIT {
				_ = cmd.Process.Signal(sig)
			}
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return statusFailed, err
	}
	if ended := cmd.ProcessState.Sys().(syscall.WaitStatus); ended.Signaled() {
		return statusPerSignal + int(ended.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// inherited returns the descriptors from 3 on that the caller has passed, each in its place: a
// gap ends the list that os/exec takes, so it is filled with nil.
func inherited() (files []*os.File) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || n < 3 {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue // ours
		}
		for len(files) <= n-3 {
			files = append(files, nil)
		}
		files[n-3] = os.NewFile(uintptr(n), e.Name())
	}
	return files
}

// remove kills what is left in the cgroup and in those below it, and removes them.
func (g *cgroup) remove() {
	for range 1000 {
		if err := removeTree(g.dir); err != unix.EBUSY {
			break
		}
		if write(g.dir, "cgroup.kill", "1") != nil { // before Linux 5.14
			killTree(g.dir)
		}
		time.Sleep(time.Millisecond)
	}
	if g.open != nil {
		_ = g.open.Close()
	}
}

// removeTree removes a cgroup and those below it, as far as nothing runs in them.
func removeTree(dir string) error {
	for _, below := range cgroupsIn(dir) {
		_ = removeTree(below)
	}
	return unix.Rmdir(dir)
}

// killTree kills the processes of a cgroup and of those below it one by one.
func killTree(dir string) {
	for _, below := range cgroupsIn(dir) {
		killTree(below)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for _, word := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// cgroupsIn returns the directories of the cgroups right below one.
func cgroupsIn(dir string) (list []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list
}
