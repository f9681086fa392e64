package child

// This file is for the front end: it runs with the runtime, above the line.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// Entered tells whether the program came in through entry. A binary linked without
// -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry did not.
func Entered() bool { return room.entered != 0 }

// Standing is what privilege the binary brought. Whatever it was is gone: enter dropped
// it before the runtime started. Where it is suid.Installed, a keeper waits.
func Standing() suid.Standing { return room.standing }

// Passed tells whether the caller passed fd in. What came through exec is not
// close-on-exec; all that we or the runtime opened since is. Closed standard streams
// have been filled by the runtime.
func Passed(fd int) bool {
	if room.entered != 0 && fd < 3 && room.stdio>>uint(fd)&1 == 0 {
		return false
	}
	flags := fcntl(uintptr(fd), unix.F_GETFD, 0)
	return errno(flags) == 0 && (room.entered == 0 || flags&unix.FD_CLOEXEC == 0)
}

// Sock is the front end's end of the socket to the acting side.
func Sock() int { return int(room.sock) }

// Exit ends the front end, all threads of it, also where a filter refuses exit_group,
// at which the runtime's own exit would spin. The monitor takes that for a failure.
func Exit(code int) {
	raw(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0, 0, 0, 0)
	kill(getpid(), uintptr(unix.SIGKILL))
}

// Hand gives the plan to the early process directly, where that is there, and returns
// the size that the monitor is to be told. It saves a wake-up. Not so where the monitor
// must come first (inOrder); nor for a plan that the feed might not hold; nor for a
// second one.
func Hand(bytes []byte, inOrder bool) uint32 {
	size := uint32(len(bytes))
	p := unsafe.Pointer(unsafe.SliceData(bytes))
	told := size
	if room.monitorEnd == 0 {
		return told
	}
	if !inOrder && size <= maxHanded && put32(room.monitorEnd, size) && sendNow(room.monitorEnd, p, uintptr(size)) {
		told |= handed
	}
	closeFd(room.monitorEnd)
	room.monitorEnd = 0
	return told
}

// ForKeeper is what the monitor is to be told about a plan that goes to the keeper.
func ForKeeper(bytes []byte) uint32 { return uint32(len(bytes)) | forKeeper }

func put32(fd uintptr, v uint32) bool { return sendNow(fd, unsafe.Pointer(&v), 4) }

// sendNow sends all of it at once or tells that it did not.
func sendNow(fd uintptr, p unsafe.Pointer, n uintptr) bool {
	return raw(unix.SYS_SENDTO, fd, addr(p), n, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0) == n
}

// Listen fills buf with what the acting side has to say next; it tells whether there
// was anything. It waits without the runtime's knowledge, on purpose: nothing else is
// to be run meanwhile, and handing the processor over would start further threads.
func Listen(buf []byte) bool {
	n := uintptr(len(buf))
	return readFull(room.sock, unsafe.Pointer(unsafe.SliceData(buf)), n) == n
}

// Here is the number under which the front end has the caller's fd: another one for
// standard error, whose own number is muffled.
func Here(fd int) int {
	if fd == 2 && room.entered != 0 {
		return int(room.stderr)
	}
	return fd
}

// Args are the words that the program was started with.
func Args() []string {
	if room.entered == 0 {
		return nil
	}
	return vectorAt(mapped(stack + 8))
}

// Environ is the environment as the kernel handed it over: in order, with duplicates
// and malformed entries, and with what was hidden from the runtime.
func Environ() []string {
	if room.entered == 0 {
		return nil
	}
	argc := *(*uintptr)(mapped(stack))
	env := vectorAt(mapped(stack + 8 + 8*argc + 8))
	for i, entry := range env {
		if entry != "" && entry[0] == hidden {
			if whole := "G" + entry[1:] + "\x00"; runtimeSetting(unsafe.Pointer(unsafe.StringData(whole))) {
				env[i] = whole[:len(whole)-1]
			}
		}
	}
	return env
}

// vectorAt copies the strings of an argv or envp.
func vectorAt(p unsafe.Pointer) []string {
	var out []string
	for ; *(*uintptr)(p) != 0; p = unsafe.Add(p, 8) {
		s := mapped(*(*uintptr)(p))
		out = append(out, string(unsafe.Slice((*byte)(s), strlen(s))))
	}
	return out
}
