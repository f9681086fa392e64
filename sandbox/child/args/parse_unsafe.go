package args

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher, while there is no first process, and as the caller.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/internal/version"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	bpf "github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

// Find finds argv and the environment, which the kernel lays one behind the other
// (execve(2)). It reports false where they are not, or there is no argv[0].
func Find(sp unsafe.Pointer) bool {
	state.stack = raw.Addr(sp)
	argc := *(*uintptr)(sp)
	if argc == 0 {
		return false
	}
	base := *(*uintptr)(unsafe.Add(sp, 8))
	state.textAt = base
	at := base
	for i := uintptr(0); i < argc; i++ {
		// A later word that lies elsewhere has been put there by whatever started us, such as an
		// emulator. Offsets into one text would not do then; the Go program copies the strings.
		if *(*uintptr)(unsafe.Add(sp, 8+8*i)) != at {
			return false
		}
		at += raw.Strlen(raw.Mapped(at)) + 1
		if i == 0 {
			state.first = uint32(at - base)
		}
	}
	state.end, state.env = uint32(at-base), uint32(at-base)
	for p := unsafe.Add(sp, 8+8*argc+8); *(*uintptr)(p) != 0; p = unsafe.Add(p, 8) {
		if *(*uintptr)(p) != at {
			return false
		}
		at += raw.Strlen(raw.Mapped(at)) + 1
	}
	state.envEnd, state.textLen = uint32(at-base), at-base
	return state.textLen < 1<<30 // offsets of words are 32 bits wide
}

// lineText returns the words, the environment, and what was read from descriptors: one text, so that
// an offset of 32 bits names any of it.
func lineText() flat.Text { return unsafe.Slice((*byte)(raw.Mapped(state.textAt)), state.textLen) }

// items returns the memory for the items that the parser makes of the words.
func items() []flat.Item {
	if state.itemsAt == 0 {
		return unsafe.Slice((*flat.Item)(unsafe.Pointer(&state.pool)), unsafe.Sizeof(state.pool)/unsafe.Sizeof(flat.Item{}))
	}
	return unsafe.Slice((*flat.Item)(raw.Mapped(state.itemsAt)), state.nitems)
}

// knownDescriptors returns what has been found out about descriptors. The parser makes no system
// call itself: it stops, asks, and is run again.
func knownDescriptors() []cmdline.Known { return state.known[:min(state.nknown, maxKnown)] }

// Parse reads the command line. It reports whether it could, and without a runtime.
func Parse() bool {
	p := &state.parser
	p.Start(flat.Word(state.first), flat.Word(state.end))
	for {
		switch p.Run(lineText(), knownDescriptors(), items()) {
		case cmdline.Done:
			return true
		// There are rarely more than a pool holds: a caller with hundreds of binds.
		case cmdline.Full:
			if !growItems() {
				return false
			}
		case cmdline.Ask:
			if state.nknown >= maxKnown { // the front end has a heap, and takes any number
				return false
			}
			k := &state.known[state.nknown&(maxKnown-1)]
			*k = cmdline.Known{FD: p.FD}
			k.Open = Passed(uintptr(p.FD))
			k.Write = k.Open && CanWrite(uintptr(p.FD))
			state.nknown++
		// Read from where it stands, to its end, as a pipe can only be: what has been read is not
		// read again by the front end (Words).
		case cmdline.Read:
			if !readDescriptor() {
				return false
			}
		default:
			return p.Fault.Code == cmdline.AskVersion && sayVersion()
		}
	}
}

// sayVersion answers --version and ends the program. It returns false where the answer could not
// be written.
func sayVersion() bool {
	// By argv[0], without its NUL: under a name of bwrap's the answer is another one (package version).
	answer := version.Line(unsafe.String((*byte)(raw.Mapped(state.textAt)), int(state.first)-1))
	if raw.WriteFull(1, raw.Text(answer), uintptr(len(answer))) == 0 {
		raw.Exit(0)
	}
	return false
}

