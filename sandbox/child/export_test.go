package child

import (
	"runtime"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Hooks for the tests, which lie in another package. The room has one process's worth
// of memory, so only one test may use it at a time.

const (
	HookFindOnly  = findOnly
	HookMakeDir   = makeDir
	HookMakeFile  = makeFile
	HookOpenFile  = openFile
	HookStayAbove = stayAbove
	HookMaxDepth  = maxDepth
	HookDataBuf   = dataBuf
	HookPathMax   = pathBuf / 2
)

// cstring is s with its NUL, where no growing stack can move it.
func cstring(s string) unsafe.Pointer {
	hookString = append([]byte(s), 0)
	return unsafe.Pointer(unsafe.SliceData(hookString))
}

var hookString []byte

func result(fd uintptr) (int, unix.Errno, plan.Sub) {
	if e := errno(fd); e != 0 {
		return -1, e, room.sub
	}
	return int(fd), 0, room.sub
}

// HookWalk is walk: the careful way.
func HookWalk(root int, dst string, want int, mode, parents uint32) (int, unix.Errno, plan.Sub) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	room.sub = plan.SubMain
	return result(walk(uintptr(root), cstring(dst), want, mode, parents))
}

// HookInRoot is inRoot: the kernel's way.
func HookInRoot(root int, dst string) (int, unix.Errno, plan.Sub) {
	return result(inRoot(uintptr(root), cstring(dst)))
}

// HookDest is dest, with the directory base in the place of the frame: newroot in it
// is the new root.
func HookDest(base int, modern bool, dst string, want int, mode, parents uint32) (int, unix.Errno, plan.Sub) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	room.base, room.engine = uintptr(base), engineClassic
	if modern {
		room.engine = engineNew
	}
	defer func() { room.base = 0 }()
	return result(dest(cstring(dst), want, mode, parents))
}

// HookSmall is the string that stayAbove left.
func HookSmall() string {
	return string(room.small[:strlen(unsafe.Pointer(&room.small))])
}

// HookLine is what a line of mountinfo says.
type HookLine struct {
	ID, Parent, Flags uintptr
	Point             string
}

// HookMountinfo reads mountinfo from fd to its end.
func HookMountinfo(fd int) (lines []HookLine, e unix.Errno) {
	m := mountinfo{fd: uintptr(fd)}
	var line mountLine
	for {
		more, e := m.read(&line)
		if e != 0 || !more {
			return lines, e
		}
		p := unsafe.Add(unsafe.Pointer(&room.data), line.point)
		lines = append(lines, HookLine{line.id, line.parent, line.flags, string(room.data[line.point : line.point+strlen(p)])})
	}
}

// HookRest is all of the room but the buffer for data: a parser must not touch it.
func HookRest() string {
	size := unsafe.Offsetof(room.data)
	return string(unsafe.Slice((*byte)(unsafe.Pointer(&room)), size))
}

// HookMountID is mountID, with /proc at proc.
func HookMountID(proc, fd int) (uintptr, unix.Errno) {
	room.proc = uintptr(proc)
	defer func() { room.proc = 0 }()
	return mountID(uintptr(fd))
}

// HookNumber is number, and HookPutNumber what putNumber writes.
func HookNumber(s string) (uintptr, bool) { return number(cstring(s)) }

func HookPutNumber(n uintptr) string {
	length := putNumber(unsafe.Pointer(&room.small), n)
	if strlen(unsafe.Pointer(&room.small)) != length {
		return "no NUL"
	}
	return string(room.small[:length])
}

// HookExitCode is exitCode.
func HookExitCode(status uint32) uint32 { return exitCode(status) }

// HookSecureMode is AT_SECURE of an initial stack made of words.
func HookSecureMode(words []uintptr) uint32 { return uint32(auxv(unsafe.Pointer(&words[0]), atSecure)) }

// HookUnder is under.
func HookUnder(point, stage string) (same, below bool) {
	p := cstring(point)
	keep := hookString
	same, below = under(p, cstring(stage))
	runtime.KeepAlive(keep)
	return same, below
}

// HookMountOptions is the file system, flags and options of the step i of a plan.
func HookMountOptions(p *plan.Program, i uint32) (fs string, flags uintptr, options string) {
	base := unsafe.Pointer(unsafe.SliceData(p.Bytes))
	at, flags := mountOptions(program{base, (*plan.Header)(base)}, plan.StepAt(base, i))
	return string(unsafe.Slice((*byte)(at), strlen(at))), flags, string(room.data[:strlen(unsafe.Pointer(&room.data))])
}

// HookErrnoText is what errnoText says, "" for nil.
func HookErrnoText(e unix.Errno) string {
	p := errnoText(e)
	if p == nil {
		return ""
	}
	return unsafe.String((*byte)(p), strlen(p))
}
