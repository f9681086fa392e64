package mounts_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// uses says for each kind which fields it needs, and after the bar which it takes besides.
var uses = map[mounts.Kind]string{
	mounts.Bind: "Source Dest | Access Try", mounts.BindFD: "FD Dest | Access",
	mounts.Tmpfs: "Dest | Perms Size", mounts.Proc: "Dest |", mounts.Dev: "Dest |", mounts.Mqueue: "Dest |",
	mounts.Overlay: "Layers Dest | Writes", mounts.Dir: "Dest | Perms", mounts.File: "FD Dest | Perms",
	mounts.Data: "FD Dest | Access Perms", mounts.Symlink: "Target Dest |", mounts.Chmod: "Perms Dest |", mounts.RemountRO: "Dest |",
}

// values are what fields can be given.
var values = map[string]any{
	"Dest": "/d", "Source": "/s", "FD": mounts.SetFD(0), "Access": mounts.ReadWrite, "Try": true, "Target": "t",
	"Perms": mounts.Mode(0), "Size": uint64(1), "Layers": []string{"/a", "/b"}, "Writes": mounts.Forgotten, "Upper": "/u", "Work": "/w",
}

func set(op *mounts.Op, field string, value any) {
	reflect.ValueOf(op).Elem().FieldByName(field).Set(reflect.ValueOf(value))
}

// complete is an operation with what its kind needs.
func complete(kind mounts.Kind) *mounts.Op {
	op := &mounts.Op{Kind: kind}
	needs, _, _ := strings.Cut(uses[kind], " |")
	for field := range strings.FieldsSeq(needs) {
		set(op, field, values[field])
	}
	return op
}

// TestCheckFields: for each kind, each field that it needs is missed, and each one that it
// does not use is refused, by its name.
func TestCheckFields(t *testing.T) {
	for kind := mounts.Bind; kind.Valid(); kind++ {
		needs, takes, ok := strings.Cut(uses[kind], " |")
		if !ok {
			t.Fatalf("%v has no row", kind)
		}
		if e := complete(kind).Check(); e != nil {
			t.Errorf("%v with all that it needs: %v", kind, e)
		}
		for i := range reflect.TypeFor[mounts.Op]().NumField() {
			field := reflect.TypeFor[mounts.Op]().Field(i).Name
			if field == "Kind" || field == "From" {
				continue
			}
			op := complete(kind)
			needed := slices.Contains(strings.Fields(needs), field)
			if needed {
				reflect.ValueOf(op).Elem().FieldByName(field).SetZero()
			} else {
				set(op, field, values[field])
			}
			e := op.Check()
			if takes := slices.Contains(strings.Fields(takes), field); takes != (e == nil) || !takes && e.Field != field {
				t.Errorf("%v, %s needed: %v, taken: %v: %v", kind, field, needed, takes, e)
			}
		}
	}
}

