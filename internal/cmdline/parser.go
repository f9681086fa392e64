package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
)

// Parser reads the words of a command line. Use it as follows: fill in a zero Parser with
// [Parser.Start], then call [Parser.Run] until it is [Done] or has [Failed], with what it
// asks for in between.
type Parser struct {
	Spec  flat.Spec
	Fault Fault
	Items int // of the list that Run is given, so many are in use

	// What Run asks for.
	FD     int32  // the descriptor
	Limit  uint32 // more bytes than these are too many
	Filter bool   // what it holds is to be a seccomp filter: see Known.Bad

	at, end     flat.Word // the words that are left
	outer, last flat.Word // those of the command line, while a file's are read
	inFile      bool
	settled     bool // the options have been read

	dashes  bool      // "--" has ended the options
	typed   flat.Word // the last option of the command line itself
	dropped flat.Word // the first word of a file's that is not an option

	option  uint8     // the current option
	from    flat.Word // where it stands
	args    flat.Word // its first operand
	after   flat.Word // what follows the last one
	perms   uint32
	size    uint64
	pending uint8 // pendingPerms, pendingSize
	layers  uint32
	given   [2]uint64 // scalar options seen, by index
	counted flat.Word // the last one of them

	// What is left to the end, since a later use of the same option takes its place.
	late   [16]Fault // of options that name a descriptor, by their flat.FD; see lateFilter
	filter Fault     // where the --seccomp that counts stands; its Word is 0 if there is none
	slot   int       // index of its items
}

// lateFilter is --seccomp's place in late.
const lateFilter = 15

// A Parser's pending modifiers.
const (
	pendingPerms = 1 << iota
	pendingSize
)

// Status is the result of Run.
type Status uint8

// Statuses. A caller that is asked for something gives it, and calls Run again.
const (
	Done   Status = iota
	Failed        // see Parser.Fault
	Full          // the list of items is full: hand over a longer one, which begins with the same
	Ask           // is Parser.FD open, and for writing? Add it to what is known
	Read          // what does Parser.FD hold? Read it, put it at the text's end, and add that to what is known
)

// Known is what the parser has been told about one descriptor.
type Known struct {
	FD    int32
	Open  bool
	Write bool // it can be written
	Read  bool
	Errno uint32    // where it could not be read
	Long  bool      // it holds more than the limit
	Bad   bool      // a filter that the kernel would refuse
	At    flat.Word // what was read: Len bytes of the text, and a NUL
	Len   uint32
}

// Start sets the words to read: those from first on, up to the place behind the last.
func (p *Parser) Start(first, end flat.Word) { p.at, p.end = first, end }

// MaxArgs bounds what --args reads, in bytes.
const MaxArgs = 1 << 28

// Run reads options up to the command. text holds the words, known what is known about
// descriptors; both may be longer at each call. items is filled with what is found.
func (p *Parser) Run(text flat.Text, known []Known, items []flat.Item) Status {
	for !p.settled {
		for p.at < p.end {
			more, s := p.word(text, known, items)
			if s != Done {
				return s
			}
			if !more {
				break
			}
		}
		if p.layers > 0 {
			return p.fail(LayersDangle, 0)
		}
		if !p.inFile {
			break
		}
		if p.at < p.end {
			p.dropped = p.at
		}
		// Back to the command line, behind --args.
		p.at, p.end, p.inFile = p.outer, p.last, false
		if p.pending&pendingPerms != 0 {
			return p.fail(PermsDangle, 0)
		}
		if p.pending&pendingSize != 0 {
			return p.fail(SizeDangles, 0)
		}
	}
	p.settled = true
	if s := p.settle(text, known, items); s != Done {
		return s
	}
	return p.command(text)
}

// settle does what was left to the end of the options.
func (p *Parser) settle(text flat.Text, known []Known, items []flat.Item) Status {
	for i := range p.late {
		if p.late[i].Code != None {
			p.Fault = p.late[i]
			return Failed
		}
	}
	if p.filter.Word == 0 {
		return Done
	}
	p.option, p.from, p.args = p.filter.Option, p.filter.At, p.filter.Word
	return p.readFilter(text, known, items)
}

