// Package fence places bytes next to a guard page, so that a load beyond them faults, and so does any
// store. It is for tests of functions that take a pointer and a length, and must trust neither the
// bytes nor a length that the bytes contain.
package fence

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

// Fence is memory between two guard pages.
type Fence struct {
	whole, inner []byte
}

// New maps memory for up to n bytes between guard pages.
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

// Lay copies data to the end of the memory, or, with front, to its beginning.
func (f *Fence) Lay(data []byte, front bool) []byte {
	at := f.inner[len(f.inner)-len(data):]
	if front {
		at = f.inner[:len(data)]
	}
	copy(at, data)
	return at
}

// Lock makes the memory read-only, until Unlock.
func (f *Fence) Lock(t testing.TB) {
	t.Helper()
	f.protect(t, unix.PROT_READ)
}

// Unlock makes the memory writable again.
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

// Watch calls what, and returns a fault in it as an error.
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

// Around lays data at the end and at the beginning, read-only, and calls what with each. A fault fails the
// test.
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
