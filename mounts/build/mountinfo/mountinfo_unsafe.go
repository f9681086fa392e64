package mountinfo

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// longest is the longest line of mountinfo that is read, in bytes. It holds two paths of 4095 bytes
// with each byte escaped; a mount point can only be longer if a directory above it was moved deeper.
const longest = 1 << 16

// buffers is what is read. There is one, as there is one reader at a time: a mount point that has to
// outlive the next line goes to point ([KeepPoint]).
//
//nolint:gochecknoglobals // static memory of code without a runtime
var buffers struct {
	fdinfo [1 << 10]byte
	text   [longest]byte
	point  [longest]byte
}

// Reader is a cursor over a mountinfo file, whose text is in memory of this package.
type Reader struct {
	FD         uintptr
	Lenient    bool    // a line that is longer than the buffer is left out,
	Skipped    bool    // and this says so; every user can move a mount point that deep
	inside     bool    // the rest of such a line comes
	have, next uintptr // bytes in the buffer; where the next line begins
}

// Line is what a line says.
type Line struct {
	ID, Parent uintptr
	Flags      uintptr // MS_* of the mount itself
	Unbindable bool
	point      uintptr // offset of the mount point in the buffer, made NUL-ended and unescaped
}

// Open opens the mountinfo of this process, with the host's /proc at proc. The kernel writes mount
// points as they are seen from the process's root at that moment, and leaves out mounts that are not
// reachable from there (proc_pid_mountinfo(5)).
func Open(proc uintptr) (Reader, unix.Errno) {
	// By the host's proc: the sandbox may have none, or another one.
	fd := raw.Openat(proc, raw.Text("self/mountinfo\x00"), unix.O_RDONLY, 0)
	return Reader{FD: fd}, raw.Errno(fd)
}

// Next parses the next line; more is false at the end. A line that cannot be parsed is EBADMSG, and
// not left out: what it says of a mount could be what keeps that mount from being read-only.
func (m *Reader) Next(out *Line) (more bool, e unix.Errno) {
	// The file is read in pieces of any size, and a line may lie in two of them.
	buf := unsafe.Pointer(&buffers.text)
	for {
		for i := m.next; i < m.have; i++ {
			if *(*byte)(unsafe.Add(buf, i)) == '\n' {
				*(*byte)(unsafe.Add(buf, i)) = 0
				// The end of a line that was left out. What was parsed of it is nothing.
				if m.inside {
					m.inside = false
					m.next = i + 1
					continue
				}
				ok := parse(buf, m.next, i, out)
				m.next = i + 1
				if !ok {
					return false, unix.EBADMSG
				}
				return true, 0
			}
		}
		// The rest of a line moves to the front, and the next piece is read behind it.
		for i := m.next; i < m.have; i++ { // keep the part of a line
			*(*byte)(unsafe.Add(buf, i-m.next)) = *(*byte)(unsafe.Add(buf, i))
		}
		m.have -= m.next
		m.next = 0
		// A search for the root can do without such a line; to make mounts read-only without it would
		// leave one writable.
		if m.have >= longest && m.Lenient {
			m.inside, m.Skipped = true, true
			m.have = 0
		}
		if m.have >= longest {
			return false, unix.EBADMSG
		}
		// A read gives a few pages at most, however large the buffer is, and may end within a line.
		n := raw.Call(unix.SYS_READ, m.FD, raw.Addr(buf)+m.have, longest-m.have, 0, 0, 0)
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

// Find reads on to the mount with an id, and reports whether it is there.
func (m *Reader) Find(id uintptr, line *Line) (found bool, e unix.Errno) {
	for {
		more, e := m.Next(line)
		if e != 0 || !more {
			return false, e
		}
		if line.ID == id {
			return true, 0
		}
	}
}

// ShowsRootfs reports whether this process's root is the kernel's first file system, rootfs, with the host's
// /proc at proc: that lies on no other, and mountinfo names it as its own parent.
func ShowsRootfs(proc uintptr) (shown bool, e unix.Errno) {
	m, e := Open(proc)
	if e != 0 {
		return false, e
	}
	// A line that is too long belongs to a mount that lies deep.
	m.Lenient = true
	var line Line
	for more := true; more && !shown; shown = more && line.ID == line.Parent {
		more, e = m.Next(&line)
	}
	m.Close()
	return shown, e
}

// Close ends the reading.
func (m *Reader) Close() { raw.Close(m.FD) }

// Point returns where the mount of a line is mounted, as long as no other line has been read.
func (l *Line) Point() unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(&buffers.text), l.point)
}

