package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/seccomp"
)

// find returns the index of a descriptor in what is known, or -1.
func find(known []Known, fd int32) int {
	// There are few: those that options name.
	for i := range known {
		if known[i].FD == fd {
			return i
		}
	}
	return -1
}

// fd reads the first operand as the number of a descriptor that must be open.
func (p *Parser) fd(text flat.Text, known []Known) (fd int32, s Status) {
	// Digits alone: no sign, no blank, nothing behind them. 2^31-1 is the largest int.
	n, ok := flat.Decimal(text.At(p.args), 1<<31-1)
	if !ok {
		return 0, p.fail(BadFD, p.args)
	}
	k := find(known, int32(n))
	if k < 0 {
		p.FD = int32(n)
		return 0, Ask
	}
	// At once, and not when it is used: the number might belong to a descriptor of the launcher's by then.
	if !known[k].Open {
		return 0, p.fail(ClosedFD, p.args)
	}
	return int32(n), Done
}

// latest reads the operand of an option of which only the last one counts. A bad descriptor is
// a fault only if no other one follows. open is false if it is bad.
func (p *Parser) latest(place uint8, writes bool, text flat.Text, known []Known) (fd int32, open bool, s Status) {
	n, ok := flat.Decimal(text.At(p.args), 1<<31-1)
	if !ok {
		return 0, false, p.fail(BadFD, p.args)
	}
	k := find(known, int32(n))
	if k < 0 {
		p.FD = int32(n)
		return 0, false, Ask
	}
	// Kept until all options have been read; a later use of the option replaces it, or takes it back.
	late := Fault{Option: p.option, At: p.from, Word: p.args}
	switch {
	case !known[k].Open:
		late.Code = ClosedFD
	case writes && !known[k].Write:
		late.Code = ReadOnlyFD
	default:
		late = Fault{}
	}
	// The mask keeps the index in range for the compiler. flat has fewer than 15 kinds of descriptors, and
	// lateFilter is the last place.
	p.late[place&15] = late
	return int32(n), late.Code == None, Done
}

// named carries out the options that name a descriptor for later.
func (p *Parser) named(o *Option, text flat.Text, known []Known, items []flat.Item) Status {
	// A report is written when the sandbox is there: a descriptor that cannot be written is refused
	// now.
	fd, open, s := p.latest(o.on, flat.IsWritten(int(o.on)), text, known)
	if s != Done {
		return s
	}
	// Not even kept for the message: the number may be one of the launcher's own.
	p.Spec.FDs[o.on] = flat.FD{}
	if open {
		p.Spec.FDs[o.on] = flat.NewFD(fd, p.from)
		// The first process needs neither reports nor the cgroup: it closes them at once.
		p.use(items, fd, flat.IsEarly(int(o.on)))
	}
	return Done
}

// sync keeps a descriptor open. One that is not open cannot be kept: callers lose them by
// close-on-exec, without harm to the sandbox.
func (p *Parser) sync(text flat.Text, known []Known, items []flat.Item) Status {
	fd, s := p.fd(text, known)
	switch {
	case s == Done:
		p.use(items, fd, false)
		p.add(items, flat.Item{Kind: flat.SyncFD, FD: fd})
	case s == Failed && p.Fault.Code == ClosedFD:
		p.Fault = Fault{}
		// fd has read it already, without a mistake.
		n, _ := flat.Decimal(text.At(p.args), 1<<31-1)
		p.add(items, flat.Item{Kind: flat.NotOpen, FD: int32(n)})
		s = Done
	}
	return s
}

// descriptor carries out the options whose first operand is a descriptor.
func (p *Parser) descriptor(o *Option, text flat.Text, known []Known, items []flat.Item) Status {
	switch o.do {
	case doSeccomp, doAddSeccomp:
		return p.seccomp(o, text, known, items)
	case doNamedFD:
		return p.named(o, text, known, items)
	case doSyncFD:
		return p.sync(text, known, items)
	}
	fd, s := p.fd(text, known)
	// What is read to its end can be read once. A descriptor that is bound, or kept, can serve twice.
	if s == Done && tree.Reads(o.makes) {
		s = p.free(fd, items)
	}
	if s != Done {
		return s
	}
	switch o.do {
	case doKeepFD:
		// To keep one means to close the others: it implies --close-fds.
		p.Spec.Switches |= flat.CloseFDs
		p.add(items, flat.Item{Kind: flat.KeepFD, FD: fd})
	case doOpenFile:
		// What is not read, by the first process when the destination is there, is
		// opened again in the new mount namespace, so it stays open until then.
		if !tree.Reads(o.makes) {
			p.use(items, fd, false)
		}
		p.addFile(items, flat.Item{Kind: o.makes, FD: fd, B: text.Next(p.args), Access: o.with})
	}
	return Done
}

// use notes that a descriptor is not for the payload.
func (p *Parser) use(items []flat.Item, fd int32, early bool) {
	i := flat.Item{Kind: flat.Used, FD: fd}
	if early {
		i.Flags = flat.Early
	}
	p.add(items, i)
}

