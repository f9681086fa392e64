package args

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher, while there is no first process, and as the caller.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/emit"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// Plan returns the plan of the command line.
func Plan() plan.View {
	return plan.ViewAt(raw.Mapped(state.planAt))
}

// Compile makes the plan of the command line; with again, the one for a kernel that has
// refused a user namespace: the keeper's, or one without. It reports false where it cannot;
// a fault is found again, with its text, by the front end.
func Compile(again, hasKeeper bool) (viaKeeper, ok bool) {
	var f compile.Facts
	uid, gid := keeper.Caller(raw.Mapped(state.stack))
	f.UID, f.GID = uint32(uid), uint32(gid)
	f.Caps, _, _ = raw.Caps()
	f.RootCaps = true
	f.Filtered = isUnderFilter()
	f.Env, f.EnvEnd = flat.Word(state.env), flat.Word(state.envEnd)
	if state.taken == 0 && state.itemsAt == 0 {
		state.taken = uintptr(state.parser.Items) * unsafe.Sizeof(flat.Item{})
	}
	f.Cwd = workingDirectory()
	s := &state.parser.Spec
	f.CgroupNamespaces = s.Wishes[flat.Cgroup] == flat.Try && fileExists(raw.Text("/proc/self/ns/cgroup\x00"))
	// Root takes a user namespace that need not be only where the kernel has them, and does without
	// where it refuses one.
	root := f.UID == 0 && s.Wishes[flat.User] == flat.Try && !s.FDs[flat.JoinUser].Given()
	f.UserNamespaces = root && !again && fileExists(raw.Text("/proc/self/ns/user\x00")) && !IsZero(raw.Text("/proc/sys/user/max_user_namespaces\x00"))
	f.Tentative = f.UserNamespaces && f.Caps>>unix.CAP_SYS_ADMIN&1 != 0
	if hasKeeper {
		f.Tentative = s.Numbers[flat.Mode] == flat.Auto && !again
		f.Setuid = s.Numbers[flat.Mode] == flat.Setuid || again
	}
	list := items()[:state.parser.Items]
	// What a terminal is, only a small /dev needs to know: it gets a console.
	for i := range list {
		if list[i].Kind == tree.Dev {
			var settings unix.Termios
			f.Tty = raw.Errno(raw.Call(unix.SYS_IOCTL, 1, unix.TCGETS, raw.Addr(unsafe.Pointer(&settings)), 0, 0, 0)) == 0
			break
		}
	}
	// A rule that is broken is a fault with a text: the front end finds it again.
	c := compile.Compiler{Spec: s, Items: list, Facts: &f, Parts: emit.Parts{Text: lineText()}}
	if c.Check() != compile.Fine {
		return f.Setuid, false
	}
	// The first run finds out how large the plan is, the second one makes it where it is to lie.
	at := (state.taken + 7) &^ 7
	c.Slots = unsafe.Slice((*uint64)(unsafe.Add(unsafe.Pointer(&state.pool), at)), (unsafe.Sizeof(state.pool)-at)/plan.SlotSize)
	for range maxRuns {
		switch c.Run() {
		case compile.AskPWD:
			f.PWD = compile.No
			if isSameFile(c.PWD(), f.Cwd) {
				f.PWD = compile.Yes
			}
		case compile.Done:
			if c.Exact() {
				c.Head(unsafe.Slice((*byte)(raw.Mapped(state.planAt)), plan.HeaderSize))
				return f.Setuid, true
			}
			fallthrough
		default:
			if c.Buffers, ok = placePlan(&c); !ok {
				return f.Setuid, false
			}
		}
	}
	return f.Setuid, false
}

// placePlan takes memory for a plan of the size that the compiler wants, and returns its parts
// as the compiler's buffers.
func placePlan(c *compile.Compiler) (b emit.Buffers, ok bool) {
	n, ok := c.Size()
	if !ok {
		return b, false
	}
	steps, slots, arena := c.Want()
	at := allocate(uintptr(n) + 8 + unsafe.Sizeof(flat.Word(0))*uintptr(steps))
	if at == 0 {
		return b, false
	}
	state.planAt, state.planSize = at, uintptr(n)
	state.originsAt = (at + uintptr(n) + 7) &^ 7
	at += plan.HeaderSize
	b.Steps = unsafe.Slice((*plan.Step)(raw.Mapped(at)), steps)
	at += plan.StepSize * uintptr(steps)
	b.Slots = unsafe.Slice((*uint64)(raw.Mapped(at)), slots)
	at += plan.SlotSize * uintptr(slots)
	b.Arena = unsafe.Slice((*byte)(raw.Mapped(at)), arena)
	b.From = unsafe.Slice((*flat.Word)(raw.Mapped(state.originsAt)), steps)
	return b, true
}

// allocate returns the address of n bytes, of the pool where it has so many; 0 where there are none.
func allocate(n uintptr) uintptr {
	at := (state.taken + 7) &^ 7
	if n > unsafe.Sizeof(state.pool) || at+n > unsafe.Sizeof(state.pool) {
		return launch.MapMemory(n)
	}
	state.taken = at + n
	return raw.Addr(unsafe.Pointer(&state.pool)) + at
}

// workingDirectory returns the caller's; nil if it has no name.
func workingDirectory() []byte {
	before := state.taken
	at := allocate(unix.PathMax)
	if at == 0 {
		return nil
	}
	path := unsafe.Slice((*byte)(raw.Mapped(at)), unix.PathMax)
	n := raw.Call(unix.SYS_GETCWD, at, unix.PathMax, 0, 0, 0, 0)
	// A path that is not below the root of this process begins with
	// "(unreachable)" (getcwd(2)).
	if raw.Errno(n) != 0 || n <= 1 || n > unix.PathMax || path[0] != '/' {
		state.taken = before
		return nil
	}
	if state.taken != before { // what it does not need stays in the pool
		state.taken -= unix.PathMax - n
	}
	return path[:n-1]
}

// IsZero reports whether a file holds the number 0.
func IsZero(path unsafe.Pointer) bool {
	fd := raw.Openat(raw.AtCwd, path, unix.O_RDONLY, 0)
	if raw.Errno(fd) != 0 {
		return false
	}
	var text [16]byte
	n := raw.Call(unix.SYS_READ, fd, raw.Addr(unsafe.Pointer(&text)), uintptr(len(text)), 0, 0, 0)
	raw.Close(fd)
	return raw.Errno(n) == 0 && n >= 1 && text[0] == '0' && (n == 1 || text[1] == '\n')
}

// isUnderFilter reports whether this process has a seccomp filter (PR_GET_SECCOMP(2const)).
func isUnderFilter() bool {
	mode := raw.Call(unix.SYS_PRCTL, unix.PR_GET_SECCOMP, 0, 0, 0, 0, 0)
	e := raw.Errno(mode)
	if mode == unix.SECCOMP_MODE_FILTER || e != 0 && e != unix.EINVAL {
		launch.Facts.Filtered = 1
	}
	return launch.Facts.Filtered != 0
}

func fileExists(path unsafe.Pointer) bool {
	var st unix.Stat_t
	return raw.Fstatat(raw.AtCwd, path, &st) == 0
}

// isSameFile reports whether two paths lead to the same file. Both end with NUL.
func isSameFile(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	var first, second unix.Stat_t
	return raw.Fstatat(raw.AtCwd, unsafe.Pointer(unsafe.SliceData(a)), &first) == 0 &&
		raw.Fstatat(raw.AtCwd, unsafe.Pointer(unsafe.SliceData(b)), &second) == 0 &&
		first.Dev == second.Dev && first.Ino == second.Ino
}