// KeepPoint copies the mount point of a line to where other lines do not overwrite it. There is
// memory for one.
func (l *Line) KeepPoint() unsafe.Pointer {
	kept := unsafe.Pointer(&buffers.point)
	raw.Put(kept, l.Point())
	return kept
}

// parse reads "ID PARENT MAJ:MIN ROOT POINT OPTIONS …" at [at, end).
func parse(buf unsafe.Pointer, at, end uintptr, out *Line) bool {
	ok := false
	// The ids are numbers, and the first two fields; a line that begins otherwise is not one of
	// mountinfo's.
	if out.ID, at, ok = field(buf, at, end); !ok {
		return false
	}
	if out.Parent, at, ok = field(buf, at, end); !ok {
		return false
	}
	// The device, and the root of the mount within its file system, say nothing about what can be
	// reached.
	at = skip(buf, skip(buf, at, end), end)
	out.point = at
	options := skip(buf, at, end)
	// A mount point that reaches to the end of the line is not followed by options.
	if options >= end {
		return false
	}
	*(*byte)(unsafe.Add(buf, options-1)) = 0
	// In place of the text: the line is read once.
	unescape(unsafe.Add(buf, at))
	// Words that are not known add nothing: the flags are given again when the mount is tightened, and
	// a word of a newer kernel is not one that mount(2) takes.
	out.Flags = 0
	// Only the first list of options is the mount's; another one behind the "-" is the file system's.
	for options < end && *(*byte)(unsafe.Add(buf, options)) != ' ' {
		stop := options
		for stop < end && *(*byte)(unsafe.Add(buf, stop)) != ' ' && *(*byte)(unsafe.Add(buf, stop)) != ',' {
			stop++
		}
		out.Flags |= flagOf(unsafe.Add(buf, options), stop-options)
		options = stop
		if options < end && *(*byte)(unsafe.Add(buf, options)) == ',' {
			options++
		}
	}
	out.Unbindable = tagged(buf, options, end)
	return true
}

// tagged looks for "unbindable" among the optional fields, of which there may be any number, and
// which end with "-".
func tagged(buf unsafe.Pointer, at, end uintptr) bool {
	for at = skip(buf, at, end); at < end && *(*byte)(unsafe.Add(buf, at)) != '-'; at = skip(buf, at, end) {
		if raw.IsWord(unsafe.Add(buf, at), 11, raw.Text("unbindable \x00")) {
			return true
		}
	}
	return false
}

// field reads a number up to the next space. One that is too large wraps around: the kernel's ids
// are ints.
func field(buf unsafe.Pointer, at, end uintptr) (value, next uintptr, ok bool) {
	// An empty field is not a number.
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

// skip returns where the field behind the one at at begins.
func skip(buf unsafe.Pointer, at, end uintptr) uintptr {
	for at < end && *(*byte)(unsafe.Add(buf, at)) != ' ' {
		at++
	}
	return at + 1
}

// unescape undoes the kernel's \ooo for space, tab, newline and backslash (mangle, fs/seq_file.c), in
// place: what it writes never overtakes what it reads.
func unescape(p unsafe.Pointer) {
	to := uintptr(0)
	for from := uintptr(0); ; from++ {
		c := *(*byte)(unsafe.Add(p, from))
		if c == '\\' {
			// Three octal digits, or it is a backslash: the kernel writes one as \134.
			// Only what the kernel writes is undone: a name may have a backslash in it only as \134.
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

// flagOf returns the flag that a word of the mount's options stands for; 0 for others.
func flagOf(p unsafe.Pointer, n uintptr) uintptr {
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
	return 0 // the atime kinds stay when a remount names none (since 3.17)
}

// IDOf reads the id of the mount that a descriptor lies on from its fdinfo (mnt_id, Linux 3.15),
// with the host's /proc at proc. statx(2) has it too (STATX_MNT_ID, 5.8), but this is wanted most
// where newer calls are missing or refused.
func IDOf(proc, fd uintptr) (uintptr, unix.Errno) {
	var path raw.Line
	name := unsafe.Pointer(&path)
	raw.PutNumber(unsafe.Add(name, raw.Put(name, raw.Text("self/fdinfo/\x00"))), fd)
	// fdinfo of an O_PATH descriptor has the id, too.
	info := raw.Openat(proc, name, unix.O_RDONLY, 0)
	if e := raw.Errno(info); e != 0 {
		return 0, e
	}
	p := unsafe.Pointer(&buffers.fdinfo)
	got := raw.ReadFull(info, p, uintptr(len(buffers.fdinfo)))
	raw.Close(info)
	// By its name: the kernel adds lines in front of it for some kinds of files.
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
