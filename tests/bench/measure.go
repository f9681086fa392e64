package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// row is what was measured of one work, a median for each program.
type row struct {
	work
	uid     int
	runs    int
	unit    string
	medians []float64
}

// measureAll measures every work with launchers of one user; the slow ones only for
// the first user of the list.
func (b *bench) measureAll(uid int, first bool) error {
	for _, w := range works() {
		if !strings.Contains(w.name, b.only) || !first && w.slow > 1 {
			continue
		}
		if w.host > 0 && os.Getuid() != 0 {
			fmt.Fprintf(os.Stderr, "bench: left out, needs root: %s\n", w.name)
			continue
		}
		if err := b.measure(w, uid); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	if !strings.Contains("memory", b.only) {
		return nil
	}
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "bench: left out, needs root (PID 1 is not readable for others): memory")
		return nil
	}
	return b.memory(uid)
}

// measure runs one work, on a thread of its own where that needs another view of the
// file system: a clone inherits its thread's mount namespace.
func (b *bench) measure(w work, uid int) error {
	if w.host == 0 {
		return b.takeTurns(w, uid)
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		err := b.crowdHost(w.host)
		if err == nil {
			err = b.takeTurns(w, uid)
		}
		done <- err
	}()
	return <-done
}

// crowdHost puts n mounts into a mount namespace of this thread.
func (b *bench) crowdHost(n int) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making / private: %w", err)
	}
	for i := range n {
		dir := filepath.Join(b.scratch, "mounts", strconv.Itoa(i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("bench", dir, "tmpfs", 0, "size=4k,mode=755"); err != nil {
			return fmt.Errorf("mount %d: %w", i, err)
		}
	}
	return nil
}

// takeTurns lets the programs run a work one after the other, each round in another
// order, and keeps the medians.
func (b *bench) takeTurns(w work, uid int) error {
	l, err := w.line(b)
	if err != nil {
		return err
	}
	r := row{work: w, uid: uid, unit: "ms", runs: max(2, b.runs/max(1, w.slow))}
	warm := 2
	if w.slow > 1 {
		warm = 0
	}
	times := make([][]float64, len(b.programs))
	for round := -warm; round < r.runs; round++ {
		for i := range b.programs {
			n := (i + round + warm) % len(b.programs)
			took, err := b.once(w, n, uid, l)
			if err != nil {
				return err
			}
			if round >= 0 {
				times[n] = append(times[n], took)
			}
		}
	}
	for _, t := range times {
		r.medians = append(r.medians, median(t))
	}
	for _, f := range l.files {
		_ = f.Close()
	}
	b.rows = append(b.rows, r)
	fmt.Fprint(os.Stderr, ".")
	return nil
}

// once is one run of a work, in milliseconds.
func (b *bench) once(w work, n, uid int, l line) (float64, error) {
	start := time.Now()
	for range max(1, w.turns) {
		pids := make([]int, max(1, w.crowd))
		for i := range pids {
			var err error
			if pids[i], err = b.start(n, uid, l); err != nil {
				return 0, err
			}
		}
		for _, pid := range pids {
			if err := b.ended(n, pid); err != nil {
				return 0, err
			}
		}
	}
	return float64(time.Since(start).Microseconds()) / 1000, nil
}

// start starts a launcher with a small environment and the files of its line at 3
// and up, each at its beginning.
func (b *bench) start(n, uid int, l line) (int, error) {
	files := []uintptr{0, 1, 2}
	for _, f := range l.files {
		if _, err := f.Seek(0, 0); err != nil {
			return 0, err
		}
		files = append(files, f.Fd())
	}
	attr := &syscall.ProcAttr{Dir: "/", Env: []string{"PATH=/usr/bin:/bin", "HOME=/", "LANG=C"}, Files: files}
	if uid != os.Getuid() {
		attr.Sys = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	argv := []string{b.programs[n].path}
	if n == 1 && b.mode != "" {
		argv = append(argv, "--mode", b.mode)
	}
	return syscall.ForkExec(argv[0], append(argv, l.args...), attr)
}

func (b *bench) ended(n, pid int) error {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	if status != 0 {
		return fmt.Errorf("%s ended with wait status %#x: its message is above", b.programs[n].version, int(status))
	}
	return nil
}

// memory measures what monitor and PID 1 hold while a sandbox idles: the sum of
// their Pss, in KiB, a second after the start.
func (b *bench) memory(uid int) error {
	r := row{work: work{name: "Pss of monitor and PID 1, idle", goal: "≤ 1"}, uid: uid, unit: "KiB", runs: 3}
	args := append([]string{"--die-with-parent"}, fullArgs...)
	l := line{args: append(args, b.payload, "wait")}
	for n := range b.programs {
		var sums []float64
		for range r.runs {
			sum, err := b.idle(n, uid, l)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			sums = append(sums, sum)
		}
		r.medians = append(r.medians, median(sums))
	}
	b.rows = append(b.rows, r)
	fmt.Fprint(os.Stderr, ".")
	return nil
}

func (b *bench) idle(n, uid int, l line) (float64, error) {
	pid, err := b.start(n, uid, l)
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // --die-with-parent takes the rest along
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}()
	time.Sleep(time.Second)
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	children := strings.Fields(string(list))
	if len(children) != 1 {
		return 0, fmt.Errorf("%s has %d children instead of one", b.programs[n].version, len(children))
	}
	monitor, err := pss(strconv.Itoa(pid))
	if err != nil {
		return 0, err
	}
	one, err := pss(children[0])
	return monitor + one, err
}

// pss is a process's proportional set size in KiB.
func pss(pid string) (float64, error) {
	data, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
	if err != nil {
		return 0, err
	}
	for text := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(text, "Pss:"); ok {
			return strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
		}
	}
	return 0, errors.New("smaps_rollup has no line Pss")
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
