package monitor

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the monitor.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// document is what a report writes.
//
//nolint:gochecknoglobals // too large for the stack
var document [1 << 12]byte

// report writes n bytes of document to a descriptor of an option. A reader that went away
// is not a reason to die of SIGPIPE, nor to fail.
func report(fd int32, n uintptr) {
	ignore, was := raw.Sigaction{Handler: raw.Ignore}, raw.Sigaction{}
	raw.SetAction(unix.SIGPIPE, &ignore, &was)
	raw.WriteFull(uintptr(fd), unsafe.Pointer(&document), n)
	raw.SetAction(unix.SIGPIPE, &was, nil)
}

// appendText appends a constant to what is in document.
func appendText(n uintptr, s unsafe.Pointer) uintptr {
	return n + raw.Put(unsafe.Add(unsafe.Pointer(&document), n), s)
}

// appendNumber appends a number to what is in document.
func appendNumber(n, v uintptr) uintptr {
	return n + raw.PutNumber(unsafe.Add(unsafe.Pointer(&document), n), v)
}

// reportReady writes the documents about a sandbox that has just been made: to --info-fd
// over several lines, to --json-status-fd on one.
func reportReady(p plan.View) {
	info, status := State.Info, State.Status
	if info.Given() {
		n := appendText(0, raw.Text("{\n    \x00"))
		n = appendText(appendNamespaces(p, n, raw.Text(",\n    \x00")), raw.Text("\n}\n\x00"))
		report(info.N(), n)
		if info.N() != status.N() && info.N() != 2 { // errors may still have to be said there
			raw.Close(uintptr(info.N()))
		}
	}
	if status.Given() {
		n := appendText(0, raw.Text("{ \x00"))
		mode := raw.Text(" }\n{ \"mode\": \"direct\" }\n\x00")
		if State.ViaKeeper {
			mode = raw.Text(" }\n{ \"mode\": \"setuid\" }\n\x00")
		}
		n = appendText(appendNamespaces(p, n, raw.Text(", \x00")), mode)
		report(status.N(), n)
	}
}

// appendNamespaces appends the pid of the first process, and the inodes of the
// namespaces that are new, which line.message holds.
func appendNamespaces(p plan.View, n uintptr, between unsafe.Pointer) uintptr {
	n = appendNumber(appendText(n, raw.Text("\"child-pid\": \x00")), State.First)
	n = appendNamespace(p, n, 0, unix.CLONE_NEWCGROUP, raw.Text("cgroup\x00"), between)
	n = appendNamespace(p, n, 1, unix.CLONE_NEWIPC, raw.Text("ipc\x00"), between)
	n = appendNamespace(p, n, 2, unix.CLONE_NEWNS, raw.Text("mnt\x00"), between)
	n = appendNamespace(p, n, 3, unix.CLONE_NEWNET, raw.Text("net\x00"), between)
	n = appendNamespace(p, n, 4, unix.CLONE_NEWPID, raw.Text("pid\x00"), between)
	return appendNamespace(p, n, 5, unix.CLONE_NEWUTS, raw.Text("uts\x00"), between)
}

// appendNamespace appends the inode of a namespace, if it is new and the kernel has the kind.
func appendNamespace(p plan.View, n, i uintptr, flag uint32, name, between unsafe.Pointer) uintptr {
	at := unsafe.Add(unsafe.Pointer(&Outcome.Message), plan.MessageText+4+8*i) // see plan.Message.Namespace
	id := uintptr(*(*uint64)(at))
	if p.Clone&flag == 0 || id == 0 {
		return n
	}
	n = appendText(appendText(appendText(n, between), raw.Text("\"\x00")), name)
	return appendNumber(appendText(n, raw.Text("-namespace\": \x00")), id)
}

// reportRuns writes that the payload runs, and its pid as seen from outside; 0: unknown.
func reportRuns(payload uintptr) {
	status := State.Status
	if !status.Given() {
		return
	}
	n := uintptr(0)
	if payload != 0 {
		n = appendText(appendNumber(appendText(n, raw.Text("{ \"command-pid\": \x00")), payload), raw.Text(" }\n\x00"))
	}
	report(status.N(), appendText(n, raw.Text("{ \"setup-complete\": true }\n\x00")))
}