// Passed reports whether the caller passed fd in. What came through exec is not
// close-on-exec; all that we have opened since is.
func Passed(fd uintptr) bool {
	flags := raw.Fcntl(fd, unix.F_GETFD, 0)
	return raw.Errno(flags) == 0 && flags&unix.FD_CLOEXEC == 0
}

// CanWrite reports whether a descriptor was opened for writing.
func CanWrite(fd uintptr) bool {
	flags := raw.Fcntl(fd, unix.F_GETFL, 0)
	return raw.Errno(flags) == 0 && flags&unix.O_ACCMODE != unix.O_RDONLY && flags&unix.O_PATH == 0
}

// readDescriptor reads the descriptor that the parser asks for to its end, from where it stands.
// What cannot be read is the parser's matter; false where memory is short.
func readDescriptor() bool {
	const chunk = 1 << 12
	p := &state.parser
	i := 0
	for i < len(state.known)-1 && state.known[i].FD != p.FD {
		i++
	}
	k := &state.known[i&(maxKnown-1)]
	k.At = flat.Word(state.textLen)
	for {
		if !growText(chunk + 1) {
			return false
		}
		r := raw.Call(unix.SYS_READ, uintptr(p.FD), state.textAt+state.textLen, chunk, 0, 0, 0)
		if e := raw.Errno(r); e == unix.EINTR {
			continue
		} else if e != 0 {
			k.Errno = uint32(e)
			break
		}
		state.textLen += r
		k.Len += uint32(r)
		if k.Long = k.Len > p.Limit; r == 0 || k.Long {
			break
		}
	}
	// So that a path in it can be handed to the kernel.
	*(*byte)(raw.Mapped(state.textAt + state.textLen)) = 0
	state.textLen++
	k.Read = true
	k.Bad = p.Filter && k.Errno == 0 && bpf.Find(lineText()[k.At:][:k.Len], &state.cells).Why != bpf.Sound
	return true
}

// growItems doubles the list of items.
func growItems() bool {
	have := items()
	n := 2 * uintptr(len(have))
	at := launch.MapMemory(n * unsafe.Sizeof(flat.Item{}))
	if at == 0 {
		return false
	}
	copy(unsafe.Slice((*flat.Item)(raw.Mapped(at)), n), have)
	state.itemsAt, state.nitems = at, n
	return true
}

// growText makes place for n more bytes at the text's end.
func growText(n uintptr) bool {
	if state.textCap != 0 && state.textLen+n <= state.textCap {
		return true
	}
	size := 2*state.textLen + n
	// The words lie on the stack, where the kernel has put them: there is no room behind them.
	at := launch.MapMemory(size)
	if at == 0 || size > 1<<30 { // as in Find
		return false
	}
	copy(unsafe.Slice((*byte)(raw.Mapped(at)), size), lineText())
	state.textAt, state.textCap = at, size
	return true
}

// NeedsGo reports whether a command line that is without a fault takes a Go runtime
// nevertheless. These are the reasons; a fault is one too.
func NeedsGo(hasKeeper bool) bool {
	s := &state.parser.Spec
	if s.On(flat.Explain) || s.On(flat.DryRun) { // texts are asked for
		return true
	}
	if s.On(flat.MapAuto) { // newuidmap
		return true
	}
	if s.Strs[flat.ExecLabel].Given() || s.Strs[flat.FileLabel].Given() { // SELinux is asked about
		return true
	}
	if s.Numbers[flat.Mode] == flat.Setuid && !hasKeeper { // refused: this binary is not set-id
		return true
	}
	list := items()
	for i := 0; i < state.parser.Items && i < len(list); i++ {
		switch kind := list[i].Kind; {
		// Messages, gobwrap-seccomp, newuidmap.
		case kind == flat.Warning, kind == flat.NotOpen, kind == flat.Profile, kind == flat.UIDMap, kind == flat.GIDMap:
			return true
		// A warning, perhaps.
		case kind == tree.Dev && s.AddCaps != 0, tree.Denies(kind) && s.AddCaps>>unix.CAP_SYS_ADMIN&1 != 0:
			return true
		}
	}
	return s.AddCaps != 0 && s.On(flat.DisableUsers) // the same
}
