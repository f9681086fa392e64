package plan_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/sandbox/plan"
	"golang.org/x/sys/unix"
)

// fence lays data between two pages that cannot be read: at the very end of what is
// mapped, or, with front, at the very beginning.
func fence(t testing.TB, data []byte, front bool) []byte {
	t.Helper()
	page := os.Getpagesize()
	size := (len(data) + page - 1) / page * page
	size = max(size, page)
	m, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(m) })
	inner := m[page : page+size]
	if front {
		inner = inner[:len(data)]
	} else {
		inner = inner[size-len(data):]
	}
	copy(inner, data)
	for _, guard := range [][]byte{m[:page], m[page+size:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return inner
}

// judge verifies data in place; a load from outside of it is an error.
func judge(data []byte) (v plan.Verdict, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("verify: %v", r)
		}
	}()
	return plan.Verify(unsafe.Pointer(unsafe.SliceData(data)), uint32(len(data))), nil
}

// FuzzVerify: Verify never reads outside of the plan, never writes, says the same
// wherever the bytes lie; and what it calls Good can be walked and listed.
func FuzzVerify(f *testing.F) {
	f.Add(sample(f).Bytes)
	f.Fuzz(func(t *testing.T, data []byte) { examine(t, data) })
}

// FuzzVerifyEdited spoils a good plan at a few places, which keeps most of it intact:
// each eight bytes of edits are the place and the value of a word.
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
		h.Size, 0o7777, 0o10000, plan.MaxFilter, plan.MaxSteps, plan.MaxSlots, 1<<31 - 1, 1 << 31, 1<<32 - 8, 1<<32 - 1,
	}
	good := 0
	for at := 0; at < int(h.Arena); at += 4 {
		old := binary.LittleEndian.Uint32(p.Bytes[at:])
		for _, v := range append(values, old-1, old+1, old^1<<16, old|1<<31) {
			binary.LittleEndian.PutUint32(p.Bytes[at:], v)
			if p.Verify() != plan.Good {
				continue
			}
			good++
			if err := sound(p); err != nil {
				t.Errorf("%d at byte %d is Good, but %v", v, at, err)
			}
			p.Dump()
		}
		binary.LittleEndian.PutUint32(p.Bytes[at:], old)
	}
	if good < 500 {
		t.Errorf("only %d of the edited plans are Good", good)
	}
}

func examine(t *testing.T, data []byte) {
	t.Helper()
	behind, front := fence(t, data, false), fence(t, data, true)
	v, err := judge(behind)
	if err != nil {
		t.Fatal(err)
	}
	w, err := judge(front)
	if err != nil {
		t.Fatal(err)
	}
	if v != w {
		t.Fatalf("verdict %d at the end of a page, %d at the start of one", v, w)
	}
	if !bytes.Equal(behind, data) || !bytes.Equal(front, data) {
		t.Fatal("Verify changed the plan")
	}
	if v != plan.Good {
		return
	}
	p := &plan.Program{Bytes: bytes.Clone(data)}
	if err := sound(p); err != nil {
		t.Fatalf("Good, but %v", err)
	}
	p.Origins = make([]plan.Origin, p.Header().Steps)
	if p.Dump() == "" {
		t.Fatal("an empty listing")
	}
}

// TestFence: the fence around the bytes is one, or FuzzVerify would find nothing.
func TestFence(t *testing.T) {
	for _, front := range []bool{false, true} {
		data := fence(t, bytes.Clone(sample(t).Bytes), front)
		// One byte beyond the fence: the header says that the plan is longer than it is.
		beyond := len(data)
		if front {
			beyond = -1
		}
		err := func() (err error) {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
			defer func() {
				if r := recover(); r != nil {
					err = fmt.Errorf("%v", r)
				}
			}()
			sink = *(*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(data)), beyond))
			return nil
		}()
		if err == nil {
			t.Errorf("front %v: a load beyond the fence went through", front)
		}
	}
}

var sink byte
