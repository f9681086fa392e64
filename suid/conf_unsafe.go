package suid

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// ReadConf reads the n bytes of setuid.conf at p into c: a directive a line,
//
//	# only for these, by number (getent group NAME)
//	groups 100 1001
//	refuse --unshare-user --bind
//	off
//
// ids are the caller's nids groups. It returns 0, or the number of the first line that
// it does not understand, all of it.
func ReadConf(p unsafe.Pointer, n uintptr, ids unsafe.Pointer, nids uintptr, c *Conf) uint32 {
	line := uint32(1)
	for at := uintptr(0); at < n; line++ {
		end := at
		for end < n && *(*byte)(unsafe.Add(p, end)) != '\n' {
			end++
		}
		if !directive(p, at, end, ids, nids, c) {
			return line
		}
		at = end + 1
	}
	return 0
}

// directive reads one line, the bytes [at, end).
func directive(p unsafe.Pointer, at, end uintptr, ids unsafe.Pointer, nids uintptr, c *Conf) bool {
	key, at, size := word(p, at, end)
	switch {
	case size == 0:
		return true
	case is(key, size, "off"):
		c.Off = true
		_, _, more := word(p, at, end)
		return more == 0
	case is(key, size, "groups"):
		c.Limited = true
		return operands(p, at, end, ids, nids, c, false)
	case is(key, size, "refuse"):
		return operands(p, at, end, ids, nids, c, true)
	}
	return false
}

// operands reads the words behind a directive; there must be one.
func operands(p unsafe.Pointer, at, end uintptr, ids unsafe.Pointer, nids uintptr, c *Conf, options bool) bool {
	for count := 0; ; count++ {
		w, next, size := word(p, at, end)
		if size == 0 {
			return count > 0
		}
		if options && !refuse(w, size, c) || !options && !group(w, size, ids, nids, c) {
			return false
		}
		at = next
	}
}

// word finds the next word of a line, and where it ends. A comment counts as the end.
func word(p unsafe.Pointer, at, end uintptr) (w unsafe.Pointer, next, size uintptr) {
	for at < end && blank(*(*byte)(unsafe.Add(p, at))) {
		at++
	}
	next = at
	if at < end && *(*byte)(unsafe.Add(p, at)) == '#' {
		return unsafe.Add(p, at), end, 0
	}
	for next < end && !blank(*(*byte)(unsafe.Add(p, next))) {
		next++
	}
	return unsafe.Add(p, at), next, next - at
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

func is(w unsafe.Pointer, size uintptr, text string) bool {
	if size != uintptr(len(text)) {
		return false
	}
	t := unsafe.Pointer(unsafe.StringData(text))
	for i := uintptr(0); i < size; i++ {
		if *(*byte)(unsafe.Add(w, i)) != *(*byte)(unsafe.Add(t, i)) {
			return false
		}
	}
	return true
}

func refuse(w unsafe.Pointer, size uintptr, c *Conf) bool {
	for i := 0; i < len(features); i++ {
		if is(w, size, features[i].option) {
			c.Refused |= 1 << uint(i)
			return true
		}
	}
	return false
}

// group reads a group id, decimal; ids go up to 2³²-2 (user_namespaces(7)).
func group(w unsafe.Pointer, size uintptr, ids unsafe.Pointer, nids uintptr, c *Conf) bool {
	v := uint64(0)
	for i := uintptr(0); i < size; i++ {
		d := *(*byte)(unsafe.Add(w, i))
		if d < '0' || d > '9' || v > 1<<32 {
			return false
		}
		v = v*10 + uint64(d-'0')
	}
	if v >= 1<<32-1 {
		return false
	}
	for i := uintptr(0); i < nids; i++ {
		if *(*uint32)(unsafe.Add(ids, 4*i)) == uint32(v) {
			c.Member = true
		}
	}
	return true
}

// Restrict judges a plan by the administrator's word. It returns the row that refuses,
// as Extra packs it, and the step.
func (c *Conf) Restrict(base unsafe.Pointer) (uint32, uint32) {
	if c.Off {
		return Extra(RowConfOff, 0), plan.NoStep
	}
	if c.Limited && !c.Member {
		return Extra(RowConfGroup, 0), plan.NoStep
	}
	h := (*plan.Header)(base)
	for n := 0; n < len(features); n++ {
		if c.Refused>>uint(n)&1 == 0 {
			continue
		}
		f := &features[n]
		if f.kind == byClone && h.Clone&f.value != 0 && (f.value != unix.CLONE_NEWUSER || h.Flags&plan.FlagTryUser == 0) {
			return Extra(RowConfOption, uint32(n)), plan.NoStep
		}
		for i := uint32(0); i < h.Steps; i++ {
			if f.used(plan.StepAt(base, i)) {
				return Extra(RowConfOption, uint32(n)), i
			}
		}
	}
	return 0, 0
}

// Skips reports whether a wish for a user namespace is to be left out.
func (c *Conf) Skips() bool { return c.Refused&1 != 0 }

// used reports whether a step is of the feature.
func (f *feature) used(s *plan.Step) bool {
	switch f.kind {
	case byOp:
		return uint32(s.Op) == f.value
	case byMount:
		return s.Op == plan.OpMount && s.A == f.value
	case byWritable:
		return s.Op == plan.OpBind && s.C&unix.MS_RDONLY == 0
	}
	return false
}
