package suid

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper, which parses setuid.conf and applies it to namespaces; the first process, which
// inherits the parsed form and applies it to steps.
//
// The text is the administrator's, so trusted, but the parser is strict: a misspelt restriction must not
// silently permit what it was meant to refuse. Every unknown word is an error. There is one directive a line:
//
//	# comment: numbers from getent group NAME
//	groups 100 1001
//	refuse --unshare-user --bind
//	off

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// ReadConf parses the n bytes of setuid.conf at p into c. The last byte must be a newline. ids are the caller's
// nids groups. It returns 0, or the number of the first line that it does not understand.
func ReadConf(p unsafe.Pointer, n uintptr, ids unsafe.Pointer, nids uintptr, c *Conf) uint32 {
	w := words{p: p}
	for line := uint32(1); w.at < n; line++ {
		empty, off, groups, refuse := !w.next(), w.is("off"), w.is("groups"), w.is("refuse")
		switch {
		case off:
			c.Deny |= DenyAll
		case groups && !c.Member:
			c.Deny |= DenyOthers
		}
		valid := empty || off
		for more := w.next(); more; more = valid && w.next() {
			valid = groups && c.addGroup(&w, ids, nids) || refuse && c.addOption(&w)
		}
		if !valid {
			return line
		}
		w.at++
	}
	return 0
}

// words is a text and the place of one of its words. The last byte of the text is a newline.
type words struct {
	p        unsafe.Pointer
	at, size uintptr
}

// next goes to the next word of the line, and reports whether there is one. A comment ends the line.
func (w *words) next() bool {
	w.at += w.size
	for raw.ByteAt(w.p, w.at) == ' ' || raw.ByteAt(w.p, w.at) == '\t' {
		w.at++
	}
	for comment := raw.ByteAt(w.p, w.at) == '#'; comment && raw.ByteAt(w.p, w.at) != '\n'; {
		w.at++
	}
	for w.size = 0; !endsWord(raw.ByteAt(w.p, w.at+w.size)); {
		w.size++
	}
	return w.size > 0
}

func endsWord(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

// is reports whether the word is text.
func (w *words) is(text string) bool {
	same := w.size == uintptr(len(text))
	for i := range len(text) {
		same = same && raw.ByteAt(w.p, w.at+uintptr(i)) == text[i]
	}
	return same
}

func (c *Conf) addOption(w *words) (known bool) {
	for i := range len(features) {
		if w.is(features[i].option) {
			c.Refused |= 1 << uint(i)
			c.Deny |= features[i].deny
			known = true
		}
	}
	return known
}

// addGroup takes a decimal group id, at most 2³²-2 (user_namespaces(7)).
func (c *Conf) addGroup(w *words, ids unsafe.Pointer, nids uintptr) bool {
	v := uint64(0)
	for i := range w.size {
		d := raw.ByteAt(w.p, w.at+i)
		if d < '0' || d > '9' || v > 1<<32 {
			return false
		}
		v = v*10 + uint64(d-'0')
	}
	for i := range nids {
		if uint64(*(*uint32)(unsafe.Add(ids, 4*i))) == v {
			c.Member, c.Deny = true, c.Deny&^DenyOthers
		}
	}
	return v < 1<<32-1
}

// CheckSteps checks the steps of a plan, in the first process. It returns 0, or a refusal as Extra packs
// it and the step.
func (c *Conf) CheckSteps(base unsafe.Pointer) (uint32, uint32) {
	h := (*plan.Header)(base)
	for n := 0; n < len(features); n++ {
		for i := uint32(0); c.Refused>>uint(n)&1 != 0 && i < h.Steps; i++ {
			if features[n].used(plan.StepAt(base, i)) {
				return Extra(ReasonConfOption, uint32(n)), i
			}
		}
	}
	return 0, 0
}

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
