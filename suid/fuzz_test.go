package suid_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/fence"
)

// FuzzGate spoils permitted plans at a few places: each eight bytes of edits are the
// place and the value of a word. Of what Verify still finds Good, Gate permits what is
// harmless and nothing else; neither it nor Restrict reads outside of the plan, writes,
// or says something else where the bytes lie elsewhere.
func FuzzGate(f *testing.F) {
	plans := [][]byte{sample(f).Bytes, bare(f).Bytes}
	f.Add(byte(0), uint64(half), uint64(0), []byte{8, 0, 0, 0, 32, 0, 0, 0})
	f.Add(byte(1), uint64(0), uint64(1), []byte{})
	f.Fuzz(func(t *testing.T, which byte, memory, refused uint64, edits []byte) {
		data := bytes.Clone(plans[int(which)%len(plans)])
		for len(edits) >= 8 {
			place, value := binary.LittleEndian.Uint32(edits), edits[4:8]
			copy(data[place%uint32(len(data)-3)&^3:], value)
			edits = edits[8:]
		}
		examine(t, data, memory, refused)
	})
}

// examine holds Gate and Restrict against one plan. It returns what they say, and whether
// the plan is Good.
func examine(t testing.TB, data []byte, memory, refused uint64) (row suid.Row, good bool) {
	t.Helper()
	p := &plan.Program{Bytes: data}
	if p.Verify() != plan.Good {
		return 0, false
	}
	row = compare(t, p, memory)
	conf := suid.Conf{Refused: refused}
	extra, step := conf.Restrict(base(p))
	fence.Around(t, data, func(data []byte) {
		there := &plan.Program{Bytes: data}
		if other, _ := gate(there, memory); other != row {
			t.Errorf("row %d in one place, %d in another", row, other)
		}
		if e, s := conf.Restrict(base(there)); e != extra || s != step {
			t.Errorf("%#x, step %d in one place, %#x, step %d in another", extra, step, e, s)
		}
	})
	return row, true
}

// FuzzConf compares ReadConf with another reader of the same language, behind fences.
func FuzzConf(f *testing.F) {
	f.Add("# only for these\ngroups 100 1001\nrefuse --unshare-user --bind\noff\n", []byte{100, 0, 0, 0})
	f.Add("refuse "+strings.Join(suid.Features(), " "), []byte{})
	f.Add("groups 4294967294\t4294967295 # \r\x00", []byte{254, 255, 255, 255, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, text string, ids []byte) {
		var groups []uint32
		for ; len(ids) >= 4; ids = ids[4:] {
			groups = append(groups, binary.NativeEndian.Uint32(ids))
		}
		want, bad := reference(text, groups)
		got, line := readConf(t, text, groups...)
		if line != bad || bad == 0 && got != want {
			t.Fatalf("%+v, line %d; want %+v, line %d", got, line, want, bad)
		}
	})
}