// word reads one option and its operands. more is false at the command.
func (p *Parser) word(text flat.Text, known []Known, items []flat.Item) (more bool, s Status) {
	if text.Is(p.at, "--") {
		p.at = text.Next(p.at)
		// In a file "--" ends that file's options alone.
		p.dashes = !p.inFile
		return false, Done
	}
	if !text.Begins(p.at, "-") {
		return false, Done
	}
	if p.Items+3 > len(items) { // the most that one option adds
		return false, Full
	}
	if s = p.find(text); s != Done {
		return false, s
	}
	if !p.inFile {
		p.typed = p.from
	}
	o := &Options[p.option]
	if s = p.fits(o, text); s != Done {
		return false, s
	}
	// Not again where the parser was asked something meanwhile and comes to the same option twice.
	if o.Scalar && p.counted != p.from {
		p.count(items)
	}
	if s = p.do(o, text, known, items); s != Done {
		return false, s
	}
	if p.at == p.from { // it is not --args
		p.at = p.after
	}
	return true, Done
}

// count notes that a scalar option was given, and whether it was before.
func (p *Parser) count(items []flat.Item) {
	p.counted = p.from
	bit := uint64(1) << (p.option & 63)
	set := &p.given[p.option>>6&1]
	if *set&bit != 0 {
		p.add(items, flat.Item{Kind: flat.Warning})
	}
	*set |= bit
}

// find looks the option at p.at up, and its operands.
func (p *Parser) find(text flat.Text) Status {
	p.from = p.at
	word := text.At(p.at)
	name, value := len(word), flat.Word(0)
	for i, c := range word {
		if c == '=' {
			name, value = i, p.at+flat.Word(i)+1
			break
		}
	}
	i := Lookup(word[:name])
	if i < 0 || value != 0 && Options[i].Value == "" {
		return p.fail(UnknownOption, p.at)
	}
	o := &Options[i]
	p.option = uint8(i)
	// --option=VALUE is the only form: a word behind it would be the command.
	if o.Value != "" && !o.Optional && value == 0 {
		return p.fail(WantsValue, 0)
	}
	p.args = text.Next(p.at)
	p.after = p.args
	for range o.Arity() {
		if p.after >= p.end {
			return p.fail(WantsOperands, 0)
		}
		p.after = text.Next(p.after)
	}
	if o.Value != "" {
		p.args = value
	}
	return Done
}

// fits checks the modifiers before the option, and its paths.
func (p *Parser) fits(o *Option, text flat.Text) Status {
	if p.layers > 0 && !o.Layer {
		return p.fail(LayersDangle, 0)
	}
	if !o.Modifies && o.do != doArgs {
		if p.pending&pendingPerms != 0 && o.Takes&TakesPerms == 0 {
			return p.fail(PermsDangle, 0)
		}
		if p.pending&pendingSize != 0 && o.Takes&TakesSize == 0 {
			return p.fail(SizeDangles, 0)
		}
	}
	if !o.Paths {
		return Done
	}
	// FD and OCTAL come before a path, and are not one.
	n, skip := o.Arity(), 0
	if n > 1 && (o.begins("FD") || o.begins("OCTAL")) {
		skip = 1
	}
	w := p.args
	for i := range n {
		if i >= skip && text.Is(w, "") {
			p.fail(EmptyPath, w)
			p.Fault.N = uint32(i)
			return Failed
		}
		w = text.Next(w)
	}
	return Done
}

// command settles what is left: the command.
func (p *Parser) command(text flat.Text) Status {
	if p.at >= p.end {
		p.fail(NoCommand, p.dropped)
		// The message names the last option, whose operand the command may have become; after "--"
		// there is no doubt.
		if p.Fault.At = p.typed; p.dashes {
			p.Fault.At = 0
		}
		return Failed
	}
	p.Spec.Command = p.at
	for w := p.at; w < p.end; w = text.Next(w) {
		p.Spec.Args++
	}
	return Done
}

// fail ends parsing with a fault of the current option.
func (p *Parser) fail(code Code, w flat.Word) Status {
	p.Fault = Fault{Code: code, Option: p.option, At: p.from, Word: w}
	return Failed
}

// add appends an item of the current option.
func (p *Parser) add(items []flat.Item, i flat.Item) {
	i.From = p.from
	items[p.Items] = i
	p.Items++
}
