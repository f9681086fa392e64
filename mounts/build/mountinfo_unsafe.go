package build

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// This file reads what the kernel says about mounts in text: /proc/self/mountinfo and
// the mnt_id of /proc/self/fdinfo (proc(5)).

// mountinfo is a cursor over /proc/self/mountinfo, whose text is in buffers.info.
type mountinfo struct {
	fd         uintptr
	have, next uintptr // bytes in the buffer; where the next line begins
	lenient    bool    // a line that is longer than the buffer is left out,
	skipped    bool    // and this says so; every user can move a mount point that deep
	inside     bool    // the rest of such a line comes
}

// mountLine is what a line of mountinfo says.
type mountLine struct {
	id, parent uintptr
	point      uintptr // offset of the mount point in the buffer, made NUL-ended and unescaped
	flags      uintptr // MS_* of the mount itself
	unbindable bool
}

// openMountinfo opens it as seen from the frame, where every mount is reachable.
func (r *Root) openMountinfo() (mountinfo, unix.Errno) {
	if r.apart == 0 {
		if e := r.MoveInto(r.base); e != 0 {
			return mountinfo{}, e
		}
	}
	fd := raw.Openat(r.Proc, raw.Text("self/mountinfo\x00"), unix.O_RDONLY, 0)
	if r.apart == 0 {
		if e := r.MoveInto(r.old); e != 0 {
			return mountinfo{}, e
		}
	}
	return mountinfo{fd: fd}, raw.Errno(fd)
}

// readMount parses the next line; more is false at the end.
func (r *Root) readMount(m *mountinfo, out *mountLine) (more bool, e unix.Errno) {
	buf := unsafe.Pointer(&buffers.info.text)
	for {
		for i := m.next; i < m.have; i++ {
			if *(*byte)(unsafe.Add(buf, i)) == '\n' {
				*(*byte)(unsafe.Add(buf, i)) = 0
				if m.inside {
					m.inside = false
					m.next = i + 1
					continue
				}
				ok := parseMountLine(buf, m.next, i, out)
				m.next = i + 1
				if !ok {
					return false, unix.EBADMSG
				}
				return true, 0
			}
		}
		for i := m.next; i < m.have; i++ { // keep the part of a line
			*(*byte)(unsafe.Add(buf, i-m.next)) = *(*byte)(unsafe.Add(buf, i))
		}
		m.have -= m.next
		m.next = 0
		// The buffer holds two paths of 4095 bytes with each byte escaped; a mount point can only
		// be longer if a directory above it was moved deeper.
		if m.have >= infoBuf && m.lenient {
			m.inside, m.skipped = true, true
			m.have = 0
		}
		if m.have >= infoBuf {
			return false, unix.EBADMSG
		}
		n := raw.Call(unix.SYS_READ, m.fd, raw.Addr(buf)+m.have, infoBuf-m.have, 0, 0, 0)
		if e := raw.Errno(n); e == unix.EINTR {
			continue
		} else if e != 0 {
			return false, e
		}
		if n == 0 && m.have > 0 {
			return false, unix.EBADMSG // a line without its end
		}
		if n == 0 {
			return false, 0
		}
		m.have += n
	}
}

// mountPoint returns where the mount of a line is mounted, as long as no other line has been
// read.
func (r *Root) mountPoint(line *mountLine) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(&buffers.info.text), line.point)
}

// parseMountLine reads "ID PARENT MAJ:MIN ROOT POINT OPTIONS …" at [at, end).
func parseMountLine(buf unsafe.Pointer, at, end uintptr, out *mountLine) bool {
	ok := false
	if out.id, at, ok = field(buf, at, end); !ok {
		return false
	}
	if out.parent, at, ok = field(buf, at, end); !ok {
		return false
	}
	at = skipField(buf, skipField(buf, at, end), end)
	out.point = at
	options := skipField(buf, at, end)
	if options >= end {
		return false
	}
	*(*byte)(unsafe.Add(buf, options-1)) = 0
	unescape(unsafe.Add(buf, at))
	out.flags = 0
	for options < end && *(*byte)(unsafe.Add(buf, options)) != ' ' {
		stop := options
		for stop < end && *(*byte)(unsafe.Add(buf, stop)) != ' ' && *(*byte)(unsafe.Add(buf, stop)) != ',' {
			stop++
		}
		out.flags |= mountFlag(unsafe.Add(buf, options), stop-options)
		options = stop
		if options < end && *(*byte)(unsafe.Add(buf, options)) == ',' {
			options++
		}
	}
	out.unbindable = tagged(buf, options, end)
	return true
}