// TestCheckValues: what cannot be is refused by the field's name.
func TestCheckValues(t *testing.T) {
	for _, c := range []struct {
		kind  mounts.Kind
		field string
		value any
		name  string // of the field in the error, "": it is right
	}{
		{mounts.Bind, "Kind", mounts.Invalid, "Kind"},
		{mounts.Bind, "Kind", mounts.RemountRO + 1, "Kind"},
		{mounts.Bind, "Kind", mounts.Kind(-1), "Kind"},
		{mounts.Bind, "Access", mounts.WithDevice + 1, "Access"},
		{mounts.Bind, "Access", mounts.Access(-1), "Access"},
		{mounts.Bind, "Access", mounts.WithDevice, ""},
		{mounts.Data, "Access", mounts.WithDevice, "Access"},
		{mounts.Bind, "Source", "a\x00b", "Source"},
		{mounts.Bind, "Dest", "\x00", "Dest"},
		{mounts.Symlink, "Target", "a\x00", "Target"},
		{mounts.Dir, "Perms", mounts.Mode(0o7777), ""},
		{mounts.Dir, "Perms", mounts.Mode(0o10000), "Perms"},
		{mounts.Tmpfs, "Size", uint64(1<<63 - 1), ""},
		{mounts.Tmpfs, "Size", uint64(1 << 63), "Size"},
		{mounts.File, "FD", mounts.SetFD(-1), "FD"},
		{mounts.File, "FD", mounts.SetFD(1<<31 - 1), ""},
		{mounts.File, "FD", mounts.SetFD(1 << 31), "FD"},
		{mounts.Overlay, "Writes", mounts.Kept + 1, "Writes"},
		{mounts.Overlay, "Writes", mounts.Writes(-1), "Writes"},
		{mounts.Overlay, "Writes", mounts.Kept, "Upper"},
		{mounts.Overlay, "Upper", "/u", "Upper"},
		{mounts.Overlay, "Work", "/w", "Work"},
		{mounts.Overlay, "Layers", []string{"/a"}, "Layers"},
		{mounts.Overlay, "Layers", []string{"/a", ""}, "Layers[1]"},
		{mounts.Overlay, "Layers", []string{"/a\x00", "/b"}, "Layers[0]"},
		{mounts.Overlay, "Layers", make([]string, plan.MaxLayers+1), "Layers"},
	} {
		op := complete(c.kind)
		set(op, c.field, c.value)
		e := op.Check()
		if (e == nil) != (c.name == "") || e != nil && e.Field != c.name {
			t.Errorf("%v with %s: %v: %v, want %q", c.kind, c.field, c.value, e, c.name)
		}
	}
	kept := mounts.Op{Kind: mounts.Overlay, Layers: []string{"/a"}, Writes: mounts.Kept, Upper: "/u", Work: "/w", Dest: "/d"}
	if e := kept.Check(); e != nil {
		t.Error(e)
	}
	forgotten := mounts.Op{Kind: mounts.Overlay, Layers: []string{"/a"}, Writes: mounts.Forgotten, Dest: "/d"}
	if e := forgotten.Check(); e != nil {
		t.Error(e)
	}
}

// compiled demands that an operation makes a plan that the acting side takes.
func compiled(t *testing.T, op mounts.Op) {
	t.Helper()
	s := sandbox.Spec{Files: []mounts.Op{op}, Command: sandbox.CommandLine{Args: []string{"x"}}}
	p, err := sandbox.Compile(&s, sandbox.Host{UID: 1000, Cwd: "/"})
	if err != nil {
		t.Fatalf("%+v: %v", op, err)
	}
	if v := p.Verify(); v != plan.Good {
		t.Fatalf("%+v: the plan is refused with %d\n%s", op, v, p.Dump())
	}
}

// TestCheckedOperationsAreSound: whatever Check lets pass compiles to a plan that the acting
// side takes.
func TestCheckedOperationsAreSound(t *testing.T) {
	random := map[string][]any{
		"Dest": {"", "/d", "d/../e"}, "Source": {"", "/s", "s"}, "FD": {mounts.FD{}, mounts.SetFD(0), mounts.SetFD(70), mounts.SetFD(-3)},
		"Access": {mounts.ReadOnly, mounts.ReadWrite, mounts.WithDevice, mounts.Access(5)}, "Try": {false, true}, "Target": {"", "t"},
		"Perms": {mounts.Perms{}, mounts.Mode(0), mounts.Mode(0o7777), mounts.Mode(1 << 20)}, "Size": {uint64(0), uint64(1), uint64(1<<64 - 1)},
		"Layers": {[]string(nil), []string{"/a"}, []string{"/a", "/b"}, []string{"/a", ""}}, "Upper": {"", "/u"}, "Work": {"", "/w"},
		"Writes": {mounts.Refused, mounts.Forgotten, mounts.Kept, mounts.Writes(7)},
	}
	r := rand.New(rand.NewPCG(1, 2))
	passed := map[mounts.Kind]int{}
	for range 200_000 {
		kind := mounts.Kind(r.IntN(16) - 1)
		op := &mounts.Op{Kind: kind}
		if kind.Valid() {
			op = complete(kind)
		}
		for field, list := range random {
			if r.IntN(4) == 0 {
				set(op, field, list[r.IntN(len(list))])
			}
		}
		if op.Check() == nil {
			passed[kind]++
			compiled(t, *op)
		}
	}
	for kind := mounts.Bind; kind.Valid(); kind++ {
		if passed[kind] < 100 {
			t.Errorf("only %d operations of kind %v pass", passed[kind], kind)
		}
	}
}
