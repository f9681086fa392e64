package main

import (
	"errors"
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/version"
	"github.com/gobwrap/gobwrap/seccomp"
)

// fault returns the text of a mistake in the command line, with bubblewrap's wording where
// scripts may match it.
func (l *line) fault() error {
	f := &l.Fault
	o := &cmdline.Options[f.Option]
	word := l.word(f.Word)
	switch f.Code {
	case cmdline.AskHelp:
		if f.Word == 0 {
			return answered{text: help(program())}
		}
		text, err := helpOn(word)
		if err != nil {
			return err
		}
		return answered{text: text}
	case cmdline.AskVersion:
		return answered{text: version.Line(program())}
	case cmdline.AskFeatures:
		return answered{text: features()}
	case cmdline.AskDoctor:
		return diagnose(word, f.Word != 0)
	case cmdline.NoCommand:
		return l.noCommand()
	case cmdline.UnknownOption:
		return hinted("Unknown option "+word, suggest(word))
	case cmdline.WantsValue:
		return errors.New(o.Name + " takes a value: " + o.Name + "=" + o.Value)
	case cmdline.WantsOperands:
		return hinted(o.Name+arity(o), "use "+o.Name+" "+o.Operands)
	case cmdline.LayersDangle:
		return errors.New("--overlay-src must be followed by another --overlay-src or one of --overlay, --tmp-overlay, or --ro-overlay")
	case cmdline.PermsDangle:
		return errors.New("--perms must be followed by an option that creates a file")
	case cmdline.SizeDangles:
		return errors.New("--size must be followed by --tmpfs")
	case cmdline.EmptyPath:
		return errors.New(o.Name + ": " + strings.Fields(o.Operands)[f.N] + " must not be empty")
	case cmdline.NotPassed:
		return errors.New("Can't find source path " + word + ": No such file or directory")
	case cmdline.BadUID:
		return errors.New("Invalid uid: " + word)
	case cmdline.BadGID:
		return errors.New("Invalid gid: " + word)
	case cmdline.BadCap:
		return hinted("unknown cap: "+word, suggestCap(word))
	case cmdline.BadRange:
		_, err := idmap.ParseRange(word)
		return errors.New(o.Name + ": " + err.Error())
	case cmdline.BadName:
		return errors.New(o.Name + ": invalid variable name " + strconv.Quote(word))
	case cmdline.Argv0Twice:
		return errors.New("--argv0 used multiple times")
	case cmdline.NoLayers:
		return errors.New(o.Name + " requires at least one --overlay-src")
	case cmdline.OneLayer:
		return errors.New("--ro-overlay requires at least two --overlay-src")
	case cmdline.TooManyLayers:
		return errors.New("--overlay-src: at most " + strconv.Itoa(cmdline.MaxLayers) + " layers fit into one overlay")
	}
	if err := l.badValue(o, word); err != nil {
		return err
	}
	return l.badFD(o, word)
}

// badValue returns the text of a value that an option does not take.
func (l *line) badValue(o *cmdline.Option, word string) error {
	switch l.Fault.Code {
	case cmdline.BadValue:
		return errors.New(o.Name + ": invalid value " + strconv.Quote(word) + " (want " + o.Wants + ")")
	case cmdline.NoProfile:
		_, err := seccomp.Named(word)
		return errors.New(o.Name + ": " + err.Error())
	case cmdline.BadChmod, cmdline.BadPerms:
		return errors.New(o.Name + " takes an octal argument <= 07777")
	case cmdline.PermsTwice, cmdline.SizeTwice:
		return errors.New(o.Name + " given twice for the same action")
	case cmdline.BadSize:
		return errors.New("--size takes a non-zero number of bytes")
	}
	return nil
}

// badFD returns the text of a descriptor that an option does not take, or of what it holds.
func (l *line) badFD(o *cmdline.Option, word string) error {
	f := &l.Fault
	switch f.Code {
	case cmdline.BadFD:
		return errors.New("Invalid fd: " + word)
	case cmdline.ClosedFD:
		return errors.New(notOpen(o.Name, word, ""))
	case cmdline.ReadOnlyFD:
		return errors.New(notOpen(o.Name, word, " for writing"))
	case cmdline.FDTaken:
		said := func(words []string) string { return strings.Join(words, " ") }
		return errors.New(said(l.origin(f.At).Words) + ": fd " + word + " was already used up by " + said(l.origin(f.Other).Words))
	case cmdline.NestedArgs:
		return errors.New("--args not supported in arguments file")
	case cmdline.UnreadableArgs:
		return errors.New("Can't read --args data: " + l.unreadable())
	case cmdline.UnreadableBPF:
		return errors.New("Can't read seccomp data: " + l.unreadable())
	case cmdline.BadBPF:
		return errors.New(o.Name + " " + word + ": " + l.badFilter().Error())
	case cmdline.MixedSeccomp:
		other := map[string]string{"--seccomp": "--add-seccomp-fd", "--add-seccomp-fd": "--seccomp"}[o.Name]
		return errors.New(o.Name + " cannot be combined with " + other)
	}
	return errors.New("internal error, please report: fault " + strconv.Itoa(int(f.Code)) + " of the command line")
}

// notOpen returns the text for a descriptor that an option names.
func notOpen(option, fd, purpose string) string {
	return option + ": fd " + fd + " is not open" + purpose + ": Bad file descriptor"
}

func (l *line) unreadable() string {
	if l.Fault.N == 0 {
		return "there are more than " + strconv.Itoa(int(l.Limit)) + " bytes"
	}
	return capital(syscall.Errno(l.Fault.N).Error())
}

// badFilter returns what is wrong with the filter that was read last.
func (l *line) badFilter() error {
	k := l.known[len(l.known)-1]
	for i := range l.known {
		if l.known[i].FD == l.FD {
			k = l.known[i]
		}
	}
	return seccomp.Check(l.text[k.At:][:k.Len])
}

// arity returns how many arguments an option takes, with bubblewrap's wording.
func arity(o *cmdline.Option) string {
	switch n := o.Arity(); {
	case n == 3:
		return " takes three arguments"
	case n == 2:
		return " takes two arguments"
	case o.Name == "--chdir" || o.Name == "--remount-ro":
		return " takes one argument"
	default:
		return " takes an argument"
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
