package plan_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want uintptr
	}{
		{"Header", unsafe.Sizeof(plan.Header{}), plan.HeaderSize},
		{"Step", unsafe.Sizeof(plan.Step{}), plan.StepSize},
		{"a slot", unsafe.Sizeof(uint64(0)), plan.SlotSize},
		{"the words of a message", unsafe.Offsetof(plan.Message{}.Extra) + 4, plan.MessageText},
	} {
		if c.got != c.want {
			t.Errorf("%s takes %d bytes, the constant says %d", c.what, c.got, c.want)
		}
	}
	if plan.MessageSize < plan.MessageText+128 {
		t.Error("a message has no room for text")
	}
	if plan.HeaderSize%8 != 0 || plan.StepSize%8 != 0 {
		t.Error("slots and filters would not be aligned to 8 bytes")
	}
	if plan.HeaderSize+plan.MaxSteps*plan.StepSize+plan.MaxSlots*plan.SlotSize > plan.MaxSize {
		t.Error("a plan within MaxSteps and MaxSlots can be larger than MaxSize: offsets could overflow")
	}
}

// TestNoPadding: the builder writes fields one after the other, so the structs must
// have no holes.
func TestNoPadding(t *testing.T) {
	for _, v := range []any{plan.Header{}, plan.Step{}} {
		typ := reflect.TypeOf(v)
		next := uintptr(0)
		for f := range typ.Fields() {
			if f.Offset != next {
				t.Errorf("%v.%s lies at %d, not at %d", typ, f.Name, f.Offset, next)
			}
			next = f.Offset + f.Type.Size()
		}
		if next != typ.Size() {
			t.Errorf("%v ends at %d, but takes %d bytes", typ, next, typ.Size())
		}
	}
}

// TestConstants compares what the acting side hands to the kernel with the kernel's
// own numbers.
func TestConstants(t *testing.T) {
	for _, c := range []struct{ flags, want string }{
		{plan.MountFlags(unix.MS_RDONLY), "ro"},
		{plan.MountFlags(unix.MS_NOSUID), "nosuid"},
		{plan.MountFlags(unix.MS_NODEV), "nodev"},
		{plan.MountFlags(unix.MS_NOEXEC), "noexec"},
		{plan.MountFlags(unix.MS_RDONLY | unix.MS_NOEXEC), "ro,noexec"},
		{plan.MountFlags(0), ""},
		{plan.Namespaces(unix.CLONE_NEWUSER), "user"},
		{plan.Namespaces(unix.CLONE_NEWNS), "mnt"},
		{plan.Namespaces(unix.CLONE_NEWPID), "pid"},
		{plan.Namespaces(unix.CLONE_NEWNET), "net"},
		{plan.Namespaces(unix.CLONE_NEWIPC), "ipc"},
		{plan.Namespaces(unix.CLONE_NEWUTS), "uts"},
		{plan.Namespaces(unix.CLONE_NEWCGROUP), "cgroup"},
	} {
		if c.flags != c.want {
			t.Errorf("got %q, want %q", c.flags, c.want)
		}
	}
	// The new mount calls are given MS_* numbers, which must be MOUNT_ATTR_* too.
	for _, c := range [][2]int{
		{unix.MS_RDONLY, unix.MOUNT_ATTR_RDONLY},
		{unix.MS_NOSUID, unix.MOUNT_ATTR_NOSUID},
		{unix.MS_NODEV, unix.MOUNT_ATTR_NODEV},
		{unix.MS_NOEXEC, unix.MOUNT_ATTR_NOEXEC},
	} {
		if c[0] != c[1] {
			t.Errorf("MS_ flag %#x is MOUNT_ATTR_ %#x", c[0], c[1])
		}
	}
}

func TestOpNames(t *testing.T) {
	seen := map[string]plan.Op{}
	for op := plan.Op(1); op < plan.NumOps; op++ {
		name := op.String()
		if name == "" {
			t.Errorf("operation %d has no row in the table", op)
		}
		if other, twice := seen[name]; twice {
			t.Errorf("operations %d and %d are both called %q", op, other, name)
		}
		seen[name] = op
	}
	if plan.NumOps.String() != "invalid" || plan.Op(0xffff).String() != "invalid" {
		t.Error("numbers beyond the table have a name")
	}
}

