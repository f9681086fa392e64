package child

// No runtime; bounds are checked. See doc.go for the laws of this file.
// Runs in: the launcher, while there is no first process, and as the caller.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/version"
	bpf "github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// This file reads the command line and makes the plan where no Go runtime is needed for it.
// Where one is (see needsGo), nothing has been changed: the front end starts, and finds in
// line what has been read already.

const (
	// maxKnown is how many descriptors the parser may ask about here.
	maxKnown = 64
	// maxRuns is more than the compiler ever takes: one to measure, one for PWD, one to write,
	// and as many again where the pool is too small for the environment.
	maxRuns = 8
)

// line is what is known of the command line. It holds no pointer.
//
//nolint:gochecknoglobals // the memory of this file
var line struct {
	nknown           uintptr // descriptors that the parser has asked about
	itemsAt, nitems  uintptr // where there are more items than pool holds: address, and how many
	taken            uintptr // of pool
	textAt, textLen  uintptr // the words, the environment, and what was read
	textCap          uintptr // 0: it is the stack's
	first, end       uint32  // offsets: of the first word behind argv[0], and of what follows the last
	env, envEnd      uint32
	planAt, planSize uintptr
	originsAt        uintptr // an offset into the text for each step of the plan

	filtered uint32 // a seccomp filter is in force, which may kill set-up
	// The same of a tentative plan that the kernel has refused; 0: there was none.
	firstPlanAt, firstPlanSize, firstOriginsAt uintptr
	firstMessage                               [plan.MessageSize / 4]uint32

	heard   uint32                       // what became of the launch; see direct_unsafe.go
	message [plan.MessageSize / 4]uint32 // what was said of it

	parser cmdline.Parser
	pool   [1 << 14]byte // the items, then the working directory and the plan: see carve
	known  [maxKnown]cmdline.Known
	cells  bpf.Cells
}

// The launcher's memory is one struct with what every launch writes first, and everything that
// a launch makes of the command line lies in one pool without gaps: each page that is written
// costs a fault, and another one in each process that is forked and writes to it too.

// findWords finds argv and the environment, which the kernel lays one behind the other
// (execve(2)). It reports false where they are not, or there is no argv[0].
func findWords(sp unsafe.Pointer) bool {
	argc := *(*uintptr)(sp)
	if argc == 0 {
		return false
	}
	base := *(*uintptr)(unsafe.Add(sp, 8))
	line.textAt = base
	at := base
	for i := uintptr(0); i < argc; i++ {
		if *(*uintptr)(unsafe.Add(sp, 8+8*i)) != at {
			return false
		}
		at += raw.Strlen(raw.Mapped(at)) + 1
		if i == 0 {
			line.first = uint32(at - base)
		}
	}
	line.end, line.env = uint32(at-base), uint32(at-base)
	for p := unsafe.Add(sp, 8+8*argc+8); *(*uintptr)(p) != 0; p = unsafe.Add(p, 8) {
		if *(*uintptr)(p) != at {
			return false
		}
		at += raw.Strlen(raw.Mapped(at)) + 1
	}
	line.envEnd, line.textLen = uint32(at-base), at-base
	return line.textLen < 1<<30 // offsets of words are 32 bits wide
}

func lineText() flat.Text { return unsafe.Slice((*byte)(raw.Mapped(line.textAt)), line.textLen) }

func lineItems() []flat.Item {
	if line.itemsAt == 0 {
		return unsafe.Slice((*flat.Item)(unsafe.Pointer(&line.pool)), unsafe.Sizeof(line.pool)/unsafe.Sizeof(flat.Item{}))
	}
	return unsafe.Slice((*flat.Item)(raw.Mapped(line.itemsAt)), line.nitems)
}

func lineKnown() []cmdline.Known { return line.known[:min(line.nknown, maxKnown)] }

