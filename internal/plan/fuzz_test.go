package plan_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/fence"
	"github.com/gobwrap/gobwrap/tests/lib/judge"
)

// FuzzVerify: Verify never reads outside of the plan, never writes, says the same
// wherever the bytes lie; and what it calls Good, and that alone, can be walked. It can be
// listed too.
func FuzzVerify(f *testing.F) {
	f.Add(sample(f).Bytes)
	f.Fuzz(func(t *testing.T, data []byte) { examine(t, data) })
}

// FuzzVerifyEdited corrupts a good plan at a few places, which keeps most of it intact: each
// eight bytes of edits are the place and the value of a word.
func FuzzVerifyEdited(f *testing.F) {
	good := sample(f).Bytes
	f.Add([]byte{4, 0, 0, 0, 1, 0, 0, 0})
	f.Add([]byte{44, 0, 0, 0, 1, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, edits []byte) {
		data := bytes.Clone(good)
		for len(edits) >= 8 {
			place, value := binary.LittleEndian.Uint32(edits), edits[4:8]
			copy(data[place%uint32(len(data)-3)&^3:], value)
			edits = edits[8:]
		}
		examine(t, data)
	})
}

// TestVerifyEdited puts numbers at the edge of something into every single word of a
// good plan.
func TestVerifyEdited(t *testing.T) {
	p := sample(t)
	h := p.Header()
	values := []uint32{
		0, 1, 2, 3, 7, 8, h.Join, h.Setup, h.Steps, h.Steps - 1, h.Slots, h.Slots - 1, h.Arena, h.ArenaLen, h.ArenaLen - 1,
		h.Size, 255, 256, 0o7777, 0o10000, plan.MaxFilter, plan.MaxSteps, plan.MaxSlots, 1<<31 - 1, 1 << 31, 1<<32 - 8, 1<<32 - 1,
	}
	good := 0
	for at := 0; at < int(h.Arena); at += 4 {
		old := binary.LittleEndian.Uint32(p.Bytes[at:])
		for _, v := range append(values, old-1, old+1, old^1<<16, old|1<<31) {
			binary.LittleEndian.PutUint32(p.Bytes[at:], v)
			verdict, err := p.Verify(), judge.Sound(p.Bytes)
			if (verdict == plan.Good) != (err == nil) {
				t.Errorf("%d at byte %d: verdict %d, but %v", v, at, verdict, err)
			}
			if verdict == plan.Good {
				good++
				p.Dump(nil)
			}
		}
		binary.LittleEndian.PutUint32(p.Bytes[at:], old)
	}
	if good < 500 {
		t.Errorf("only %d of the edited plans are Good", good)
	}
}

func examine(t *testing.T, data []byte) {
	t.Helper()
	var said []plan.Verdict
	fence.Around(t, data, func(data []byte) {
		said = append(said, plan.Verify(unsafe.Pointer(unsafe.SliceData(data)), uint32(len(data))))
	})
	v := said[0]
	if v != said[1] {
		t.Fatalf("verdict %d at the end of a page, %d at the start of one", v, said[1])
	}
	if err := judge.Sound(data); (v == plan.Good) != (err == nil) {
		t.Fatalf("verdict %d, but %v", v, err)
	}
	if v != plan.Good {
		return
	}
	p := &plan.Program{Bytes: bytes.Clone(data)}
	p.Origins = make([]plan.Origin, p.Header().Steps)
	if p.Dump(nil) == "" {
		t.Fatal("an empty listing")
	}
}