// TestRoundTrip: what the builder was told is what a reader of the bytes finds.
func TestRoundTrip(t *testing.T) {
	p := sample(t)
	if v := p.Verify(); v != plan.Good {
		t.Fatalf("the sample is refused with %d", v)
	}
	h := p.Header()
	if h.Magic != plan.Magic || int(h.Size) != len(p.Bytes) || h.Join != 1 || h.Setup != h.Steps-13 ||
		h.Argc != 2 || h.Envc != 3 || h.Pathc != 2 || h.Closec != 3 || h.Earlyc != 1 || h.Syncc != 1 || h.JSONFd != 10 {
		t.Errorf("header %+v", h)
	}
	if h.Flags&plan.FlagJoin == 0 {
		t.Error("a step to join, but FlagJoin is not set")
	}
	if int(h.Steps) != len(p.Origins) {
		t.Errorf("%d steps, %d origins", h.Steps, len(p.Origins))
	}
	texts := func(first, n uint32) string {
		var out []string
		for i := first; i < first+n; i++ {
			out = append(out, p.Str(uint32(*slot(p, i))))
		}
		return strings.Join(out, " ")
	}
	for _, c := range [][2]string{
		{texts(h.Argv, h.Argc), "true -x"},
		{texts(h.Env, h.Envc), "A=1 PWD=/ B=2"},
		{texts(h.Paths, h.Pathc), "/bin/true /usr/bin/true"},
		{p.Str(uint32(*slot(p, h.Pwd))), "PWD=/"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
	if *slot(p, h.Argv+h.Argc) != 0 || *slot(p, h.Env+h.Envc) != 0 {
		t.Error("argv or env does not end with 0")
	}
	s := p.Step(find(t, p, plan.OpCaps))
	if want := (plan.Step{Op: plan.OpCaps, Flags: plan.FlagBounding | plan.FlagLenient, A: 1, B: 2, C: 3, D: 4, E: 5, F: 6}); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	off := h.Arena + p.Step(find(t, p, plan.OpSeccomp)).A
	if got := p.Bytes[off : off+16]; string(got) != string(filter) || off%8 != 0 {
		t.Errorf("filter at %d: % x", off, got)
	}
}

// TestStrings: every string is stored once, and 0 is the empty one.
func TestStrings(t *testing.T) {
	var b planbuild.Builder
	if off := b.Str(""); off != 0 {
		t.Errorf("the empty string lies at %d", off)
	}
	one, two := b.Str("one"), b.Str("two")
	if one == 0 || two == 0 || one == two || b.Str("one") != one {
		t.Errorf("one lies at %d, two at %d, one again at %d", one, two, b.Str("one"))
	}
}

// TestOutside: readers of a program get nothing for what is not there.
func TestOutside(t *testing.T) {
	p := sample(t)
	h := p.Header()
	if s := p.Step(h.Steps); s != (plan.Step{}) {
		t.Errorf("a step after the last: %+v", s)
	}
	for _, off := range []uint32{h.ArenaLen, h.ArenaLen + 1, 1 << 31, 1<<32 - 1} {
		if s := p.Str(off); s != "" {
			t.Errorf("a string after the end, at %d: %q", off, s)
		}
	}
	if v := (&plan.Program{}).Verify(); v == plan.Good {
		t.Error("no bytes at all are Good")
	}
}

// TestSentences: whatever the operands, a sentence has no brace left, and nothing is read outside.
func TestSentences(t *testing.T) {
	p := sample(t)
	for op := range plan.NumOps {
		if text := p.Sentence(plan.Step{Op: op}); strings.ContainsAny(text, "{}") {
			t.Errorf("%s: %q", op, text)
		}
	}
	for i := range p.Header().Steps {
		if s := p.Step(i); strings.Contains(p.Sentence(s), "  ") {
			t.Errorf("%s: %q", s.Op, p.Sentence(s))
		}
	}
	if got := p.Sentence(plan.Step{Op: plan.OpChmod, D: 0o755}); got != "Can't chmod 0755 " {
		t.Errorf("%q", got)
	}
}

func TestTooLarge(t *testing.T) {
	var b planbuild.Builder
	for range plan.MaxSteps + 1 {
		b.Add(plan.Step{Op: plan.OpSlave})
	}
	if _, err := b.Program(); !errors.Is(err, plan.ErrTooLarge) {
		t.Errorf("%d steps: %v", b.Len(), err)
	}
}

func TestDump(t *testing.T) {
	p := sample(t)
	setting := "set        kind=0 values=[64 64 64]\n"
	if got := p.Dump(nil); !strings.Contains(got, setting) {
		t.Errorf("the listing lacks %q", setting)
	}
	if got := p.Dump(func(uint32, []uint64) string { return "" }); got != p.Dump(nil) {
		t.Errorf("a setting without a text: %s", got)
	}
	got := p.Dump(func(kind uint32, values []uint64) string { return fmt.Sprint("made of ", kind, values) })
	for _, want := range []string{
		"namespaces mnt,pid,uts\n",
		"join:\n  0  setns      fd=9 type=user\n",
		"set-up:\n",
		`bind       src=5 dst="/usr" add=ro,nosuid,nodev parents=0700`,
		" ; --ro-bind /usr /usr\n",
		`source     path="/try" try` + "\n",
		"payload:\n",
		"caps       bounding=0x200000001 permitted=0x400000003 ambient=0x600000005\n",
		"set        made of 0 [64 64 64]\n",
		"argv       true -x\n",
		"tries      /bin/true /usr/bin/true\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the listing lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}
