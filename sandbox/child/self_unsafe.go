package child

// No runtime. See doc.go for the laws of this file.
// Runs in: an embedding program that has just been started as a launcher, and becomes the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"github.com/gobwrap/gobwrap/sandbox/child/monitor"
	"golang.org/x/sys/unix"
)

// This file is about an embedding program that starts itself without having been linked for that: the Go
// runtime has just started. Package self calls resume before any package but the runtime's own
// has been initialised. The process then leaves the runtime behind: it blocks all signals,
// moves to a stack of its own and the dummy g, ends the runtime's other threads, and takes the
// handlers back. From then on it is a monitor like any other.

// procText is a file of /proc. It does not lie on the stack, which must not grow here: the
// assembly that calls resumed has no map of its frame.
//
//nolint:gochecknoglobals // see above
var procText [512]uintptr

// resumed returns unless this start is for plan mode. It is called with a runtime.
//
//lint:ignore U1000 called by resume, in assembly
func resumed() {
	buf := unsafe.Pointer(&procText)
	n := readFile(raw.Text("/proc/self/cmdline\x00"), buf, 256)
	if n < 8 || !raw.Equal(buf, raw.Text(planWord)) {
		return
	}
	// From here on this program is a monitor, or ends.
	*(*byte)(unsafe.Add(buf, n)) = 0
	sock := unsafe.Add(buf, raw.Strlen(buf)+1)
	line := unsafe.Add(sock, raw.Strlen(sock)+1)
	ignored := unsafe.Add(line, raw.Strlen(line)+1)
	a, okA := raw.Number(sock)
	b, okB := raw.Number(line)
	c, okC := raw.Number(ignored)
	if okA && okB && okC && areLaunchSockets(a, b) { // otherwise takenOver says so, which has the stack for it
		launch.Acting.Sock, monitor.State.Lifeline, started.ignored = a, b, uint64(c)
	}
	if isSecure() || Instrumented {
		raw.Exit(1)
	}
	raw.SetMask(unix.SIG_SETMASK, ^uint64(0), &started.mask)
	const size = 1 << 17
	r := raw.Call(unix.SYS_MMAP, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if raw.Errno(r) != 0 {
		raw.Exit(1)
	}
	leaveRuntime(r + size)
}

// resume is in entry_linux_*.s.
//
//lint:ignore U1000 called by package self, in assembly
func resume()

// leaveRuntime goes on in takenOver on another stack, without the runtime's g.
func leaveRuntime(top uintptr)

// endThread, in assembly, is what ends the other threads; threadEnd is its address.
func threadEnd() uintptr

// takenOver runs when the process has left the runtime.
//
//lint:ignore U1000 called by leaveRuntime, in assembly
func takenOver() {
	if launch.Acting.Sock == 0 {
		step.GiveUp(raw.Text("this name is for the package sandbox of gobwrap\x00"), 0)
	}
	alone := endThreads()
	resetHandlers()
	raw.SetMask(unix.SIG_SETMASK, started.mask, nil)
	raw.Prctl(unix.PR_SET_NAME, raw.Addr(raw.Text("gobwrap\x00")), 0, 0, 0)
	sock, line := launch.Acting.Sock, monitor.State.Lifeline
	launch.Acting.CloseRange(line+1, launch.Nowhere) // the runtime's, and what the embedding program has without close-on-exec
	takeSockets(sock, line)
	started.stdio = 7
	if !alone {
		launch.Acting.Say(plan.MsgFault, step.Fault{Sub: plan.SubThreads}, plan.NoStep, 0)
		raw.Exit(1)
	}
	monitor.RunEmbedded()
}

// cancelSignal is the signal that ends the threads: the one that C libraries keep for
// pthread_cancel, and let nobody block.
const cancelSignal = 32

// endThreads ends all threads of this process but this one, and reports whether it could.
// New ones may still be starting, and some have all signals blocked while they do.
func endThreads() bool {
	var act raw.Sigaction
	act.Handler = threadEnd()
	act.Flags = onStack | restorer
	act.Restorer = act.Handler
	act.Mask = ^uint64(0)
	raw.SetAction(cancelSignal, &act, nil)
	for range 50_000 { // a second and more
		n := signalThreads()
		if n < 0 {
			return false
		}
		if n == 0 && isLastThread() {
			return true
		}
		raw.Nap(2e4)
	}
	return false
}

// isLastThread reports whether this thread is the only one. A listing does not: where a thread
// ends while it is listed, those behind it are left out (next_tid, fs/proc/base.c). The
// directory's link count is that of the threads, and two (proc_task_getattr).
func isLastThread() bool {
	var st unix.Stat_t
	return raw.Fstatat(raw.AtCwd, raw.Text("/proc/self/task\x00"), &st) == 0 && st.Nlink == 3
}

// SA_ONSTACK, and SA_RESTORER, which the kernel of amd64 insists on.
const onStack, restorer = 0x08000000, 0x04000000

// signalThreads signals every other thread, and returns how many there are; -1: unknown.
func signalThreads() int {
	dir := raw.Openat(raw.AtCwd, raw.Text("/proc/self/task\x00"), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if raw.Errno(dir) != 0 {
		return -1
	}
	me, others := raw.Getpid(), 0
	list := raw.Numbers{Dir: dir}
	for tid, more := list.Next(); more; tid, more = list.Next() {
		if tid != me {
			raw.Call(unix.SYS_TGKILL, me, tid, cancelSignal, 0, 0, 0)
			others++
		}
	}
	raw.Close(dir)
	return others
}

// resetHandlers gives every signal the action that it had when the program started:
// its default one, or none. The runtime takes some signals that were ignored; the embedding program
// says which those were.
func resetHandlers() {
	for sig := uintptr(1); sig <= 64; sig++ {
		var act raw.Sigaction
		if started.ignored>>(sig-1)&1 != 0 {
			act.Handler = raw.Ignore
		}
		raw.SetAction(unix.Signal(sig), &act, nil)
	}
	raw.DefaultAction(unix.SIGCHLD)
}

// isSecure reports whether this start brought privileges of the file (AT_SECURE). It is true
// if that is not known.
func isSecure() bool {
	aux := unsafe.Pointer(&procText)
	n := readFile(raw.Text("/proc/self/auxv\x00"), aux, unsafe.Sizeof(procText))
	for i := uintptr(0); i+16 <= n; i += 16 {
		if *(*uintptr)(unsafe.Add(aux, i)) == raw.AtSecure {
			return *(*uintptr)(unsafe.Add(aux, i+8)) != 0
		}
	}
	return true
}

// readFile reads up to n bytes of a file, and returns how many there were.
func readFile(path, p unsafe.Pointer, n uintptr) uintptr {
	// Not with raw.Openat, which takes more of the stack: see maxResumed in laws_test.go. It is closed at once.
	fd := raw.Call(unix.SYS_OPENAT, raw.AtCwd, raw.Addr(path), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	if raw.Errno(fd) != 0 {
		return 0
	}
	got := raw.ReadFull(fd, p, n)
	raw.Close(fd)
	return got
}
