package step

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Fault is why a step failed. The zero value means that it did not.
type Fault struct {
	Errno unix.Errno
	Sub   plan.Sub // which part of the step
	Extra uint32   // a number that Sub explains; of a destination, how many bytes lead to what is at fault, or 0
}

// Failed returns a fault of one part of a step; with 0, none.
func Failed(e unix.Errno, sub plan.Sub) Fault {
	if e == 0 {
		return Fault{}
	}
	return Fault{Errno: e, Sub: sub}
}

// Main returns a fault of the step's main part; with 0, none.
func Main(e unix.Errno) Fault { return Failed(e, plan.SubMain) }

// Is reports whether there is a fault.
func (f Fault) Is() bool { return f.Errno != 0 }

// Or returns f, or, if it is not a fault, that of a later call.
func (f Fault) Or(later Fault) Fault {
	if f.Is() {
		return f
	}
	return later
}

// Say sends a message to the launcher, and reports whether it could be sent.
func (s *State) Say(kind uint32, f Fault, step, extra uint32) bool {
	// The message lies in static memory, since the stack is bounded (see the laws).
	m := unsafe.Pointer(&said.message)
	said.message[0], said.message[1], said.message[2], said.message[3], said.message[4] = kind, step, uint32(f.Sub), uint32(f.Errno), extra
	*(*byte)(unsafe.Add(m, plan.MessageText)) = 0
	// Only such a fault has a text; any other one would send what was left from an earlier one.
	if f.Sub == plan.SubExists || f.Sub == plan.SubPolicy || f.Sub >= plan.SubScript && f.Sub <= plan.SubFile {
		raw.Put(unsafe.Add(m, plan.MessageText), unsafe.Pointer(&said.named))
	}
	if s.Filtered != 0 { // a filter that lets the payload write need not let it send
		return raw.WriteFull(s.Sock, m, plan.MessageSize) == 0
	}
	r := raw.Call(unix.SYS_SENDTO, s.Sock, raw.Addr(m), plan.MessageSize, unix.MSG_NOSIGNAL, 0, 0)
	return raw.Errno(r) == 0
}

// End reports a fault of the step that runs, and ends the process. Its status is that of a
// launch that failed, since it may become the launcher's. A front end that was asked to end
// hears nothing more, though its socket may be open for a moment: then the fault is printed.
func (s *State) End(f Fault) {
	s.Say(plan.MsgFault, f, s.Step, f.Extra)
	// Nobody formats the message any more, so this process prints what it can say without a runtime.
	if s.Alone != 0 {
		Complain(raw.Text("set-up failed\x00"), f.Errno, raw.Text("; under this limit on processes (ulimit -u) no process can be started that reports where\x00"))
	}
	raw.Exit(max(s.Status, 1))
}

// EndNoStep is End where no step runs.
func (s *State) EndNoStep(f Fault) {
	s.Step = plan.NoStep
	s.End(f)
}

// Warn reports what failed and does not matter: --not-a-security-boundary, or a fallback.
func (s *State) Warn(e unix.Errno, sub plan.Sub) {
	s.Say(plan.MsgWarn, Failed(e, sub), s.Step, 0)
}

// Name keeps a path for the message of a fault that is about it. A long one is cut.
func (s *State) Name(path unsafe.Pointer) {
	// A message has one size, so a path longer than its room is cut.
	end := uintptr(len(said.named) - 1)
	for i := uintptr(0); i < end; i++ {
		c := *(*byte)(unsafe.Add(path, i))
		*(*byte)(unsafe.Add(unsafe.Pointer(&said.named), i)) = c
		if c == 0 {
			return
		}
	}
	*(*byte)(unsafe.Add(unsafe.Pointer(&said.named), end)) = 0
}

// NameWord is Name for a string of the program's.
func (s *State) NameWord(word string) {
	n := min(len(word), len(said.named)-1)
	copy(said.named[:n], word)
	said.named[n] = 0
}
