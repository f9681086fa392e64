package tree

import "github.com/gobwrap/gobwrap/internal/flat"

// Items returns op as the compiler reads it: its layers, and itself. word puts a string into the text;
// from is what asks for it.
func (op *Op) Items(word func(string) flat.Word, from flat.Word) (items []flat.Item) {
	for _, layer := range op.Layers {
		items = append(items, flat.Item{Kind: flat.Layer, A: word(layer), From: from})
	}
	it := flat.Item{
		Kind: op.Kind, Access: uint8(op.Access), Writes: uint8(op.Writes), FD: -1, From: from,
		B: word(op.Dest), Mode: op.Perms.Bits, Size: op.Size.Bytes, N: uint32(len(op.Layers)),
	}
	// A kind has at most one of these.
	if a := op.Source + op.Target + op.Upper; a != "" {
		it.A = word(a)
	}
	if op.Work != "" {
		it.C = word(op.Work)
	}
	if op.FD.Given {
		it.FD = int32(op.FD.N)
	}
	for _, f := range op.flags() {
		if *f.on {
			it.Flags |= f.flag
		}
	}
	return append(items, it)
}

// FromItems returns what Items was given: the last item is the operation, those in front of it are its layers.
func FromItems(items []flat.Item, text func(flat.Word) string) *Op {
	it := &items[len(items)-1]
	op := &Op{
		Kind: it.Kind, Access: Access(it.Access), Writes: Writes(it.Writes), Dest: text(it.B),
		Perms: Perms{Bits: it.Mode}, Size: Size{it.Size, it.Size != 0},
	}
	for _, layer := range items[:len(items)-1] {
		op.Layers = append(op.Layers, text(layer.A))
	}
	switch needs := op.needs(); {
	case needs&source != 0:
		op.Source = text(it.A)
	case needs&target != 0:
		op.Target = text(it.A)
	case needs&upper != 0:
		op.Upper, op.Work = text(it.A), text(it.C)
	case needs&fd != 0:
		op.FD = FD{int(it.FD), true}
	}
	for _, f := range op.flags() {
		*f.on = it.Has(f.flag)
	}
	return op
}

// flags are the fields that are flags of an item.
func (op *Op) flags() [3]struct {
	flag uint8
	on   *bool
} {
	return [...]struct {
		flag uint8
		on   *bool
	}{{flat.HasMode, &op.Perms.Given}, {flat.Absent, &op.Try}, {flat.Glob, &op.Glob}}
}
