package fence_test

import (
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/tests/lib/fence"
)

var sink byte

// TestFence: loads beyond the bytes and stores fault; without that, tests with this package find nothing.
func TestFence(t *testing.T) {
	f := fence.New(t, 5000)
	for _, front := range []bool{false, true} {
		data := f.Lay([]byte("some bytes"), front)
		at := func(i int) *byte { return (*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(data)), i)) }
		beyond := len(data)
		if front {
			beyond = -1
		}
		if err := fence.Watch(func() { sink = *at(0) + *at(len(data) - 1) }); err != nil {
			t.Errorf("front %v: the bytes themselves: %v", front, err)
		}
		if err := fence.Watch(func() { sink = *at(beyond) }); err == nil {
			t.Errorf("front %v: a load from the guard page did not fault", front)
		}
		f.Lock(t)
		if err := fence.Watch(func() { *at(0) = 1 }); err == nil {
			t.Errorf("front %v: a store did not fault", front)
		}
		f.Unlock(t)
		if err := fence.Watch(func() { *at(0) = 1 }); err != nil {
			t.Errorf("front %v: a store after Unlock: %v", front, err)
		}
	}
}

// TestAround: it calls twice, with the bytes.
func TestAround(t *testing.T) {
	calls := 0
	fence.Around(t, []byte("abc"), func(data []byte) {
		if string(data) != "abc" {
			t.Errorf("got %q", data)
		}
		calls++
	})
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}
