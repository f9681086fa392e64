package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// limits are what the command may have; 0 stands for no limit.
type limits struct {
	memory uint64        // bytes, swap included
	tasks  uint64        // processes and threads
	cpus   time.Duration // processor time per second
}

// period is that of cpu.max.
const period = 100 * time.Millisecond

// file is a file of a cgroup and what is written to it.
type file struct{ name, text string }

// files returns the files of a cgroup that l asks for.
func (l limits) files() (list []file) {
	if l.memory != 0 {
		list = append(list, file{"memory.max", strconv.FormatUint(l.memory, 10)})
	}
	if l.tasks != 0 {
		list = append(list, file{"pids.max", strconv.FormatUint(l.tasks, 10)})
	}
	if l.cpus != 0 {
		quota := l.cpus / time.Duration(time.Second/period)
		list = append(list, file{"cpu.max", fmt.Sprintf("%d %d", quota.Microseconds(), period.Microseconds())})
	}
	return list
}

// controllers returns the names of the controllers that the files belong to.
func (l limits) controllers() (names []string) {
	for _, f := range l.files() {
		name, _, _ := strings.Cut(f.name, ".")
		names = append(names, name)
	}
	return names
}

// none reports whether there is no limit.
func (l limits) none() bool { return l == limits{} }

// holds reads the files of a cgroup, and returns an error where one says more than l.
func (l limits) holds(dir string) error {
	for _, f := range l.files() {
		text, err := os.ReadFile(filepath.Join(dir, f.name))
		if err != nil {
			return fmt.Errorf("the limit is not in force: %w", err)
		}
		if have := strings.TrimSpace(string(text)); !within(have, f.text) {
			return fmt.Errorf("the limit is not in force: %s is %s, and should be %s", f.name, have, f.text)
		}
	}
	if l.memory == 0 {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "memory.swap.max"))
	if err == nil && strings.TrimSpace(string(text)) != "0" {
		return errors.New("the limit is not in force: memory.swap.max is not 0")
	}
	return nil // without the file there is no swap that a cgroup could have
}

// within reports whether a limit that a file says is not above the one that was asked for. The
// kernel rounds memory down to whole pages; systemd chooses the period of cpu.max.
func within(have, want string) bool {
	h, w := ratio(have), ratio(want)
	return h > 0 && h <= w*1.000001
}

// ratio returns the number in a file, or the first one divided by the second; 0 is "max", or
// nothing.
func ratio(text string) float64 {
	first, second, two := strings.Cut(text, " ")
	n, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	if !two {
		return n
	}
	d, err := strconv.ParseFloat(second, 64)
	if err != nil || d == 0 {
		return 0
	}
	return n / d
}

// parseMemory reads a number of bytes, with K, M, G or T for powers of 1024.
func parseMemory(word string) (uint64, error) {
	digits, unit := word, uint64(1)
	if i := strings.IndexByte("KMGT", lastByte(word)); i >= 0 {
		digits, unit = word[:len(word)-1], 1<<(10*(i+1))
	}
	n, err := parseNumber(digits, 1<<62/unit)
	if err != nil || n*unit < 4096 {
		return 0, fmt.Errorf("invalid value %q (want a number of bytes from 4096 on, as 512M or 2G)", word)
	}
	return n * unit, nil
}

func lastByte(s string) byte {
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

// parseTasks reads a number of processes and threads.
func parseTasks(word string) (uint64, error) {
	n, err := parseNumber(word, 1<<22) // PID_MAX_LIMIT
	if err != nil || n == 0 {
		return 0, fmt.Errorf("invalid value %q (want a number from 1 to 4194304)", word)
	}
	return n, nil
}

// parseCPUs reads how many processors may be kept busy: 1.5, or 0.01 and more.
func parseCPUs(word string) (time.Duration, error) {
	whole, part, point := strings.Cut(word, ".")
	n, err := parseNumber(whole, 10000)
	micro := uint64(0)
	if err == nil && point {
		if len(part) == 0 || len(part) > 6 {
			err = errNumber
		} else {
			micro, err = parseNumber(part+strings.Repeat("0", 6-len(part)), 999999)
		}
	}
	cpus := time.Duration(n)*time.Second + time.Duration(micro)*time.Microsecond
	if err != nil || cpus < 10*time.Millisecond { // the kernel's least quota is a millisecond
		return 0, fmt.Errorf("invalid value %q (want a number from 0.01 to 10000, such as 1.5)", word)
	}
	return cpus, nil
}

var errNumber = errors.New("not a number")

// parseNumber reads decimal digits, without a sign.
func parseNumber(word string, most uint64) (uint64, error) {
	if word == "" || strings.Trim(word, "0123456789") != "" {
		return 0, errNumber
	}
	n, err := strconv.ParseUint(word, 10, 64)
	if err != nil || n > most {
		return 0, errNumber
	}
	return n, nil
}
