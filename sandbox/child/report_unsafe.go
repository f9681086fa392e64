package child

// Room: no runtime. See doc.go for the laws of this file.
// Runs in: the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// report writes n bytes of room.data to a descriptor of an option. A reader that went away
// is no reason to die of SIGPIPE, nor to fail.
func report(fd int32, n uintptr) {
	var old, ignore sigaction
	ignore.handler = 1 // SIG_IGN
	raw(unix.SYS_RT_SIGACTION, uintptr(unix.SIGPIPE), addr(unsafe.Pointer(&ignore)), addr(unsafe.Pointer(&old)), 8, 0, 0)
	writeFull(uintptr(fd), unsafe.Pointer(&room.data), n)
	raw(unix.SYS_RT_SIGACTION, uintptr(unix.SIGPIPE), addr(unsafe.Pointer(&old)), 0, 8, 0, 0)
}

// append1 appends a constant to what is in room.data.
func append1(n uintptr, s unsafe.Pointer) uintptr {
	return n + put(unsafe.Add(unsafe.Pointer(&room.data), n), s)
}

func appendNumber(n, v uintptr) uintptr {
	return n + putNumber(unsafe.Add(unsafe.Pointer(&room.data), n), v)
}

// reportReady writes the documents about a sandbox that has just been made: to --info-fd
// over several lines, to --json-status-fd on one.
func reportReady(p program) {
	info, status := line.parser.Spec.FDs[flat.InfoFD], line.parser.Spec.FDs[flat.StatusFD]
	if info.Given() {
		n := append1(0, text("{\n    \x00"))
		n = append1(namespacesDocument(p, n, text(",\n    \x00")), text("\n}\n\x00"))
		report(info.N(), n)
		if info.N() != status.N() && info.N() != 2 { // errors may still have to be said there
			closeFd(uintptr(info.N()))
		}
	}
	if status.Given() {
		n := append1(0, text("{ \x00"))
		mode := text(" }\n{ \"mode\": \"direct\" }\n\x00")
		if room.viaKeeper != 0 {
			mode = text(" }\n{ \"mode\": \"setuid\" }\n\x00")
		}
		n = append1(namespacesDocument(p, n, text(", \x00")), mode)
		report(status.N(), n)
	}
}

// namespacesDocument appends the pid of the first process, and the inodes of the
// namespaces that are new, which line.message holds.
func namespacesDocument(p program, n uintptr, between unsafe.Pointer) uintptr {
	n = appendNumber(append1(n, text("\"child-pid\": \x00")), room.first)
	n = appendNamespace(p, n, 0, unix.CLONE_NEWCGROUP, text("cgroup\x00"), between)
	n = appendNamespace(p, n, 1, unix.CLONE_NEWIPC, text("ipc\x00"), between)
	n = appendNamespace(p, n, 2, unix.CLONE_NEWNS, text("mnt\x00"), between)
	n = appendNamespace(p, n, 3, unix.CLONE_NEWNET, text("net\x00"), between)
	n = appendNamespace(p, n, 4, unix.CLONE_NEWPID, text("pid\x00"), between)
	return appendNamespace(p, n, 5, unix.CLONE_NEWUTS, text("uts\x00"), between)
}

func appendNamespace(p program, n, i uintptr, flag uint32, name, between unsafe.Pointer) uintptr {
	at := unsafe.Add(unsafe.Pointer(&line.message), plan.MessageText+4+8*i) // see plan.Message.Namespace
	id := uintptr(*(*uint64)(at))
	if p.h.Clone&flag == 0 || id == 0 {
		return n
	}
	n = append1(append1(append1(n, between), text("\"\x00")), name)
	return appendNumber(append1(n, text("-namespace\": \x00")), id)
}

// reportRuns writes that the command runs, and its pid as seen from outside; 0: unknown.
func reportRuns(command uintptr) {
	status := line.parser.Spec.FDs[flat.StatusFD]
	if !status.Given() {
		return
	}
	n := uintptr(0)
	if command != 0 {
		n = append1(appendNumber(append1(n, text("{ \"command-pid\": \x00")), command), text(" }\n\x00"))
	}
	report(status.N(), append1(n, text("{ \"setup-complete\": true }\n\x00")))
}
