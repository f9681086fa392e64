package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

type (
	spec       = sandbox.Spec
	namespaces = sandbox.Namespaces
	setter     = func(*parser) error
)

func flag(where func(*options) *bool) setter {
	return func(p *parser) error {
		*where(&p.opts) = true
		return nil
	}
}

func wish(where func(*namespaces) *sandbox.Wish, w sandbox.Wish) setter {
	return func(p *parser) error {
		if have := where(&p.opts.spec.Namespaces); w != sandbox.Try || *have != sandbox.Want {
			*have = w
		}
		return nil
	}
}

func text(where func(*spec) *sandbox.Text) setter {
	return func(p *parser) error {
		*where(&p.opts.spec) = p.word()
		return nil
	}
}

// word is the operand of the option at work.
func (p *parser) word() sandbox.Text {
	t := sandbox.SetText(p.args[0])
	t.From = p.origin()
	return t
}

func id(what string, where func(*sandbox.Identity) *sandbox.ID) setter {
	return func(p *parser) error {
		n, ok := decimal(p.args[0], 32)
		if !ok || n == 1<<32-1 { // (uid_t)-1 is no id
			return errors.New("Invalid " + what + ": " + p.args[0])
		}
		*where(&p.opts.spec.Identity) = sandbox.SetID(uint32(n))
		return nil
	}
}

// mapRootUser is short for three options.
func (p *parser) mapRootUser() error {
	root := sandbox.SetID(0)
	p.opts.spec.Identity.UID, p.opts.spec.Identity.GID = root, root
	p.opts.spec.Namespaces.User = sandbox.Want
	return nil
}

func (p *parser) mapAuto() error {
	p.opts.spec.Identity.MapAuto = true
	p.opts.spec.Namespaces.User = sandbox.Want
	return nil
}

func mapLine(where func(*sandbox.Identity) *[]sandbox.MapLine) setter {
	return func(p *parser) error {
		r, err := idmap.ParseRange(p.args[0])
		if err != nil {
			return errors.New(p.opt.name + ": " + err.Error())
		}
		lines := where(&p.opts.spec.Identity)
		*lines = append(*lines, sandbox.MapLine{Range: r, From: p.origin()})
		p.opts.spec.Namespaces.User = sandbox.Want
		return nil
	}
}

// modes are the values of --mode.
//
//nolint:gochecknoglobals // read-only table
var modes = map[string]sandbox.Mode{"auto": sandbox.Auto, "direct": sandbox.Direct, "setuid": sandbox.Setuid}

func (p *parser) mode() error {
	m, ok := modes[p.args[0]]
	if !ok {
		return errors.New("--mode: " + strconv.Quote(p.args[0]) + " is none of auto, direct, setuid")
	}
	p.opts.spec.Mode = m
	return nil
}

func (p *parser) setupStatus() error {
	n, ok := decimal(p.args[0], 8)
	if !ok || n == 0 {
		return errors.New("--setup-exit-status takes a number from 1 to 255")
	}
	p.opts.spec.Report.FailStatus = uint8(n)
	return nil
}

func (p *parser) fallbackProc() error {
	switch p.args[0] {
	case "none":
		p.opts.spec.ProcFallback = mounts.Empty
	case "bind":
		p.opts.spec.ProcFallback = mounts.BindOuter
	default:
		return errors.New("--fallback-proc: " + strconv.Quote(p.args[0]) + " is none of none, bind")
	}
	return nil
}

// decimal reads a plain number: digits only, in range.
func decimal(s string, bits int) (uint64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, bits)
	return n, err == nil
}

func octal(s string) (uint32, bool) {
	if s == "" || s[0] < '0' || s[0] > '7' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 8, 32)
	return uint32(n), err == nil && n <= 0o7777
}

// add appends a file operation with what the modifiers in front of it said.
func (p *parser) add(op mounts.Op) error {
	op.From = p.origin()
	if p.perms.Given() {
		op.Perms = p.perms
	}
	op.Size = p.size
	p.perms, p.size = mounts.Perms{}, 0
	p.opts.spec.Files = append(p.opts.spec.Files, op)
	return nil
}

func at(kind mounts.Kind) setter {
	return func(p *parser) error { return p.add(mounts.Op{Kind: kind, Dest: p.args[0]}) }
}

func bind(a mounts.Access, try bool) setter {
	return func(p *parser) error {
		if err := passedSource(p.args[0]); err != nil {
			if try {
				return nil
			}
			return err
		}
		return p.add(mounts.Op{Kind: mounts.Bind, Source: p.args[0], Dest: p.args[1], Access: a, Try: try})
	}
}

func bindFD(a mounts.Access) setter {
	return func(p *parser) error {
		fd, err := p.fd(p.args[0])
		if err != nil {
			return err
		}
		p.use(fd)
		return p.add(mounts.Op{Kind: mounts.BindFD, FD: mounts.SetFD(fd), Dest: p.args[1], Access: a})
	}
}

