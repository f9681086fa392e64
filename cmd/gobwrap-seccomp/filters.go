package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/seccomp/bpf"
	"github.com/gobwrap/gobwrap/seccomp/profile"
)

func builtins() []string { return seccomp.Builtins() }

// read reads a file, or standard input, but no more than limit bytes.
func (t *tool) read(path string, limit int64) ([]byte, error) {
	in := t.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, about(path, fmt.Errorf("there are more than %d bytes", limit))
	}
	return data, nil
}

// filter reads a filter: a built-in one by its name, for the kernel that arch belongs
// to, any other from a file.
func (t *tool) filter(name string, a bpf.Arch) (bpf.Program, error) {
	var code []byte
	var err error
	if slices.Contains(builtins(), name) {
		machine := "amd64"
		if a == bpf.AArch64 || a == bpf.ARM {
			machine = "arm64"
		}
		code, _ = seccomp.Builtin(name, machine)
	} else if code, err = t.read(name, seccomp.MaxInstructions*seccomp.Size); err != nil {
		return nil, err
	}
	p, err := bpf.Load(code)
	return p, about(name, err)
}

// entry returns the --arch of the commands that take a filter.
func entry(args []string) (bpf.Arch, []string, error) {
	var name string
	rest, err := options(args, func(set *flag.FlagSet) { set.StringVar(&name, "arch", runtime.GOARCH, "") })
	if err != nil {
		return bpf.Arch{}, nil, err
	}
	a, ok := bpf.ParseArch(name)
	if !ok {
		return a, nil, fmt.Errorf("unknown architecture %q (want x86_64, x86, x32, aarch64 or arm)", name)
	}
	return a, rest, nil
}

func (t *tool) dump(args []string) error {
	a, rest, err := entry(args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return errUsage
	}
	p, err := t.filter(rest[0], a)
	if err != nil {
		return err
	}
	return t.print(p.Dump(profile.Name))
}

func (t *tool) test(args []string) error {
	a, rest, err := entry(args)
	if err != nil {
		return err
	}
	if len(rest) < 2 || len(rest) > 2+6 {
		return errUsage
	}
	p, err := t.filter(rest[0], a)
	if err != nil {
		return err
	}
	d := bpf.Data{Arch: a.Audit}
	if d.NR, err = call(a, rest[1]); err != nil {
		return err
	}
	for i, word := range rest[2:] {
		if d.Args[i], err = argument(word); err != nil {
			return err
		}
	}
	return t.print(bpf.Answer(p.Run(d)) + "\n")
}

// call reads a name, or a number as it stands in the register.
func call(a bpf.Arch, word string) (int32, error) {
	if word != "" && strings.Trim(word[:1], "0123456789-") == "" {
		n, err := strconv.ParseInt(word, 0, 64)
		if err != nil || n < -1<<31 || n > 1<<32-1 {
			return 0, fmt.Errorf("%q is not the number of a system call", word)
		}
		return int32(uint32(n)), nil
	}
	return profile.Number(a, word)
}

// argument reads a register's value: a number of 64 bits, or a negative one, as in C.
func argument(word string) (uint64, error) {
	n, err := strconv.ParseUint(word, 0, 64)
	if errors.Is(err, strconv.ErrSyntax) {
		var s int64
		s, err = strconv.ParseInt(word, 0, 64)
		n = uint64(s)
	}
	if err != nil {
		return 0, fmt.Errorf("invalid argument %q (want a number of 64 bits)", word)
	}
	return n, nil
}
