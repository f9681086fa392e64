package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
)

// Parser reads the words of a command line. Use it as follows: fill in a zero Parser with
// [Parser.Start], then call [Parser.Run] until it is [Done] or has [Failed], with what it
// asks for in between.
type Parser struct {
	// What has been found so far; complete when Run is Done.
	Spec flat.Spec
	// Why Run has Failed.
	Fault Fault
	// Of the list that Run is given, so many are in use.
	Items int

	// What Run asks for.
	// The descriptor that Ask and Read are about.
	FD int32
	// More bytes than these are too many: one more is enough to know it.
	Limit uint32
	// What it holds is to be a seccomp filter: see Known.Bad.
	Filter bool

	// The words that are left: from at up to end.
	at, end flat.Word
	// Those of the command line, while a file's are read.
	outer, last flat.Word
	// The current words come from an --args file.
	inFile bool
	// The options have been read, and what is left is settle's.
	settled bool

	// "--" has ended the options of the command line.
	dashes bool
	// The last option of the command line itself, for a message that no command follows.
	typed flat.Word
	// The first word of a file's that is not an option; it
	// and the rest of the file have no effect, as with bwrap.
	dropped flat.Word

	// The current option, by index in Options.
	option uint8
	// Where it stands; every item and fault keeps it.
	from flat.Word
	// Its first operand, or its value where that follows "=".
	args flat.Word
	// What follows its last operand.
	after flat.Word
	// The values of --perms and --size, if they are pending.
	perms uint32
	size  uint64
	// pendingPerms, pendingSize: what waits for its operation.
	pending uint8
	// How many --overlay-src wait for their overlay.
	layers uint32
	// Scalar options seen, by their index: two words hold 128 of them, and Options has fewer rows.
	given [2]uint64
	// The last one of them, so that none is counted twice.
	counted flat.Word

	// What is left to the end, since a later use of the same option takes its place.
	late [16]Fault // of options that name a descriptor, by their flat.FD; see lateFilter
	// Where the --seccomp that counts stands; its Word is 0 if there is none.
	filter Fault
	// Index of its two items: the filter, and the descriptor.
	slot int
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
	Done Status = iota
	// See Parser.Fault.
	Failed
	// The list of items is full: hand over a longer one, which begins with the same.
	Full
	// Is Parser.FD open, and for writing? Add it to what is known.
	Ask
	// What does Parser.FD hold? Read it, put it at the text's end, and add that to what is known.
	Read
)

// Known is what the parser has been told about one descriptor.
type Known struct {
	// The descriptor, by its number.
	FD int32
	// The caller has passed it.
	Open bool
	// It can be written.
	Write bool
	// It has been read to its end, or beyond the limit; it cannot be read again.
	Read bool
	// Where it could not be read.
	Errno uint32
	// It holds more than the limit.
	Long bool
	// It holds a filter that the kernel would refuse.
	Bad bool
	// What was read: Len bytes of the text, and a NUL.
	At  flat.Word
	Len uint32
}

// Start sets the words to read: those from first on, up to the place behind the last.
func (p *Parser) Start(first, end flat.Word) { p.at, p.end = first, end }

// MaxArgs bounds what --args reads, in bytes.
const MaxArgs = 1 << 28

// Run reads options up to the command. text holds the words, known what is known about
// descriptors; both may be longer at each call. items is filled with what is found.
func (p *Parser) Run(text flat.Text, known []Known, items []flat.Item) Status {
	// Once for the command line and once more for each file, after which the command line goes on.
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
		// An overlay in another file than its layers cannot be meant.
		if p.layers > 0 {
			return p.fail(LayersDangle, 0)
		}
		// The command line itself is at its end, or at the command.
		if !p.inFile {
			break
		}
		// A file ends at its first word that is not an option.
		if p.at < p.end {
			p.dropped = p.at
		}
		// Back to the command line, behind --args.
		p.at, p.end, p.inFile = p.outer, p.last, false
		// They may come before --args, and count in the file; they must not hang over its end.
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
	// In the order of the descriptors' kinds: of two mistakes any one may be named.
	for i := range p.late {
		if p.late[i].Code != None {
			p.Fault = p.late[i]
			return Failed
		}
	}
	// There is no --seccomp, or the last one was not open, which is a fault above.
	if p.filter.Word == 0 {
		return Done
	}
	// A fault of the filter is one of its option, wherever that stands.
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
	// Also "": an empty word is the command, which then is not found.
	if !text.Begins(p.at, "-") {
		return false, Done
	}
	if p.Items+3 > len(items) { // the most that one option adds
		return false, Full
	}
	// Nothing is changed until the option is complete: after Ask, Read or Full it is read again from its name.
	if s = p.find(text); s != Done {
		return false, s
	}
	// Only these can be named where the command is missing.
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
	// The place tells two uses of one option apart.
	p.counted = p.from
	// The masks keep both indexes in range for the compiler, which then leaves out checks that could panic.
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
	// An operand may contain "=", an option's name does not.
	name, value := len(word), flat.Word(0)
	for i, c := range word {
		if c == '=' {
			name, value = i, p.at+flat.Word(i)+1
			break
		}
	}
	i := Lookup(word[:name])
	// bwrap has no value behind "=" either, so there it is an unknown option.
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
	// Operands are taken as they are, also those that begin with a hyphen.
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
	// As with bwrap: what would stand between a layer and its overlay is more likely a mistake.
	if p.layers > 0 && !o.Layer {
		return p.fail(LayersDangle, 0)
	}
	// The next operation may come from the file.
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
		// "--bind-try '' /x" of a script with an empty variable must not bind the whole host.
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
		// It may stand in the file by mistake, where only options count.
		p.fail(NoCommand, p.dropped)
		// The message names the last option, whose operand the command may have become; after "--"
		// there is no doubt.
		if p.Fault.At = p.typed; p.dashes {
			p.Fault.At = 0
		}
		return Failed
	}
	// Not copied: it and its arguments are the last words of the command line.
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
	// word has made sure that there is room for three.
	items[p.Items] = i
	p.Items++
}