// parseLine reads the command line. It reports whether it could, and without a runtime.
func parseLine() bool {
	p := &line.parser
	p.Start(flat.Word(line.first), flat.Word(line.end))
	for {
		switch p.Run(lineText(), lineKnown(), lineItems()) {
		case cmdline.Done:
			return true
		case cmdline.Full:
			if !growItems() {
				return false
			}
		case cmdline.Ask:
			if line.nknown >= maxKnown {
				return false
			}
			k := &line.known[line.nknown&(maxKnown-1)]
			*k = cmdline.Known{FD: p.FD}
			k.Open = passed(uintptr(p.FD))
			k.Write = k.Open && canWrite(uintptr(p.FD))
			line.nknown++
		// Read from where it stands, to its end, as a pipe can only be: what has been read is not
		// read again by the front end (Words).
		case cmdline.Read:
			if !readKnown() {
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
	answer := version.Line(unsafe.String((*byte)(raw.Mapped(line.textAt)), int(line.first)-1))
	if raw.WriteFull(1, raw.Text(answer), uintptr(len(answer))) == 0 {
		raw.Exit(0)
	}
	return false
}

// passed reports whether the caller passed fd in. What came through exec is not
// close-on-exec; all that we have opened since is.
func passed(fd uintptr) bool {
	flags := raw.Fcntl(fd, unix.F_GETFD, 0)
	return raw.Errno(flags) == 0 && flags&unix.FD_CLOEXEC == 0
}

// canWrite reports whether a descriptor was opened for writing.
func canWrite(fd uintptr) bool {
	flags := raw.Fcntl(fd, unix.F_GETFL, 0)
	return raw.Errno(flags) == 0 && flags&unix.O_ACCMODE != unix.O_RDONLY && flags&unix.O_PATH == 0
}

// memory maps n bytes; 0 where there are none to be had.
func memory(n uintptr) uintptr {
	r := raw.Call(unix.SYS_MMAP, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if raw.Errno(r) != 0 {
		return 0
	}
	return r
}

// carve returns the address of n bytes, of the pool where it has so many; 0 where there are none.
func carve(n uintptr) uintptr {
	at := (line.taken + 7) &^ 7
	if n > unsafe.Sizeof(line.pool) || at+n > unsafe.Sizeof(line.pool) {
		return memory(n)
	}
	line.taken = at + n
	return raw.Addr(unsafe.Pointer(&line.pool)) + at
}

// workingDirectory returns the caller's; nil if it has no name.
func workingDirectory() []byte {
	before := line.taken
	at := carve(unix.PathMax)
	if at == 0 {
		return nil
	}
	path := unsafe.Slice((*byte)(raw.Mapped(at)), unix.PathMax)
	n := raw.Call(unix.SYS_GETCWD, at, unix.PathMax, 0, 0, 0, 0)
	if raw.Errno(n) != 0 || n <= 1 || n > unix.PathMax || path[0] != '/' {
		line.taken = before
		return nil
	}
	if line.taken != before { // what it does not need stays in the pool
		line.taken -= unix.PathMax - n
	}
	return path[:n-1]
}

// growItems doubles the list of items.
func growItems() bool {
	have := lineItems()
	n := 2 * uintptr(len(have))
	at := memory(n * unsafe.Sizeof(flat.Item{}))
	if at == 0 {
		return false
	}
	copy(unsafe.Slice((*flat.Item)(raw.Mapped(at)), n), have)
	line.itemsAt, line.nitems = at, n
	return true
}

// growText makes place for n more bytes at the text's end.
func growText(n uintptr) bool {
	if line.textCap != 0 && line.textLen+n <= line.textCap {
		return true
	}
	size := 2*line.textLen + n
	// The words lie on the stack, where the kernel has put them: there is no room behind them.
	at := memory(size)
	if at == 0 || size > 1<<30 {
		return false
	}
	copy(unsafe.Slice((*byte)(raw.Mapped(at)), size), lineText())
	line.textAt, line.textCap = at, size
	return true
}

// readKnown reads the descriptor that the parser asks for to its end, from where it stands.
// What cannot be read is the parser's matter; false where memory is short.
func readKnown() bool {
	const chunk = 1 << 12
	p := &line.parser
	i := 0
	for i < len(line.known)-1 && line.known[i].FD != p.FD {
		i++
	}
	k := &line.known[i&(maxKnown-1)]
	k.At = flat.Word(line.textLen)
	for {
		if !growText(chunk + 1) {
			return false
		}
		r := raw.Call(unix.SYS_READ, uintptr(p.FD), line.textAt+line.textLen, chunk, 0, 0, 0)
		if e := raw.Errno(r); e == unix.EINTR {
			continue
		} else if e != 0 {
			k.Errno = uint32(e)
			break
		}
		line.textLen += r
		k.Len += uint32(r)
		if k.Long = k.Len > p.Limit; r == 0 || k.Long {
			break
		}
	}
	// So that a path in it can be handed to the kernel.
	*(*byte)(raw.Mapped(line.textAt + line.textLen)) = 0
	line.textLen++
	k.Read = true
	k.Bad = p.Filter && k.Errno == 0 && bpf.Find(lineText()[k.At:][:k.Len], &line.cells).Why != bpf.Sound
	return true
}

// needsGo reports whether a command line that is without a fault takes a Go runtime
// nevertheless. These are the reasons; a fault is one too.
func needsGo() bool {
	s := &line.parser.Spec
	if s.On(flat.Explain) || s.On(flat.DryRun) { // texts are asked for
		return true
	}
	if s.On(flat.MapAuto) { // newuidmap
		return true
	}
	if s.Strs[flat.ExecLabel].Given() || s.Strs[flat.FileLabel].Given() { // SELinux is asked about
		return true
	}
	if s.Mode == flat.Setuid && monitor.keeper == 0 { // refused: this binary is not set-id
		return true
	}
	items := lineItems()
	for i := 0; i < line.parser.Items && i < len(items); i++ {
		switch items[i].Kind {
		case flat.Warning, flat.NotOpen, flat.Profile, flat.UIDMap, flat.GIDMap: // messages, gobwrap-seccomp, newuidmap
			return true
		case flat.Dev:
			if s.AddCaps != 0 { // a warning, perhaps
				return true
			}
		case flat.Mask, flat.Protect:
			if s.AddCaps>>unix.CAP_SYS_ADMIN&1 != 0 { // the same
				return true
			}
		}
	}
	return s.AddCaps != 0 && s.On(flat.DisableUsers) // the same
}

// compileLine makes the plan of the command line; with again, the one for a kernel that has
// refused a user namespace: the keeper's, or one without. It reports false where it cannot;
// a fault is found again, with its text, by the front end.
func compileLine(again bool) bool {
	var f compile.Facts
	uid, gid := keeper.Caller(raw.Mapped(entered.stack))
	f.UID, f.GID = uint32(uid), uint32(gid)
	f.Caps, _, _ = raw.Caps()
	f.RootCaps = true
	f.Filtered = underFilter()
	f.Env, f.EnvEnd = flat.Word(line.env), flat.Word(line.envEnd)
	if line.taken == 0 && line.itemsAt == 0 {
		line.taken = uintptr(line.parser.Items) * unsafe.Sizeof(flat.Item{})
	}
	f.Cwd = workingDirectory()
	s := &line.parser.Spec
	f.CgroupNamespaces = s.Wishes[flat.Cgroup] == flat.Try && found(raw.Text("/proc/self/ns/cgroup\x00"))
	// Root takes a user namespace that need not be only where the kernel has them, and does without
	// where it refuses one.
	root := f.UID == 0 && s.Wishes[flat.User] == flat.Try && !s.FDs[flat.JoinUser].Given()
	f.UserNamespaces = root && !again && found(raw.Text("/proc/self/ns/user\x00")) && !zero(raw.Text("/proc/sys/user/max_user_namespaces\x00"))
	f.Tentative = f.UserNamespaces && f.Caps>>unix.CAP_SYS_ADMIN&1 != 0
	monitor.viaKeeper = false
	if monitor.keeper != 0 {
		f.Tentative = s.Mode == flat.Auto && !again
		if f.Setuid = s.Mode == flat.Setuid || again; f.Setuid {
			monitor.viaKeeper = true
		}
	}
	items := lineItems()[:line.parser.Items]
	// What a terminal is, only a small /dev needs to know: it gets a console.
	for i := range items {
		if items[i].Kind == flat.Dev {
			var settings unix.Termios
			f.Tty = raw.Errno(raw.Call(unix.SYS_IOCTL, 1, unix.TCGETS, raw.Addr(unsafe.Pointer(&settings)), 0, 0, 0)) == 0
			break
		}
	}
	c := compile.Compiler{Spec: s, Items: items, Text: lineText(), Facts: &f}
	if c.Check() != compile.Fine {
		return false
	}
	// The first run finds out how large the plan is, the second one makes it where it is to lie.
	at := (line.taken + 7) &^ 7
	c.Slots = unsafe.Slice((*uint64)(unsafe.Add(unsafe.Pointer(&line.pool), at)), (unsafe.Sizeof(line.pool)-at)/plan.SlotSize)
	for range maxRuns {
		switch c.Run() {
		case compile.AskPWD:
			f.PWD = compile.No
			if leadsTo(c.PWD(), f.Cwd) {
				f.PWD = compile.Yes
			}
		case compile.Done:
			if c.Exact() {
				c.Head(unsafe.Slice((*byte)(raw.Mapped(line.planAt)), plan.HeaderSize))
				return true
			}
			fallthrough
		default:
			var ok bool
			if c.Buffers, ok = placePlan(&c); !ok {
				return false
			}
		}
	}
	return false
}

// zero reports whether a file holds the number 0.
func zero(path unsafe.Pointer) bool {
	fd := raw.Openat(raw.AtCwd, path, unix.O_RDONLY, 0)
	if raw.Errno(fd) != 0 {
		return false
	}
	var text [16]byte
	n := raw.Call(unix.SYS_READ, fd, raw.Addr(unsafe.Pointer(&text)), uintptr(len(text)), 0, 0, 0)
	raw.Close(fd)
	return raw.Errno(n) == 0 && n >= 1 && text[0] == '0' && (n == 1 || text[1] == '\n')
}

// underFilter reports whether this process has a seccomp filter (PR_GET_SECCOMP(2const)).
func underFilter() bool {
	mode := raw.Call(unix.SYS_PRCTL, unix.PR_GET_SECCOMP, 0, 0, 0, 0, 0)
	e := raw.Errno(mode)
	if mode == unix.SECCOMP_MODE_FILTER || e != 0 && e != unix.EINVAL {
		line.filtered = 1
	}
	return line.filtered != 0
}

func found(path unsafe.Pointer) bool {
	var st unix.Stat_t
	return raw.Fstatat(raw.AtCwd, path, &st) == 0
}

// leadsTo reports whether two paths lead to the same file. Both end with NUL.
func leadsTo(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	var first, second unix.Stat_t
	return raw.Fstatat(raw.AtCwd, unsafe.Pointer(unsafe.SliceData(a)), &first) == 0 &&
		raw.Fstatat(raw.AtCwd, unsafe.Pointer(unsafe.SliceData(b)), &second) == 0 &&
		first.Dev == second.Dev && first.Ino == second.Ino
}

// placePlan takes memory for a plan of the size that the compiler wants, and returns its parts
// as the compiler's buffers.
func placePlan(c *compile.Compiler) (b compile.Buffers, ok bool) {
	n, ok := c.Size()
	if !ok {
		return b, false
	}
	steps, slots, arena := c.Want()
	at := carve(uintptr(n) + 8 + unsafe.Sizeof(flat.Word(0))*uintptr(steps))
	if at == 0 {
		return b, false
	}
	line.planAt, line.planSize = at, uintptr(n)
	line.originsAt = (at + uintptr(n) + 7) &^ 7
	at += plan.HeaderSize
	b.Steps = unsafe.Slice((*plan.Step)(raw.Mapped(at)), steps)
	at += plan.StepSize * uintptr(steps)
	b.Slots = unsafe.Slice((*uint64)(raw.Mapped(at)), slots)
	at += plan.SlotSize * uintptr(slots)
	b.Arena = unsafe.Slice((*byte)(raw.Mapped(at)), arena)
	b.From = unsafe.Slice((*flat.Word)(raw.Mapped(line.originsAt)), steps)
	return b, true
}
