// Package fence lays bytes where a load from outside of them, and any store, is noticed.
// The functions that it is for take a pointer and a length and believe neither the bytes
// nor, in what they say, their own length.
package fence

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

// Fence is memory between two pages that cannot be read.
type Fence struct {
	whole, inner []byte
}

// New makes a fence for up to n bytes.
func New(t testing.TB, n int) *Fence {
	t.Helper()
	page := os.Getpagesize()
	size := max((n+page-1)/page*page, page)
	m, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(m) })
	for _, guard := range [][]byte{m[:page], m[page+size:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return &Fence{m, m[page : page+size]}
}

// Lay copies data to the very end of what is mapped, or, with front, to the very
// beginning. What was there is gone.
func (f *Fence) Lay(data []byte, front bool) []byte {
	at := f.inner[len(f.inner)-len(data):]
	if front {
		at = f.inner[:len(data)]
	}
	copy(at, data)
	return at
}

// Lock makes the bytes unwritable, until Unlock.
func (f *Fence) Lock(t testing.TB) {
	t.Helper()
	f.protect(t, unix.PROT_READ)
}

// Unlock makes them writable again.
func (f *Fence) Unlock(t testing.TB) {
	t.Helper()
	f.protect(t, unix.PROT_READ|unix.PROT_WRITE)
}

func (f *Fence) protect(t testing.TB, prot int) {
	t.Helper()
	if err := unix.Mprotect(f.inner, prot); err != nil {
		t.Fatal(err)
	}
}

// Watch calls what; a load or a store that the memory does not take is its error.
func Watch(what func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	what()
	return nil
}

// Around lays data both ways, at the end and at the front, unwritable, and calls what with
// each. What goes wrong is the test's failure.
func Around(t testing.TB, data []byte, what func(data []byte)) {
	t.Helper()
	f := New(t, len(data))
	for _, front := range []bool{false, true} {
		at := f.Lay(data, front)
		f.Lock(t)
		err := Watch(func() { what(at) })
		f.Unlock(t)
		if err != nil {
			t.Fatalf("front %v: %v", front, err)
		}
	}
}
