package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// count is what one launch takes of the kernel, the payload included: medians.
type count struct {
	work    string
	program program
	tally
}

type tally struct{ calls, faults, switches, made float64 }

// countAll counts for the two lines, with every program in turn.
func (b *bench) countAll(uid int) error {
	if _, err := exec.LookPath("strace"); err != nil {
		return fmt.Errorf("counts: %w (make setup)", err)
	}
	for _, w := range []work{{name: "minimal", line: minimal}, {name: "full", line: full}} {
		l, err := w.line(b)
		if err != nil {
			return err
		}
		seen := make([][]tally, len(b.programs))
		for round := range min(20, max(2, b.runs/5)) {
			for i := range b.programs {
				n := (i + round) % len(b.programs)
				if b.programs[n].missing != "" {
					continue
				}
				t, err := b.count(b.programs[n], uid, l)
				if err != nil {
					return fmt.Errorf("counts: %w", err)
				}
				seen[n] = append(seen[n], t)
			}
		}
		for i, p := range b.programs {
			b.counts = append(b.counts, count{work: w.name, program: p, tally: middle(seen[i])})
		}
		fmt.Fprint(os.Stderr, ".")
	}
	return nil
}

// middle has the median of each number.
func middle(seen []tally) tally {
	of := func(number func(tally) float64) float64 {
		var values []float64
		for _, t := range seen {
			values = append(values, number(t))
		}
		return median(values)
	}
	return tally{
		calls:    of(func(t tally) float64 { return t.calls }),
		faults:   of(func(t tally) float64 { return t.faults }),
		switches: of(func(t tally) float64 { return t.switches }),
		made:     of(func(t tally) float64 { return t.made }),
	}
}

// count launches twice: once for what the kernel counts by itself, and once with strace.
func (b *bench) count(p program, uid int, l line) (tally, error) {
	t, err := b.usage(p, uid, l)
	if err != nil {
		return t, err
	}
	log := filepath.Join(b.scratch, "strace", "log")
	defer os.Remove(log)
	strace, err := exec.LookPath("strace")
	if err != nil {
		return t, err
	}
	tracer := program{name: "strace of " + p.name, path: strace, before: slices.Concat(
		[]string{"-f", "-qq", "-c", "-U", "calls,errors,name", "-o", log, p.path}, p.before)}
	pid, err := tracer.start(uid, l)
	if err == nil {
		err = tracer.ended(pid)
	}
	if err != nil {
		return t, err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return t, err
	}
	t.calls, t.made, err = summary(string(text))
	return t, err
}

// usage counts the page faults and the context switches of all processes of a launch, of
// those too whose parent does not wait for them: they become children of this program.
func (b *bench) usage(p program, uid int, l line) (t tally, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return t, fmt.Errorf("becoming a subreaper: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)) }()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &before); err != nil {
		return t, err
	}
	pid, err := p.start(uid, l)
	if err != nil {
		return t, err
	}
	if err := p.ended(pid); err != nil {
		return t, err
	}
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); errors.Is(err, syscall.ECHILD) {
			break
		} else if err != nil && !errors.Is(err, syscall.EINTR) {
			return t, err
		}
	}
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &after); err != nil {
		return t, err
	}
	t.faults = float64(after.Minflt + after.Majflt - before.Minflt - before.Majflt)
	t.switches = float64(after.Nvcsw + after.Nivcsw - before.Nvcsw - before.Nivcsw)
	return t, nil
}

// summary reads a table of strace's: how many system calls there were, and how many made a
// process. A row is "calls errors name", or "calls name" where none failed.
func summary(table string) (calls, made float64, err error) {
	for text := range strings.Lines(table) {
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		n, err := strconv.ParseFloat(words[0], 64)
		if err != nil { // a head, or a rule
			continue
		}
		switch name := words[len(words)-1]; name {
		case "total":
			return n, made, nil
		case "clone", "clone3", "fork", "vfork":
			made += n
			if len(words) == 3 {
				failed, err := strconv.ParseFloat(words[1], 64)
				if err != nil {
					return 0, 0, fmt.Errorf("strace's summary: %q", text)
				}
				made -= failed
			}
		}
	}
	return 0, 0, errors.New("strace's summary has no total")
}
