package cmdline

// Room: no runtime.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/seccomp"
)

// find returns the index of a descriptor in what is known, or -1.
func find(known []Known, fd int32) int {
	for i := range known {
		if known[i].FD == fd {
			return i
		}
	}
	return -1
}

// fd reads the first operand as the number of a descriptor that must be open.
func (p *Parser) fd(text flat.Text, known []Known) (fd int32, s Status) {
	n, ok := flat.Decimal(text.At(p.args), 1<<31-1)
	if !ok {
		return 0, p.fail(BadFD, p.args)
	}
	k := find(known, int32(n))
	if k < 0 {
		p.FD = int32(n)
		return 0, Ask
	}
	if !known[k].Open {
		return 0, p.fail(ClosedFD, p.args)
	}
	return int32(n), Done
}

// descriptor is for options whose first operand is a descriptor.
func (p *Parser) descriptor(o *Option, text flat.Text, known []Known, items []flat.Item) Status {
	if o.do == doSeccomp || o.do == doAddSeccomp {
		return p.filter(o, text, known, items)
	}
	fd, s := p.fd(text, known)
	if s == Done && (o.do == doFile || o.do == doData) {
		s = p.free(fd, items)
	}
	if s != Done {
		return s
	}
	switch o.do {
	case doNamedFD:
		p.Spec.FDs[o.on] = flat.NewFD(fd, p.from)
		p.use(items, fd, o.on == flat.InfoFD || o.on == flat.StatusFD)
	case doSyncFD:
		p.use(items, fd, false)
		p.add(items, flat.Item{Kind: flat.SyncFD, FD: fd})
	case doBindFD:
		p.use(items, fd, false)
		p.addFile(items, flat.Item{Kind: flat.BindFD, FD: fd, B: text.Next(p.args), Access: o.with})
	case doFile:
		p.addFile(items, flat.Item{Kind: flat.File, FD: fd, B: text.Next(p.args)})
	case doData:
		p.addFile(items, flat.Item{Kind: flat.Data, FD: fd, B: text.Next(p.args), Access: o.with})
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
		if (it.Kind == flat.File || it.Kind == flat.Data || it.Kind == flat.Used && it.Has(flat.Consumed)) && it.FD == fd {
			p.fail(FDTaken, p.args)
			p.Fault.Other = it.From
			return Failed
		}
	}
	return Done
}

// contents is what a descriptor holds, which is read to its end.
func (p *Parser) contents(text flat.Text, known []Known, items []flat.Item, limit uint32) (k int, s Status) {
	p.Filter = limit != MaxArgs
	fd, s := p.fd(text, known)
	if s == Done {
		s = p.free(fd, items)
	}
	if s != Done {
		return -1, s
	}
	k = find(known, fd)
	if !known[k].Read {
		p.FD, p.Limit = fd, limit
		return -1, Read
	}
	return k, Done
}

// consume notes that a descriptor has been read to its end.
func (p *Parser) consume(items []flat.Item, fd int32) {
	p.add(items, flat.Item{Kind: flat.Used, FD: fd, Flags: flat.Early | flat.Consumed})
}

// file reads options from a descriptor, in place. The first word that is no option ends
// them; what follows it is dropped, as bwrap has it.
func (p *Parser) file(text flat.Text, known []Known, items []flat.Item) Status {
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
	p.outer, p.last, p.inFile = p.after, p.end, true
	p.at, p.end = known[k].At, known[k].At+flat.Word(known[k].Len)
	return Done
}

// filter reads a seccomp filter. A --seccomp takes the place of an earlier one.
func (p *Parser) filter(o *Option, text flat.Text, known []Known, items []flat.Item) Status {
	for i := range items[:p.Items] {
		it := &items[i]
		if it.Kind != flat.Filter || it.Has(flat.Added) == (o.do == doAddSeccomp) {
			continue
		}
		return p.fail(MixedSeccomp, 0)
	}
	k, s := p.contents(text, known, items, seccomp.Size*(seccomp.MaxInstructions+1))
	if s != Done {
		return s
	}
	if known[k].Errno != 0 || known[k].Long {
		p.fail(UnreadableBPF, 0)
		p.Fault.N = known[k].Errno
		return Failed
	}
	if known[k].Bad {
		return p.fail(BadBPF, p.args)
	}
	p.consume(items, known[k].FD)
	added := uint8(flat.Added)
	if o.do == doSeccomp {
		added = 0
		for i := range items[:p.Items] {
			if items[i].Kind == flat.Filter {
				items[i].Kind = flat.Invalid
			}
		}
	}
	p.add(items, flat.Item{Kind: flat.Filter, A: known[k].At, N: known[k].Len, Flags: added})
	return Done
}
