package payload

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the payload's process.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/sandbox/child/launch"
	"golang.org/x/sys/unix"
)

// sendPid is OpTell. The kernel says in the message's ancillary data whose it is, by the
// number that the receiver knows us by (SCM_CREDENTIALS, unix(7)). An embedding program
// also gets a descriptor of this process, so that it can send signals to it and to no process
// that has the number later.
func sendPid() unix.Errno {
	self := ^uintptr(0)
	if launch.Facts.Embedded {
		self = raw.Call(unix.SYS_PIDFD_OPEN, raw.Getpid(), 0, 0, 0, 0, 0)
	}
	if raw.Errno(self) != 0 || !sendPidfd(self) { // before 5.3, or refused by a filter
		launch.Acting.Say(plan.MsgExec, step.Fault{}, plan.NoStep, 0)
	}
	if raw.Errno(self) == 0 {
		raw.Close(self)
	}
	return 0
}

// sendPidfd sends MsgExec together with a descriptor, and reports whether it did.
func sendPidfd(fd uintptr) bool {
	var m launch.Message
	m.Kind, m.Step = plan.MsgExec, plan.NoStep
	return raw.SendWith(launch.Acting.Sock, unsafe.Pointer(&m), plan.MessageSize, fd)
}
