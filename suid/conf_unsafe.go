package suid

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper, which parses setuid.conf and applies it to namespaces; the first process, which
// inherits the parsed form and applies it to steps.
//
// The text is the administrator's, so trusted, but the parser is strict: a misspelt restriction must
// not silently permit what it was meant to refuse. Every unknown word is an error.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// ReadConf parses the n bytes of setuid.conf at p into c, one directive a line. The last byte must be a newline:
//
//	# comment: numbers from getent group NAME
//	groups 100 1001
//	refuse --unshare-user --bind
//	off
//
// ids are the caller's nids groups. It returns 0, or the number of the first line that it does not
// understand.
func ReadConf(p unsafe.Pointer, n uintptr, ids unsafe.Pointer, nids uintptr, c *Conf) uint32 {
	line, key, words := uint32(1), none, 0
	for at := uintptr(0); at < n; at++ { // a word, which may be empty, and the byte that ends it
		word, size := unsafe.Add(p, at), uintptr(0)
		for !endsWord(raw.ByteAt(word, size)) {
			size++
		}
		if raw.ByteAt(word, 0) == '#' { // a comment ends the line
			for raw.ByteAt(word, size) != '\n' {
				size++
			}
		} else if size > 0 {
			words++
			if !c.addWord(&key, word, size, ids, nids) {
				return line
			}
		}
		if at += size; raw.ByteAt(p, at) == '\n' {
			if words == 1 && key != off {
				return line
			}
			line, key, words = line+1, none, 0
		}
	}
	return 0
}

// endsWord reports whether c ends a word.
func endsWord(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

// What a line has begun with.
const (
	none = iota
	off
	groups
	refused
)

// addWord takes the next word of a line that began with key, and reports whether it is valid.
func (c *Conf) addWord(key *int, w unsafe.Pointer, size uintptr, ids unsafe.Pointer, nids uintptr) bool {
	switch {
	case *key == groups:
		return c.addGroup(w, size, ids, nids)
	case *key == refused:
		return c.addOption(w, size)
	case *key != none:
		return false
	case equals(w, size, "off"):
		*key, c.Off = off, true
	case equals(w, size, "groups"):
		*key, c.Limited = groups, true
	case equals(w, size, "refuse"):
		*key = refused
	}
	return *key != none
}

func equals(w unsafe.Pointer, size uintptr, text string) bool {
	if size != uintptr(len(text)) {
		return false
	}
	for i := range len(text) {
		if raw.ByteAt(w, uintptr(i)) != text[i] {
			return false
		}
	}
	return true
}

func (c *Conf) addOption(w unsafe.Pointer, size uintptr) (known bool) {
	for i := range len(features) {
		if equals(w, size, features[i].option) {
			c.Refused |= 1 << uint(i)
			c.Deny |= features[i].deny
			known = true
		}
	}
	return known
}

// addGroup takes a decimal group id, at most 2³²-2 (user_namespaces(7)).
func (c *Conf) addGroup(w unsafe.Pointer, size uintptr, ids unsafe.Pointer, nids uintptr) bool {
	v := uint64(0)
	for i := range size {
		d := raw.ByteAt(w, i)
		if d < '0' || d > '9' || v > 1<<32 {
			return false
		}
		v = v*10 + uint64(d-'0')
	}
	for i := range nids {
		c.Member = c.Member || uint64(*(*uint32)(unsafe.Add(ids, 4*i))) == v
	}
	return v < 1<<32-1
}

// Judge checks what the keeper is asked for: the namespaces. It returns 0, or a refusal as Extra packs
// it. With try the user namespace is optional, and not refused here.
func (c *Conf) Judge(clone uint32, try bool) uint32 {
	if c.Off {
		return Extra(ReasonConfOff, 0)
	}
	if c.Limited && !c.Member {
		return Extra(ReasonConfGroup, 0)
	}
	for n := range len(features) {
		f := &features[n]
		if c.refuses(n) && f.kind == byClone && clone&f.value != 0 && (f.value != unix.CLONE_NEWUSER || !try) {
			return Extra(ReasonConfOption, uint32(n))
		}
	}
	return 0
}

func (c *Conf) refuses(n int) bool { return c.Refused>>uint(n)&1 != 0 }

// CheckSteps checks the steps of a plan, in the first process. It returns 0, or a refusal as Extra packs
// it and the step.
func (c *Conf) CheckSteps(base unsafe.Pointer) (uint32, uint32) {
	h := (*plan.Header)(base)
	for n := 0; n < len(features); n++ {
		for i := uint32(0); c.refuses(n) && i < h.Steps; i++ {
			if features[n].used(plan.StepAt(base, i)) {
				return Extra(ReasonConfOption, uint32(n)), i
			}
		}
	}
	return 0, 0
}

// Skips reports whether an optional user namespace is to be left out.
func (c *Conf) Skips() bool { return c.Refused&1 != 0 }

// used reports whether a step uses the feature.
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
