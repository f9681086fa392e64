package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// row is what was measured of one work, a median for each program. One that was not
// launched has NaN, and the reason in missing.
type row struct {
	work
	uid     int
	runs    int
	unit    string
	medians []float64
	missing []string
}

// measureAll measures every work with launchers of one user; some only for the first user
// of the list.
func (b *bench) measureAll(uid int, first bool) error {
	for _, w := range works() {
		if !strings.Contains(w.name, b.only) || !first && w.first {
			continue
		}
		if err := w.place.possible(uid); err != nil {
			fmt.Fprintf(os.Stderr, "bench: left out, %v: %s\n", err, w.name)
			continue
		}
		if err := b.in(w.place, uid, func(launchers []program) error { return b.takeTurns(w, launchers, uid) }); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	if strings.Contains(memoryName, b.only) {
		if os.Getuid() != 0 {
			fmt.Fprintln(os.Stderr, "bench: left out, needs root (PID 1 is not readable for others):", memoryName)
		} else if err := b.memory(uid); err != nil {
			return fmt.Errorf("%s: %w", memoryName, err)
		}
	}
	if first && strings.Contains("counts", b.only) {
		return b.countAll(uid)
	}
	return nil
}

// takeTurns lets the programs run a work one after the other, each round in another
// order, and keeps the medians.
func (b *bench) takeTurns(w work, launchers []program, uid int) error {
	l, err := w.line(b)
	if err != nil {
		return err
	}
	r := row{work: w, uid: uid, unit: "ms", runs: max(2, b.runs/max(1, w.slow))}
	warm := 2
	if w.slow > 1 {
		warm = 0
	}
	times := make([][]float64, len(launchers))
	for round := -warm; round < r.runs; round++ {
		for i := range launchers {
			n := (i + round + warm) % len(launchers)
			if launchers[n].missing != "" {
				continue
			}
			took, err := w.once(launchers[n], uid, l)
			if err != nil {
				return err
			}
			if round >= 0 {
				times[n] = append(times[n], took)
			}
		}
	}
	for _, f := range l.files {
		_ = f.Close()
	}
	b.add(r, launchers, times)
	return nil
}

// add adds a row with the medians of what was measured of each program.
func (b *bench) add(r row, launchers []program, measured [][]float64) {
	for i, p := range launchers {
		r.medians, r.missing = append(r.medians, median(measured[i])), append(r.missing, p.missing)
	}
	b.rows = append(b.rows, r)
	fmt.Fprint(os.Stderr, ".")
}

// once returns one run of a work, in milliseconds.
func (w work) once(p program, uid int, l line) (float64, error) {
	start := time.Now()
	for range max(1, w.turns) {
		pids := make([]int, max(1, w.crowd))
		for i := range pids {
			var err error
			if pids[i], err = p.start(uid, l); err != nil {
				return 0, err
			}
		}
		for _, pid := range pids {
			if err := p.ended(pid); err != nil {
				return 0, err
			}
		}
	}
	return float64(time.Since(start).Microseconds()) / 1000, nil
}

// start starts a launcher with a small environment and the files of its line at 3
// and up, each at its beginning.
func (p program) start(uid int, l line) (int, error) {
	files := []uintptr{0, 1, 2}
	if l.quiet {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return 0, err
		}
		defer null.Close()
		files[1] = null.Fd()
	}
	for _, f := range l.files {
		if _, err := f.Seek(0, 0); err != nil {
			return 0, err
		}
		files = append(files, f.Fd())
	}
	attr := &syscall.ProcAttr{Dir: "/", Env: environment, Files: files}
	if uid != os.Getuid() {
		attr.Sys = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return syscall.ForkExec(p.path, slices.Concat([]string{p.path}, p.before, l.args), attr)
}

func (p program) ended(pid int) error {
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
		return fmt.Errorf("%s ended with wait status %#x: its message is above", p.name, int(status))
	}
	return nil
}

const memoryName = "memory (Pss) of the two waiting processes"

// memory measures what monitor and PID 1 hold while a sandbox idles: the sum of
// their Pss, in KiB, a second after the start. The programs idle at the same time.
func (b *bench) memory(uid int) error {
	r := row{work: work{name: memoryName, goal: "≤ 1"}, uid: uid, unit: "KiB", runs: 3}
	l := line{args: slices.Concat([]string{"--die-with-parent"}, fullArgs, []string{b.payload, "wait"})}
	sums := make([][]float64, len(b.programs))
	for range r.runs {
		if err := b.idle(uid, l, sums); err != nil {
			return err
		}
	}
	b.add(r, b.programs, sums)
	return nil
}

// idle starts each program once, and adds what it holds to its sums.
func (b *bench) idle(uid int, l line, sums [][]float64) error {
	pids := make([]int, len(b.programs))
	for i, p := range b.programs {
		if p.missing != "" {
			continue
		}
		pid, err := p.start(uid, l)
		if err != nil {
			return err
		}
		defer func() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // --die-with-parent takes the rest along
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}()
		pids[i] = pid
	}
	time.Sleep(time.Second)
	for i, pid := range pids {
		if pid == 0 {
			continue
		}
		sum, err := held(pid)
		if err != nil {
			return fmt.Errorf("%s: %w", b.programs[i].name, err)
		}
		sums[i] = append(sums[i], sum)
	}
	return nil
}

// held returns the Pss of a monitor and its PID 1.
func held(pid int) (float64, error) {
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return 0, err
	}
	children := strings.Fields(string(list))
	if len(children) != 1 {
		return 0, fmt.Errorf("it has %d children instead of one", len(children))
	}
	monitor, err := pss(strconv.Itoa(pid))
	if err != nil {
		return 0, err
	}
	one, err := pss(children[0])
	return monitor + one, err
}

// pss returns a process's proportional set size in KiB.
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

// median is NaN where nothing was measured.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
