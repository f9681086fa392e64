package main

import (
	"errors"
	"strings"

	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// errUsage asks for the usage text instead of a sentence; errNoCommand is what programs
// are told then.
var (
	errUsage     = errors.New("usage")
	errNoCommand = &sandbox.SetupError{Stage: "options", Err: sentence("No command given")}
)

// sentence is an error in bubblewrap's words, capital and all.
type sentence string

func (s sentence) Error() string { return string(s) }

// answered ends parsing with a text for standard output.
type answered struct {
	text   string
	status int
}

func (answered) Error() string { return "answered" }

// parse reads a command line. A caller may start us without even argv[0].
func parse(argv []string) (*options, error) {
	p := &parser{words: argv[min(1, len(argv)):], given: map[string]bool{}, data: map[int]string{}, usesN: map[int]bool{}}
	p.opts.spec = likeBubblewrap()
	if err := p.run(); err != nil {
		return &p.opts, err
	}
	if len(p.words) == 0 {
		return &p.opts, errUsage
	}
	p.opts.spec.Command.Args = p.words
	return &p.opts, nil
}

// run reads options up to the command, which is left in p.words.
func (p *parser) run() error {
	for len(p.words) > 0 {
		word := p.words[0]
		if word == "--" {
			p.words = p.words[1:]
			break
		}
		if !strings.HasPrefix(word, "-") {
			break
		}
		if err := p.option(word); err != nil {
			return err
		}
	}
	if len(p.layers) > 0 {
		return errLayer
	}
	return nil
}

var errLayer = errors.New("--overlay-src must be followed by another --overlay-src or one of --overlay, --tmp-overlay, or --ro-overlay")

// option reads one option and its operands.
func (p *parser) option(word string) error {
	name, value, given := strings.Cut(word, "=")
	o := lookup(name)
	if o == nil || given && o.value == "" {
		return errors.New("Unknown option " + word)
	}
	if o.value != "" && !o.optional && !given {
		return errors.New(name + " takes a value: " + name + "=" + o.value)
	}
	n := len(strings.Fields(o.operands))
	if len(p.words) <= n {
		return errors.New(word + arity(o))
	}
	p.opt, p.args, p.words = o, p.words[1:1+n], p.words[1+n:]
	if given {
		p.args = []string{value}
	}
	if err := p.fits(); err != nil {
		return err
	}
	if o.scalar {
		if p.given[name] {
			p.opts.warnings = append(p.opts.warnings, "Only the last "+name+" option will take effect")
		}
		p.given[name] = true
	}
	return o.set(p)
}

// arity words what an option takes.
func arity(o *option) string {
	switch n := len(strings.Fields(o.operands)); {
	case n == 3:
		return " takes three arguments"
	case n == 2:
		return " takes two arguments"
	case o.name == "--chdir" || o.name == "--remount-ro":
		return " takes one argument"
	default:
		return " takes an argument"
	}
}

// fits checks what stands in front of an option, and its paths.
func (p *parser) fits() error {
	o := p.opt
	if len(p.layers) > 0 && !o.layer {
		return errLayer
	}
	if !o.modifies && o.name != "--args" {
		if p.perms.Given() && o.takes&takesPerms == 0 {
			return errPerms
		}
		if p.size != 0 && o.takes&takesSize == 0 {
			return errSize
		}
	}
	if o.paths {
		first := 0
		if len(p.args) > 1 && (strings.HasPrefix(o.operands, "FD") || strings.HasPrefix(o.operands, "OCTAL")) {
			first = 1
		}
		for i, arg := range p.args[first:] {
			if arg == "" {
				return errors.New(o.name + ": " + strings.Fields(o.operands)[first+i] + " must not be empty")
			}
		}
	}
	return nil
}

var (
	errPerms = errors.New("--perms must be followed by an option that creates a file")
	errSize  = errors.New("--size must be followed by --tmpfs")
)

// origin is the option at work, for messages and listings.
func (p *parser) origin() plan.Origin {
	return plan.Origin{Words: append([]string{p.opt.name}, p.args...)}
}
