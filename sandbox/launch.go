package sandbox

import (
	"encoding/binary"
	"syscall"

	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// launch hands the program to the acting side (see package child) and stays until
// the payload runs or set-up has failed. The front end may then end: the monitor
// waits for the payload and passes its status on.
//
//	front end                 monitor               first process, init, payload
//	plan ───────────────────▶ verify, clone ──────▶ steps up to OpGo
//	◀──────────────────────── Started{pid}
//	◀────────────────────────────────────────────── Maps, where there are ranges
//	newuidmap, newgidmap
//	one byte ─────────────────────────────────────▶
//	◀────────────────────────────────────────────── Ready{namespaces}
//	write info documents
//	one byte ─────────────────────────────────────▶ the other steps
//	◀────────────────────────────────────────────── Fault, Warn
//	◀────────────────────────────────────────────── Exec, where somebody wants to know
//	◀─ end: every copy of the socket is closed ──── exec, or exit
//
// A fault of a tentative plan leaves the monitor waiting for another one. warn is called
// for each failure that --not-a-security-boundary lets pass.
func launch(s *Spec, p *plan.Program, keeper bool, warn func(error)) error {
	sock := child.Sock()
	told := child.ForKeeper(p.Bytes)
	if !keeper {
		// The monitor comes first where it must look after the caller, and where the early
		// process would read the byte for it from the socket on which the plan still comes.
		told = child.Hand(p.Bytes, p.Flags&(plan.FlagDieWithParent|plan.FlagHandshake) != 0)
	}
	sent := send(sock, binary.NativeEndian.AppendUint32(nil, told)) && send(sock, p.Bytes) // if not, a word may still say why
	r := &s.Report
	patient := s.Session.BlockFD.Valid || r.UserBlockFD.Valid
	if r.JSONStatusFD.Valid {
		child.KnowSenders()
	}
	var ready, maps *plan.Message // in any order with the pid of the first process, which both need
	pid := 0
	command, reached := 0, !r.wantsEnd()
	for {
		m, sender, ok := receive(sock, patient)
		if !ok && (!sent || !reached) {
			return ErrKilled
		}
		if !ok {
			r.complete(command)
			return nil
		}
		switch m.Kind {
		case plan.MsgExec:
			command, reached = sender, true
		case plan.MsgStarted:
			pid = int(m.Extra)
		case plan.MsgReady:
			ready = &m
		case plan.MsgMaps:
			maps = &m
		case plan.MsgWarn:
			warn(explain(p, m))
		case plan.MsgFault:
			return explain(p, m)
		case plan.MsgLeave:
			return nil
		}
		if pid == 0 || ready == nil && maps == nil {
			continue
		}
		if maps != nil {
			if err := writeMaps(p, maps.Step, pid); err != nil {
				return err
			}
		} else {
			r.tell(pid, ready, p.Header().Clone, keeper)
		}
		ready, maps = nil, nil
		if !send(sock, []byte{1}) {
			return ErrKilled
		}
	}
}

// send writes all of b. The raw call is the runtime's blocking one, so that it does
// not hold up the scheduler.
func send(fd int, b []byte) bool {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}

// receive takes the next message. Set-up takes less than a millisecond: to wait for it
// without the runtime's knowledge saves the start of further threads. Where somebody
// else decides how long it takes (patient), the runtime is told.
func receive(sock int, patient bool) (m plan.Message, sender int, ok bool) {
	buf := make([]byte, plan.MessageSize)
	if sender, ok = listen(sock, buf, patient); !ok {
		return m, 0, false
	}
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(buf[4*i:]) }
	return plan.Message{
		Kind: word(0), Step: word(1), Sub: plan.Sub(word(2)), Errno: word(3), Extra: word(4), Raw: buf[plan.MessageText:],
	}, sender, true
}

// listen fills buf and says who sent it, where that is asked for.
func listen(sock int, buf []byte, patient bool) (sender int, ok bool) {
	if !patient {
		return child.Listen(buf)
	}
	side := make([]byte, syscall.CmsgSpace(syscall.SizeofUcred))
	for have := 0; have < len(buf); {
		n, more, _, _, err := syscall.Recvmsg(sock, buf[have:], side, syscall.MSG_CMSG_CLOEXEC)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0, false
		}
		have += n
		parts, _ := syscall.ParseSocketControlMessage(side[:more])
		for i := range parts {
			if from, err := syscall.ParseUnixCredentials(&parts[i]); err == nil {
				sender = int(from.Pid)
			}
		}
	}
	return sender, true
}
