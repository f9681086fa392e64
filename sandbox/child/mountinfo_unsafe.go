package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file reads what the kernel says about mounts in text: /proc/self/mountinfo and
// the mnt_id of /proc/self/fdinfo (proc(5)).

// mountinfo is a cursor over /proc/self/mountinfo, read through the room's buffer.
type mountinfo struct {
	fd         uintptr
	have, next uintptr // bytes in the buffer; where the next line begins
	lenient    bool    // a line that is longer than the buffer is left out,
	skipped    bool    // and this says so; anybody can move a mount point of his that deep
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
func openMountinfo() (mountinfo, unix.Errno) {
	if room.apart == 0 {
		if e := moveInto(room.base); e != 0 {
			return mountinfo{}, e
		}
	}
	fd := openat(room.proc, text("self/mountinfo\x00"), unix.O_RDONLY, 0)
	if room.apart == 0 {
		if e := moveInto(room.old); e != 0 {
			return mountinfo{}, e
		}
	}
	return mountinfo{fd: fd}, errno(fd)
}

// read parses the next line; more is false at the end.
func (m *mountinfo) read(out *mountLine) (more bool, e unix.Errno) {
	buf := unsafe.Pointer(&room.data)
	for {
		for i := m.next; i < m.have; i++ {
			if *(*byte)(unsafe.Add(buf, i)) == '\n' {
				*(*byte)(unsafe.Add(buf, i)) = 0
				if m.inside {
					m.inside = false
					m.next = i + 1
					continue
				}
				ok := parseMountLine(m.next, i, out)
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
		if m.have >= dataBuf && m.lenient {
			m.inside, m.skipped = true, true
			m.have = 0
		}
		if m.have >= dataBuf {
			return false, unix.EBADMSG
		}
		n := raw(unix.SYS_READ, m.fd, addr(buf)+m.have, dataBuf-m.have, 0, 0, 0)
		if e := errno(n); e == unix.EINTR {
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

// parseMountLine reads "ID PARENT MAJ:MIN ROOT POINT OPTIONS …" at [at, end).
func parseMountLine(at, end uintptr, out *mountLine) bool {
	buf := unsafe.Pointer(&room.data)
	ok := false
	if out.id, at, ok = field(at, end); !ok {
		return false
	}
	if out.parent, at, ok = field(at, end); !ok {
		return false
	}
	at = skipField(skipField(at, end), end)
	out.point = at
	options := skipField(at, end)
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
	out.unbindable = tagged(options, end)
	return true
}

// tagged looks for "unbindable" among the optional fields, which end with "-".
func tagged(at, end uintptr) bool {
	buf := unsafe.Pointer(&room.data)
	for at = skipField(at, end); at < end && *(*byte)(unsafe.Add(buf, at)) != '-'; at = skipField(at, end) {
		if is(unsafe.Add(buf, at), 11, text("unbindable \x00")) {
			return true
		}
	}
	return false
}

func field(at, end uintptr) (value, next uintptr, ok bool) {
	buf := unsafe.Pointer(&room.data)
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

func skipField(at, end uintptr) uintptr {
	for at < end && *(*byte)(unsafe.Add(unsafe.Pointer(&room.data), at)) != ' ' {
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

// digit is the octal digit at p+i, or something above 7. It is asked for i+1 only
// after i was a digit, so it does not read past the string's NUL.
func digit(p unsafe.Pointer, i uintptr) byte {
	return *(*byte)(unsafe.Add(p, i)) - '0'
}

func mountFlag(p unsafe.Pointer, n uintptr) uintptr {
	switch {
	case is(p, n, text("ro\x00")):
		return unix.MS_RDONLY
	case is(p, n, text("nosuid\x00")):
		return unix.MS_NOSUID
	case is(p, n, text("nodev\x00")):
		return unix.MS_NODEV
	case is(p, n, text("noexec\x00")):
		return unix.MS_NOEXEC
	case is(p, n, text("nosymfollow\x00")):
		return unix.MS_NOSYMFOLLOW
	}
	return 0 // the atime kinds stay when a remount names none (3.17)
}

func is(p unsafe.Pointer, n uintptr, word unsafe.Pointer) bool {
	for i := uintptr(0); i < n; i++ {
		if *(*byte)(unsafe.Add(p, i)) != *(*byte)(unsafe.Add(word, i)) {
			return false
		}
	}
	return *(*byte)(unsafe.Add(word, n)) == 0
}

// findMount looks a mount up by its id.
func findMount(id uintptr, line *mountLine) bool {
	m, e := openMountinfo()
	if e != 0 {
		return false
	}
	for {
		more, e := m.read(line)
		if e != 0 || !more || line.id == id {
			closeFd(m.fd)
			return e == 0 && more
		}
	}
}

// mountID reads the mount id of an open file from its fdinfo. Before 5.14 the fdinfo of
// an undumpable process is root's alone.
func mountID(fd uintptr) (uintptr, unix.Errno) {
	name := unsafe.Pointer(&room.small)
	n := put(name, text("self/fdinfo/\x00"))
	putNumber(unsafe.Add(name, n), fd)
	info := privileged(unix.CAP_DAC_READ_SEARCH, unix.SYS_OPENAT, room.proc, addr(name), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	if e := errno(info); e != 0 {
		return 0, e
	}
	p := unsafe.Pointer(&room.names[0])
	got := readFull(info, p, 1024)
	closeFd(info)
	for i := uintptr(0); i+8 < got; i++ {
		if !is(unsafe.Add(p, i), 8, text("mnt_id:\t\x00")) {
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
