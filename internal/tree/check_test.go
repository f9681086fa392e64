package tree_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
)

// uses says for each kind which fields it needs, and after the bar which it takes besides.
var uses = map[tree.Kind]string{
	tree.Bind: "Source Dest | Access Try", tree.BindFD: "FD Dest | Access",
	tree.Tmpfs: "Dest | Perms Size", tree.Proc: "Dest |", tree.Dev: "Dest |", tree.Mqueue: "Dest |",
	tree.Overlay: "Layers Dest | Writes", tree.Dir: "Dest | Perms", tree.File: "FD Dest | Perms",
	tree.Data: "FD Dest | Access Perms", tree.Symlink: "Target Dest |", tree.Chmod: "Perms Dest |", tree.RemountRO: "Dest |", tree.Mask: "Dest | Try Glob", tree.Protect: "Dest | Try Glob",
}

// values are what fields can be given.
var values = map[string]any{
	"Dest": "/d", "Source": "/s", "FD": tree.FD{N: 0, Given: true}, "Access": tree.ReadWrite, "Try": true, "Glob": true, "Target": "t",
	"Perms": tree.Perms{Bits: 0, Given: true}, "Size": tree.Size{Bytes: 1, Given: true}, "Layers": []string{"/a", "/b"}, "Writes": tree.Forgotten, "Upper": "/u", "Work": "/w",
}

func set(op *tree.Op, field string, value any) {
	reflect.ValueOf(op).Elem().FieldByName(field).Set(reflect.ValueOf(value))
}

// complete is an operation with what its kind needs.
func complete(kind tree.Kind) *tree.Op {
	op := &tree.Op{Kind: kind}
	needs, _, _ := strings.Cut(uses[kind], " |")
	for field := range strings.FieldsSeq(needs) {
		set(op, field, values[field])
	}
	return op
}

// TestCheckFields: for each kind, each field that it needs is missed, and each one that it
// does not use is refused, by its name.
func TestCheckFields(t *testing.T) {
	for kind := tree.Bind; tree.Valid(kind); kind++ {
		needs, takes, ok := strings.Cut(uses[kind], " |")
		if !ok {
			t.Fatalf("%v has no row", kind)
		}
		if e := complete(kind).Check(); e != nil {
			t.Errorf("%v with all that it needs: %v", kind, e)
		}
		for i := range reflect.TypeFor[tree.Op]().NumField() {
			field := reflect.TypeFor[tree.Op]().Field(i).Name
			if field == "Kind" || field == "Content" {
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
		kind  tree.Kind
		field string
		value any
		name  string // of the field in the error, "": it is right
	}{
		{tree.Bind, "Source", "a\x00b", "Source"},
		{tree.Bind, "Dest", "\x00", "Dest"},
		{tree.Symlink, "Target", "a\x00", "Target"},
		{tree.Dir, "Perms", tree.Perms{Bits: 0o7777, Given: true}, ""},
		{tree.Dir, "Perms", tree.Perms{Bits: 0o10000, Given: true}, "Perms"},
		{tree.Tmpfs, "Size", tree.Size{Bytes: 1<<63 - 1, Given: true}, ""},
		{tree.Tmpfs, "Size", tree.Size{Bytes: 1 << 63, Given: true}, "Size"},
		{tree.Tmpfs, "Size", tree.Size{Given: true}, "Size"},
		{tree.File, "FD", tree.FD{N: -1, Given: true}, "FD"},
		{tree.File, "FD", tree.FD{N: 1<<31 - 1, Given: true}, ""},
		{tree.File, "FD", tree.FD{N: 1 << 31, Given: true}, "FD"},
		{tree.Overlay, "Writes", tree.Kept, "Upper"},
		{tree.Overlay, "Layers", []string{"/a"}, "Layers"},
		{tree.Overlay, "Layers", []string{"/a", ""}, "Layers[1]"},
		{tree.Overlay, "Layers", []string{"/a\x00", "/b"}, "Layers[0]"},
		{tree.Mask, "Dest", "/", "Dest"},
		{tree.Mask, "Dest", "d", "Dest"},
		{tree.Protect, "Dest", "/d/*", ""},
		{tree.Overlay, "Layers", make([]string, plan.MaxLayers+1), "Layers"},
	} {
		op := complete(c.kind)
		set(op, c.field, c.value)
		e := op.Check()
		if (e == nil) != (c.name == "") || e != nil && e.Field != c.name {
			t.Errorf("%v with %s: %v: %v, want %q", c.kind, c.field, c.value, e, c.name)
		}
	}
	for _, kind := range []tree.Kind{tree.Invalid, tree.Protect + 1, 255} {
		if e := (&tree.Op{Kind: kind}).Check(); e == nil || e.Field != "" {
			t.Errorf("kind %d: %v", kind, e)
		}
	}
	for _, kind := range []tree.Kind{tree.File, tree.Data} {
		if e := (&tree.Op{Kind: kind, Content: []byte{}, Dest: "/d"}).Check(); e != nil {
			t.Errorf("content for %v: %v", kind, e)
		}
	}
	kept := tree.Op{Kind: tree.Overlay, Layers: []string{"/a"}, Writes: tree.Kept, Upper: "/u", Work: "/w", Dest: "/d"}
	if e := kept.Check(); e != nil {
		t.Error(e)
	}
	forgotten := tree.Op{Kind: tree.Overlay, Layers: []string{"/a"}, Writes: tree.Forgotten, Dest: "/d"}
	if e := forgotten.Check(); e != nil {
		t.Error(e)
	}
}