// free refuses a descriptor that another option reads to its end: that works once.
func (p *Parser) free(fd int32, items []flat.Item) Status {
	for i := range items[:p.Items] {
		it := &items[i]
		if (tree.Reads(it.Kind) || it.Kind == flat.Used && it.Has(flat.Consumed)) && it.FD == fd {
			p.fail(FDTaken, p.args)
			p.Fault.Other = it.From
			return Failed
		}
	}
	return Done
}

// contents returns what a descriptor holds, up to its end.
func (p *Parser) contents(text flat.Text, known []Known, items []flat.Item, limit uint32) (k int, s Status) {
	// The caller of the parser judges a filter when it reads it, so that the parser need not hold 8
	// KiB of memory for that.
	p.Filter = limit != MaxArgs
	fd, s := p.fd(text, known)
	if s == Done {
		s = p.free(fd, items)
	}
	if s != Done {
		return -1, s
	}
	k = find(known, fd)
	p.FD, p.Limit = fd, limit // which a fault is about, also where it has been read
	if !known[k].Read {
		return -1, Read
	}
	return k, Done
}

// consume notes that a descriptor has been read to its end.
func (p *Parser) consume(items []flat.Item, fd int32) {
	p.add(items, flat.Item{Kind: flat.Used, FD: fd, Flags: flat.Early | flat.Consumed})
}

// file reads options from a descriptor, in place. The first word that is not an option ends
// them; what follows is dropped, as in bwrap.
func (p *Parser) file(text flat.Text, known []Known, items []flat.Item) Status {
	// As with bwrap; a file that names itself would have no end.
	if p.inFile {
		return p.fail(NestedArgs, 0)
	}
	k, s := p.contents(text, known, items, MaxArgs)
	if s != Done {
		return s
	}
	if known[k].Errno != 0 || known[k].Long {
		p.fail(UnreadableArgs, 0)
		p.Fault.N = known[k].Errno
		return Failed
	}
	p.consume(items, known[k].FD)
	// The words lie behind each other in the text, so what has been read is walked like the command
	// line itself.
	p.outer, p.last, p.inFile = p.after, p.end, true
	// Its words end like the command line's. Without a NUL at the end, the reader has added one.
	p.at, p.end = known[k].At, known[k].At+flat.Word(known[k].Len)
	return Done
}

// seccomp notes a filter, whose contents are read at once, or for --seccomp at the end: the
// last one counts, where it stands, and it alone is read.
func (p *Parser) seccomp(o *Option, text flat.Text, known []Known, items []flat.Item) Status {
	for i := range items[:p.Items] {
		it := &items[i]
		// One replaces, the other adds: which filters there would be is not for us to guess. bwrap
		// refuses it, too.
		if it.Kind == flat.Filter && it.Has(flat.Added) != (o.do == doAddSeccomp) {
			return p.fail(MixedSeccomp, 0)
		}
	}
	if o.do == doAddSeccomp {
		_, s := p.contents(text, known, items, filterSize)
		if s != Done {
			return s
		}
		// Both items are added at once, since readFilter may ask, and the option is then read again from here.
		p.slot = p.Items
		p.add(items, flat.Item{Kind: flat.Filter, Flags: flat.Added})
		// Filled in by readFilter, with the descriptor.
		p.add(items, flat.Item{Kind: flat.Used})
		return p.readFilter(text, known, items)
	}
	// --seccomp: it is not read before the last one is known, since reading uses it up.
	fd, open, s := p.latest(lateFilter, false, text, known)
	if s != Done {
		return s
	}
	if p.filter.Word != 0 {
		// An earlier --seccomp: its descriptor stays one that is not for the command.
		items[p.slot].Kind = flat.Invalid
		p.filter = Fault{}
	}
	// If not, p.late has the fault.
	if open {
		p.filter, p.slot = Fault{Option: p.option, At: p.from, Word: p.args}, p.Items
		p.add(items, flat.Item{Kind: flat.Filter})
		p.use(items, fd, true)
	}
	return Done
}

// filterSize is one instruction more than the kernel takes, so that a filter that is too long is
// seen to be.
const filterSize = seccomp.Size * (seccomp.MaxInstructions + 1)

// readFilter fills in the items of the filter of the current option.
func (p *Parser) readFilter(text flat.Text, known []Known, items []flat.Item) Status {
	k, s := p.contents(text, known, items, filterSize)
	if s != Done {
		return s
	}
	if known[k].Errno != 0 || known[k].Long {
		p.fail(UnreadableBPF, 0)
		p.Fault.N = known[k].Errno
		return Failed
	}
	// Before anything runs: the kernel would refuse the filter only when the sandbox is complete.
	if known[k].Bad {
		return p.fail(BadBPF, p.args)
	}
	// They stand one behind the other.
	filter, used := &items[p.slot], &items[p.slot+1]
	filter.A, filter.N = known[k].At, known[k].Len
	used.FD, used.Flags = known[k].FD, flat.Early|flat.Consumed
	return Done
}
