package child

// Room: no runtime. See doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// This file is a host that starts itself, without having been linked for it: the Go
// runtime is there already, in its first breath. Package self calls resume before any
// package but the runtime's own has been initialised. The process then leaves the runtime
// behind: it blocks all signals, moves to a stack of its own and the dummy g, ends the
// runtime's other threads, and takes the handlers back. From then on it is a monitor like
// any other.

// resumed returns unless this start is for plan mode. It is called with a runtime, and on
// a stack that can grow.
//
//lint:ignore U1000 called by resume, in assembly
func resumed() {
	buf := unsafe.Pointer(&room.data)
	n := readFile(text("/proc/self/cmdline\x00"), buf, 256)
	if n < 8 || !same(buf, text(planWord)) {
		return
	}
	// From here on this program is a monitor or nothing.
	*(*byte)(unsafe.Add(buf, n)) = 0
	sock := unsafe.Add(buf, strlen(buf)+1)
	line := unsafe.Add(sock, strlen(sock)+1)
	ignored := unsafe.Add(line, strlen(line)+1)
	a, okA := number(sock)
	b, okB := number(line)
	c, okC := number(ignored)
	if !okA || !okB || !okC || !areOurs(a, b) {
		giveUp(text("this name is for the package sandbox of gobwrap\x00"), 0)
	}
	room.sock, room.line, room.ignored = a, b, uint64(c)
	if isSecure() || Instrumented {
		exit(1)
	}
	room.message[0], room.message[1] = ^uint32(0), ^uint32(0)
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, addr(unsafe.Pointer(&room.message)), addr(unsafe.Pointer(&room.mask)), 8, 0, 0)
	const size = 1 << 17
	r := raw(unix.SYS_MMAP, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if errno(r) != 0 {
		exit(1)
	}
	leaveRuntime(r + size)
}

// resume is in raw_linux_*.s.
//
//lint:ignore U1000 called by package self, in assembly
func resume()

// leaveRuntime goes on in takenOver on another stack, without the runtime's g.
func leaveRuntime(top uintptr)

// endThread, in assembly, is what ends the other threads; threadEnd is its address.
func threadEnd() uintptr

// takenOver is the process on its own.
//
//lint:ignore U1000 called by leaveRuntime, in assembly
func takenOver() {
	alone := endThreads()
	takeHandlersBack()
	raw(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, addr(unsafe.Pointer(&room.mask)), 0, 8, 0, 0)
	prctl(unix.PR_SET_NAME, addr(text("gobwrap\x00")), 0, 0, 0)
	sock, line := room.sock, room.line
	closeRange(line+1, nowhere) // the runtime's, and what the host has without close-on-exec
	takeUp(sock, line)
	room.stdio = 7
	if !alone {
		say(plan.MsgFault, 0, plan.NoStep, plan.SubThreads, 0)
		exit(1)
	}
	monitorHosted()
}

// cancel is the signal that ends the threads: the one that C libraries keep for
// pthread_cancel, and let nobody block.
const cancel = 32

// endThreads ends all threads of this process but this one, and reports whether it could.
// New ones may still be starting, and some have all signals blocked while they do.
func endThreads() bool {
	var act sigaction
	act.handler = threadEnd()
	act.flags = onStack | restorer
	act.restorer = act.handler
	act.mask = ^uint64(0)
	raw(unix.SYS_RT_SIGACTION, cancel, addr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	var nap unix.Timespec
	nap.Nsec = 2e4
	for range 50_000 { // a second and more
		n := signalThreads()
		if n < 0 {
			return false
		}
		if n == 0 && lastThread() {
			return true
		}
		raw(unix.SYS_NANOSLEEP, addr(unsafe.Pointer(&nap)), 0, 0, 0, 0, 0)
	}
	return false
}

// lastThread reports whether this thread is the only one. A listing does not: where a thread
// ends while it is listed, those behind it are left out (next_tid, fs/proc/base.c). The
// directory's link count is that of the threads, and two (proc_task_getattr).
func lastThread() bool {
	e := errno(raw(unix.SYS_NEWFSTATAT, atCwd, addr(text("/proc/self/task\x00")), addr(unsafe.Pointer(&room.stat)), 0, 0, 0))
	return e == 0 && room.stat.Nlink == 3
}

// SA_ONSTACK, and SA_RESTORER, which the kernel of amd64 insists on.
const onStack, restorer = 0x08000000, 0x04000000

// signalThreads signals every other thread, and returns how many there are; -1: unknown.
func signalThreads() int {
	dir := openat(atCwd, text("/proc/self/task\x00"), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if errno(dir) != 0 {
		return -1
	}
	me, others := getpid(), 0
	buf := unsafe.Pointer(&room.data)
	for {
		n := raw(unix.SYS_GETDENTS64, dir, addr(buf), uintptr(len(room.data)), 0, 0, 0)
		if errno(n) != 0 || n == 0 {
			break
		}
		for off := uintptr(0); off < n; {
			entry := unsafe.Add(buf, off)
			off += uintptr(*(*uint16)(unsafe.Add(entry, 16)))
			if tid, ok := number(unsafe.Add(entry, direntName)); ok && tid != me {
				raw(unix.SYS_TGKILL, me, tid, cancel, 0, 0, 0)
				others++
			}
		}
	}
	closeFd(dir)
	return others
}

// takeHandlersBack gives every signal the action that it had when the program started:
// its default one, or none. The runtime takes some signals that were ignored; the host
// says which those were.
func takeHandlersBack() {
	for sig := uintptr(1); sig <= 64; sig++ {
		var act sigaction
		if room.ignored>>(sig-1)&1 != 0 {
			act.handler = 1 // SIG_IGN
		}
		raw(unix.SYS_RT_SIGACTION, sig, addr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	}
	defaultAction(unix.SIGCHLD)
}

// isSecure reports whether this start brought privileges of the file's (AT_SECURE). Where
// that can't be told it did.
func isSecure() bool {
	aux := unsafe.Pointer(&room.plan)
	n := readFile(text("/proc/self/auxv\x00"), aux, 4096)
	for i := uintptr(0); i+16 <= n; i += 16 {
		if *(*uintptr)(unsafe.Add(aux, i)) == atSecure {
			return *(*uintptr)(unsafe.Add(aux, i+8)) != 0
		}
	}
	return true
}

// readFile reads up to n bytes of a file, and returns how many there were.
func readFile(path, p unsafe.Pointer, n uintptr) uintptr {
	fd := openat(atCwd, path, unix.O_RDONLY, 0)
	if errno(fd) != 0 {
		return 0
	}
	got := readFull(fd, p, n)
	closeFd(fd)
	return got
}