// tagged looks for "unbindable" among the optional fields, which end with "-".
func tagged(buf unsafe.Pointer, at, end uintptr) bool {
	for at = skipField(buf, at, end); at < end && *(*byte)(unsafe.Add(buf, at)) != '-'; at = skipField(buf, at, end) {
		if raw.IsWord(unsafe.Add(buf, at), 11, raw.Text("unbindable \x00")) {
			return true
		}
	}
	return false
}

// field reads a number up to the next space.
func field(buf unsafe.Pointer, at, end uintptr) (value, next uintptr, ok bool) {
	for first := at; at < end; at++ {
		c := *(*byte)(unsafe.Add(buf, at))
		if c == ' ' {
			return value, at + 1, at > first
		}
		if c < '0' || c > '9' {
			return 0, at, false
		}
		value = value*10 + uintptr(c-'0')
	}
	return 0, at, false
}

// skipField returns where the field behind the one at at begins.
func skipField(buf unsafe.Pointer, at, end uintptr) uintptr {
	for at < end && *(*byte)(unsafe.Add(buf, at)) != ' ' {
		at++
	}
	return at + 1
}

// unescape undoes the kernel's \ooo for space, tab, newline and backslash, in place.
func unescape(p unsafe.Pointer) {
	to := uintptr(0)
	for from := uintptr(0); ; from++ {
		c := *(*byte)(unsafe.Add(p, from))
		if c == '\\' {
			// Three octal digits, or it is a backslash: the kernel writes one as \134.
			a, b, d := digit(p, from+1), digit(p, from+2), byte(8)
			if a < 8 && b < 8 {
				d = digit(p, from+3)
			}
			if d < 8 {
				c = a<<6 | b<<3 | d
				from += 3
			}
		}
		*(*byte)(unsafe.Add(p, to)) = c
		if c == 0 {
			return
		}
		to++
	}
}

// digit returns the octal digit at p+i, or something above 7. It is asked for i+1 only after i
// was a digit, so it does not read past the string's NUL.
func digit(p unsafe.Pointer, i uintptr) byte {
	return *(*byte)(unsafe.Add(p, i)) - '0'
}

// mountFlag returns the flag that a word of the mount's options stands for; 0 for others.
func mountFlag(p unsafe.Pointer, n uintptr) uintptr {
	switch {
	case raw.IsWord(p, n, raw.Text("ro\x00")):
		return unix.MS_RDONLY
	case raw.IsWord(p, n, raw.Text("nosuid\x00")):
		return unix.MS_NOSUID
	case raw.IsWord(p, n, raw.Text("nodev\x00")):
		return unix.MS_NODEV
	case raw.IsWord(p, n, raw.Text("noexec\x00")):
		return unix.MS_NOEXEC
	case raw.IsWord(p, n, raw.Text("nosymfollow\x00")):
		return unix.MS_NOSYMFOLLOW
	}
	return 0 // the atime kinds stay when a remount names none (3.17)
}

// findMount looks a mount up by its id.
func (r *Root) findMount(id uintptr, line *mountLine) bool {
	m, e := r.openMountinfo()
	if e != 0 {
		return false
	}
	for {
		more, e := r.readMount(&m, line)
		if e != 0 || !more || line.id == id {
			raw.Close(m.fd)
			return e == 0 && more
		}
	}
}

// mountID reads the mount id of an open file from its fdinfo.
func (r *Root) mountID(fd uintptr) (uintptr, unix.Errno) {
	var path raw.Link
	name := unsafe.Pointer(&path)
	raw.PutNumber(unsafe.Add(name, raw.Put(name, raw.Text("self/fdinfo/\x00"))), fd)
	info := raw.Openat(r.Proc, name, unix.O_RDONLY, 0)
	if e := raw.Errno(info); e != 0 {
		return 0, e
	}
	p := unsafe.Pointer(&buffers.info.fd)
	got := raw.ReadFull(info, p, uintptr(len(buffers.info.fd)))
	raw.Close(info)
	for i := uintptr(0); i+8 < got; i++ {
		if !raw.IsWord(unsafe.Add(p, i), 8, raw.Text("mnt_id:\t\x00")) {
			continue
		}
		id := uintptr(0)
		for k := i + 8; k < got; k++ {
			c := *(*byte)(unsafe.Add(p, k))
			if c < '0' || c > '9' {
				break
			}
			id = id*10 + uintptr(c-'0')
		}
		return id, 0
	}
	return 0, unix.EBADMSG
}