func dataFD(kind mounts.Kind, a mounts.Access) setter {
	return func(p *parser) error {
		fd, err := p.dataFD(p.args[0])
		if err != nil {
			return err
		}
		return p.add(mounts.Op{Kind: kind, FD: mounts.SetFD(fd), Dest: p.args[1], Access: a})
	}
}

func (p *parser) symlink() error {
	return p.add(mounts.Op{Kind: mounts.Symlink, Target: p.args[0], Dest: p.args[1]})
}

func (p *parser) chmod() error {
	mode, ok := octal(p.args[0])
	if !ok {
		return errors.New("--chmod takes an octal argument <= 07777")
	}
	return p.add(mounts.Op{Kind: mounts.Chmod, Dest: p.args[1], Perms: mounts.Mode(mode)})
}

func (p *parser) permsOption() error {
	if p.perms.Given() {
		return errors.New("--perms given twice for the same action")
	}
	mode, ok := octal(p.args[0])
	if !ok {
		return errors.New("--perms takes an octal argument <= 07777")
	}
	p.perms = mounts.Mode(mode)
	return nil
}

func (p *parser) sizeOption() error {
	if p.size != 0 {
		return errors.New("--size given twice for the same action")
	}
	n, ok := decimal(p.args[0], 64)
	if !ok || n == 0 || n > 1<<63-1 {
		return errors.New("--size takes a non-zero number of bytes")
	}
	p.size = n
	return nil
}

func (p *parser) overlaySrc() error {
	if len(p.layers) >= maxLayers {
		return errors.New("--overlay-src: at most " + strconv.Itoa(maxLayers) + " layers fit into one overlay")
	}
	p.layers = append(p.layers, p.args[0])
	return passedSource(p.args[0])
}

func overlay(w mounts.Writes) setter {
	return func(p *parser) error {
		op := mounts.Op{Kind: mounts.Overlay, Dest: p.args[len(p.args)-1], Layers: p.layers, Writes: w}
		p.layers = nil
		switch {
		case len(op.Layers) == 0:
			return errors.New(p.opt.name + " requires at least one --overlay-src")
		case w == mounts.Refused && len(op.Layers) < 2:
			return errors.New("--ro-overlay requires at least two --overlay-src")
		case w == mounts.Kept:
			if err := errors.Join(passedSource(p.args[0]), passedSource(p.args[1])); err != nil {
				return err
			}
			op.Upper, op.Work = p.args[0], p.args[1]
		}
		return p.add(op)
	}
}

func (p *parser) unshareAll() error {
	n := &p.opts.spec.Namespaces
	n.IPC, n.PID, n.Net, n.UTS = sandbox.Want, sandbox.Want, sandbox.Want, sandbox.Want
	n.User, n.Cgroup = max(n.User, sandbox.Try), max(n.Cgroup, sandbox.Try)
	return nil
}

func (p *parser) newSession() error {
	p.opts.spec.Session.New = sandbox.Want
	return nil
}

func (p *parser) clearenv() error { return p.env(sandbox.EnvOp{Clear: true}) }

func (p *parser) setenv() error {
	if !envName(p.args[0]) {
		return errors.New("setenv failed: " + strconv.Quote(p.args[0]) + " is no name of a variable")
	}
	return p.env(sandbox.EnvOp{Name: p.args[0], Value: p.args[1]})
}

func (p *parser) unsetenv() error {
	if !envName(p.args[0]) {
		return errors.New("unsetenv failed: " + strconv.Quote(p.args[0]) + " is no name of a variable")
	}
	return p.env(sandbox.EnvOp{Name: p.args[0], Unset: true})
}

func envName(s string) bool { return s != "" && !strings.Contains(s, "=") }

func (p *parser) env(op sandbox.EnvOp) error {
	p.opts.spec.Env = append(p.opts.spec.Env, op)
	return nil
}

func (p *parser) argv0() error {
	if p.opts.spec.Command.Argv0.Given() {
		return errors.New("--argv0 used multiple times")
	}
	p.opts.spec.Command.Argv0 = p.word()
	return nil
}

func (p *parser) lockFile() error {
	s := &p.opts.spec.Session
	s.Locks = append(s.Locks, sandbox.LockFile{Path: p.args[0], From: p.origin()})
	return nil
}

func capEdit(drop bool) setter {
	return func(p *parser) error {
		caps, ok := idmap.ParseCap(p.args[0])
		if !ok {
			return errors.New("unknown cap: " + p.args[0])
		}
		i := &p.opts.spec.Identity
		i.Caps = append(i.Caps, sandbox.CapEdit{Drop: drop, Caps: caps})
		return nil
	}
}
