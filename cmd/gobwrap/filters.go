package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/plan"
	"github.com/gobwrap/gobwrap/seccomp"
)

// seccomp replaces the filter of an earlier --seccomp, if there was one: the last counts,
// where it stands.
func (p *parser) seccomp() error {
	if p.given["--add-seccomp-fd"] {
		return errors.New("--seccomp cannot be combined with --add-seccomp-fd")
	}
	f, err := p.filter()
	if err != nil {
		return err
	}
	l := &p.opts.spec.Lockdown
	l.Filters = slices.DeleteFunc(l.Filters, func(f sandbox.Filter) bool { return f.From.Words[0] == "--seccomp" })
	l.Filters = append(l.Filters, f)
	return nil
}

func (p *parser) addSeccomp() error {
	if p.given["--seccomp"] {
		return errors.New("--add-seccomp-fd cannot be combined with --seccomp")
	}
	p.given["--add-seccomp-fd"] = true
	f, err := p.filter()
	if err != nil {
		return err
	}
	l := &p.opts.spec.Lockdown
	l.Filters = append(l.Filters, f)
	return nil
}

func (p *parser) filter() (sandbox.Filter, error) {
	fd, err := p.dataFD(p.args[0])
	if err != nil {
		return sandbox.Filter{}, err
	}
	p.read(fd)
	data, err := readAll(fd, 8*(plan.MaxFilter+1))
	if err != nil {
		return sandbox.Filter{}, errors.New("Can't read seccomp data: " + err.Error())
	}
	if err := seccomp.Check(data); err != nil {
		return sandbox.Filter{}, errors.New(p.opt.name + " " + p.args[0] + ": " + err.Error())
	}
	return sandbox.Filter{BPF: data, From: p.origin()}, nil
}

// seccompProfile takes a built-in profile at once. A file is compiled when all options
// are known: the command's capabilities are among the things that profiles ask about.
func (p *parser) seccompProfile() error {
	f := sandbox.Filter{Profile: p.args[0], From: p.origin()}
	if !strings.Contains(f.Profile, "/") {
		bpf, err := seccomp.Named(f.Profile)
		if err != nil {
			return errors.New(p.opt.name + ": " + err.Error())
		}
		f.BPF, f.Profile = bpf, ""
	}
	l := &p.opts.spec.Lockdown
	l.Filters = append(l.Filters, f)
	return nil
}
