package setuid_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// stolenLaunch is a launcher that waits for the end of --args, so that its keeper waits for a header. The
// attacker has taken the launcher's end of the keeper's socket, which the kernel permits: the launcher
// is the attacker's own process.
type stolenLaunch struct {
	thief               *userThread
	pid, keeper         int
	front               int    // the front end, or 0
	keeperSock          int    // the launcher's end of the keeper's socket
	faultsIn, faultsOut int    // a socket pair for the first process's faults: the reading and the writing end
	keeperFault         []byte // the keeper's own Fault, if it ended the launch
	out, args           int    // the launcher's output; a pipe that stays open, so that --args never ends
}

// startOptions say how the launcher of a stolenLaunch is started.
type startOptions struct {
	program string   // default: installed
	fds     []int    // the launcher's descriptors from 4 on
	env     []string // default: none
	front   bool     // the launcher starts a front end, which blocks on a full pipe
}

// startAndSteal starts a launcher and takes its sockets.
func (s *userThread) startAndSteal(at startOptions) (h *stolenLaunch, err error) {
	if at.program == "" {
		at.program = installed
	}
	var out, args [2]int
	if err := errors.Join(unix.Pipe2(out[:], unix.O_CLOEXEC), unix.Pipe2(args[:], unix.O_CLOEXEC), unix.SetNonblock(out[0], true)); err != nil {
		return nil, err
	}
	h = &stolenLaunch{thief: s, out: out[0], args: args[1], keeperSock: -1, faultsIn: -1, faultsOut: -1}
	files := []uintptr{uintptr(args[0]), uintptr(out[1]), uintptr(out[1]), uintptr(args[0])}
	for _, fd := range at.fds {
		files = append(files, uintptr(fd))
	}
	err = s.do(func() (err error) {
		attr := &syscall.ProcAttr{Dir: base, Env: at.env, Files: files, Sys: &syscall.SysProcAttr{Setpgid: true}}
		words := []string{"gobwrap", "--args", "3"}
		if at.front {
			words = []string{"gobwrap", "--dry-run", "--ro-bind", "/", "/", "true"}
			if err := fillPipe(out[1]); err != nil {
				return err
			}
		}
		h.pid, err = syscall.ForkExec(at.program, words, attr)
		if err != nil {
			return err
		}
		return h.steal(at.front)
	})
	_, _ = unix.Close(out[1]), unix.Close(args[0])
	if err != nil {
		return nil, errors.Join(err, h.end())
	}
	return h, nil
}

// fillPipe fills a pipe, so that a process that prints to it blocks.
func fillPipe(pipe int) error {
	if err := unix.SetNonblock(pipe, true); err != nil {
		return err
	}
	for {
		if _, err := unix.Write(pipe, make([]byte, 1<<12)); errors.Is(err, unix.EAGAIN) {
			return unix.SetNonblock(pipe, false)
		} else if err != nil {
			return err
		}
	}
}

// steal takes the sockets as soon as the launcher has them.
func (h *stolenLaunch) steal(front bool) error {
	var pids, has, its []int
	for end := time.Now().Add(2 * soon); ; time.Sleep(100 * time.Microsecond) {
		if pids = proc.Children(h.pid); len(pids) > 0 {
			h.keeper, has = pids[0], sockets(h.pid)
		}
		if front && len(pids) == 2 {
			h.front, its = pids[1], sockets(pids[1])
		}
		// The launcher has its end of the keeper's pair. With a front end it also has one end of that
		// pair and both ends of the feed.
		if !front && len(pids) == 1 && len(has) == 1 || front && len(has) == 4 && len(its) == 1 {
			sock, err := take(h.pid, has[0]) // the one with the lowest number was made first
			if err == nil {
				h.keeperSock = sock
				break
			}
			if !errors.Is(err, unix.EBADF) { // EBADF: the launcher has just moved it
				return err
			}
		}
		if time.Now().After(end) {
			return fmt.Errorf("no keeper waits: children %v, sockets %v %v, said %q", pids, has, its, h.said())
		}
	}
	pair, e := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if e != nil {
		return e
	}
	h.faultsIn, h.faultsOut = pair[0], pair[1]
	return nil
}

// ours returns the processes that have dropped all privilege and belong to the attacker.
func (h *stolenLaunch) ours() map[string]int {
	pids := map[string]int{"launcher": h.pid}
	if h.front != 0 {
		pids["front end"] = h.front
	}
	return pids
}

// sockets lists the descriptors of a process that are sockets.
func sockets(pid int) (fds []int) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		if to, _ := os.Readlink(dir + "/" + name); strings.HasPrefix(to, "socket:") {
			fd, _ := strconv.Atoi(name)
			fds = append(fds, fd)
		}
	}
	slices.Sort(fds)
	return fds
}

// take duplicates a descriptor of another process.
func take(pid, fd int) (int, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	return unix.PidfdGetfd(pidfd, fd, 0)
}

// packet is a piece of what is sent to a keeper.
type packet struct {
	data   []byte
	rights bool // send faultsOut along
	urgent bool // out of band
	shut   bool // close the writing side
	pause  time.Duration
}

// wholeLaunch returns what the monitor sends: the header for the keeper, and the rest for the first
// process.
func wholeLaunch(p []byte) []packet {
	var head []byte
	for _, word := range headerOf(p) {
		head = binary.NativeEndian.AppendUint32(head, word)
	}
	size := binary.NativeEndian.AppendUint64(nil, uint64(len(p))) // the plan's size; the upper half, the monitor's kind, is 0
	return []packet{{data: head}, {data: size, rights: true}, {data: p}, {shut: true}}
}

// send sends packets. It is not an error if the keeper has ended.
func (h *stolenLaunch) send(packets []packet) error {
	return h.thief.do(func() error {
		for _, p := range packets {
			time.Sleep(p.pause)
			var oob []byte
			flags := unix.MSG_NOSIGNAL
			if p.rights {
				oob = unix.UnixRights(h.faultsOut)
			}
			if p.urgent {
				flags |= unix.MSG_OOB
			}
			for data := p.data; len(data) > 0; {
				n, err := unix.SendmsgN(h.keeperSock, data, oob, nil, flags)
				if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("sending %d bytes to a keeper: %w", len(data), err)
				}
				data = data[n:]
			}
			if p.shut {
				_ = unix.Shutdown(h.keeperSock, unix.SHUT_WR)
			}
		}
		return nil
	})
}

// result is what happened to a plan.
type result struct {
	answered bool  // the keeper answered in time
	first    int   // the sandbox's first process, or 0
	status   int32 // 0 if it ended, -1 if not
	faults   []plan.Message
	said     string
}

func (l result) String() string {
	return fmt.Sprintf("answered %v, first %d, faults %+v, said %q", l.answered, l.first, l.faults, l.said)
}

// wait waits for the keeper's answer and for the end of the first process. It gives up when all
// processes of the launch are blocked.
func (h *stolenLaunch) wait() (l result) {
	l.answered = h.await(h.keeperSock)
	// The first process makes itself the owner of faultsOut (F_SETOWN) and sends a word of four bytes.
	word := make([]byte, keeper.FaultSize)
	n, _, err := unix.Recvfrom(h.keeperSock, word[:4], unix.MSG_DONTWAIT)
	if n == 4 && binary.NativeEndian.Uint32(word) == keeper.FaultWord {
		_, _, err = unix.Recvfrom(h.keeperSock, word[4:], unix.MSG_DONTWAIT)
		h.keeperFault, n = word, 0
	}
	if err == nil && n == 4 {
		l.first, _ = unix.FcntlInt(uintptr(h.faultsOut), unix.F_GETOWN, 0)
		pidfd, err := unix.PidfdOpen(l.first, 0)
		if err == nil && !h.await(pidfd) {
			l.status = -1
		}
		_ = unix.Close(pidfd)
	}
	l.faults, l.said = h.faults(), h.said()
	return l
}

// await reports whether fd becomes readable. It gives up when all processes of the launch are blocked.
func (h *stolenLaunch) await(fd int) bool {
	before, same := "", 0
	for end := time.Now().Add(soon); time.Now().Before(end); {
		if ready(fd, 20*time.Millisecond) {
			return true
		}
		now := sleepCounts(proc.Tree(h.pid))
		if same++; now == "" || now != before {
			before, same = now, 0
		}
		if same == 4 { // once is not enough: a process that is made or ends may be missing in /proc's list of children
			return ready(fd, 0)
		}
	}
	return false
}

// sleepCounts returns how often each process has gone to sleep, or "" if one of them is running. Equal
// answers mean that no process has run in between, so none of them will wake another one.
func sleepCounts(pids []int) string {
	var all strings.Builder
	for _, pid := range pids {
		if state := proc.State(pid); state != "S" && state != "Z" {
			return ""
		}
		fmt.Fprintln(&all, pid, proc.Field(pid, "voluntary_ctxt_switches"))
	}
	return all.String()
}

// ready reports whether fd becomes readable, or reaches its end, within a time.
func ready(fd int, patience time.Duration) bool {
	end := time.Now().Add(patience)
	for {
		left := max(time.Until(end), 0)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left/time.Millisecond)+1)
		if !errors.Is(err, unix.EINTR) {
			return n > 0
		}
	}
}

// faults returns the messages that the launcher would have received.
func (h *stolenLaunch) faults() (all []plan.Message) {
	if word := h.keeperFault; word != nil {
		h.keeperFault = nil
		all = append(all, plan.Message{
			Kind: plan.MsgFault, Step: plan.NoStep, Sub: plan.Sub(binary.NativeEndian.Uint32(word[4:])),
			Errno: binary.NativeEndian.Uint32(word[8:]), Extra: binary.NativeEndian.Uint32(word[12:]),
		})
	}
	for {
		b := make([]byte, plan.MessageSize)
		n, _, err := unix.Recvfrom(h.faultsIn, b, unix.MSG_DONTWAIT)
		if err != nil || n != len(b) {
			return all
		}
		word := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
		all = append(all, plan.Message{Kind: word(0), Step: word(1), Sub: plan.Sub(word(2)), Errno: word(3), Extra: word(4)})
	}
}

func (h *stolenLaunch) said() string {
	var text strings.Builder
	b := make([]byte, 1<<16)
	for {
		n, err := unix.Read(h.out, b)
		if n <= 0 || err != nil {
			return text.String()
		}
		text.Write(b[:n])
	}
}

// soon is a time limit against hangs. What is waited for takes a second on an idle machine.
const soon = 3 * time.Minute

// end kills all processes of the launch, as the attacker, and returns an error if one stays.
func (h *stolenLaunch) end() error {
	pids := proc.Tree(h.pid)
	for _, fd := range []int{h.keeperSock, h.faultsIn, h.faultsOut, h.out, h.args} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	refused := h.thief.do(func() (err error) {
		for _, pid := range pids {
			e := unix.Kill(pid, unix.SIGKILL)
			// The keeper and the broker cannot be killed. They end because their sockets are closed.
			if e != nil && !errors.Is(e, unix.ESRCH) && !hasRootUID(pid) {
				err = errors.Join(err, fmt.Errorf("the user cannot kill process %d: %w", pid, e))
			}
		}
		return err
	})
	return errors.Join(refused, waitGone(soon, pids...), killGroup(h.pid))
}

// hasRootUID reports whether a process has root's real uid.
func hasRootUID(pid int) bool {
	return strings.HasPrefix(proc.Field(pid, "Uid"), "0\t")
}

// killGroup kills what is left of a process group, including processes that were just being cloned. The
// group's leader must have been waited for.
func killGroup(group int) error {
	for end := time.Now().Add(soon); ; time.Sleep(200 * time.Microsecond) {
		_ = unix.Kill(-group, unix.SIGKILL)
		if !reapGroup(group) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("processes of group %d can't be ended", group)
		}
	}
}

// reapGroup reaps the members of a process group that this process has adopted, and reports whether some
// are still alive.
func reapGroup(group int) bool {
	for {
		pid, err := unix.Wait4(-group, nil, unix.WNOHANG, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
		if pid == 0 {
			return true
		}
	}
}

// waitGone waits until processes do not exist any more, and reaps those that this process has adopted.
func waitGone(patience time.Duration, pids ...int) error {
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Microsecond) {
		pids = slices.DeleteFunc(pids, func(pid int) bool {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			return syscall.Kill(pid, 0) == syscall.ESRCH
		})
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("processes that did not end: %s", describe(pids))
		}
	}
}

// endsWithin reports whether a process ends, perhaps as a zombie, within a time.
func endsWithin(pid int, patience time.Duration) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		if s := proc.State(pid); s == "Z" || s == "" {
			return true
		}
	}
	return false
}

// describe says where in the kernel processes are blocked.
func describe(pids []int) string {
	var all []string
	for _, pid := range pids {
		stack, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stack", pid))
		where, _, _ := strings.Cut(string(stack), "\n")
		all = append(all, fmt.Sprintf("%d (%s) at %s", pid, procSummary(pid), where))
	}
	return strings.Join(all, "; ")
}

// attempt starts a launch, sends packets in it, waits for the result, and ends it.
func (s *userThread) attempt(t testing.TB, at startOptions, packets []packet) result {
	t.Helper()
	h, err := s.startAndSteal(at)
	if err != nil {
		t.Error(err)
		return result{}
	}
	if err := h.send(packets); err != nil {
		t.Error(err)
	}
	l := h.wait()
	if l.first == 0 && l.answered {
		if !endsWithin(h.keeper, soon) {
			t.Errorf("the keeper has answered but does not end: %s", describe([]int{h.keeper}))
		}
	}
	if err := h.end(); err != nil {
		t.Errorf("%v (%s)", err, l)
	}
	return l
}

// TestRefusedHeaders: what is not a header ends the keeper, before it has done anything.
func TestRefusedHeaders(t *testing.T) {
	t.Parallel()
	s, baitDir := newUserThread(t, me), bait(t)
	p := good(baitDir).program(t)
	change := func(word int, and, or uint32) func(h *packet) {
		return func(h *packet) {
			at := h.data[4*word:]
			binary.NativeEndian.PutUint32(at, binary.NativeEndian.Uint32(at)&and|or)
		}
	}
	for name, c := range map[string]struct {
		edit func(h *packet)
		runs bool
	}{
		"control":                 {func(*packet) {}, true},
		"with-a-descriptor":       {func(h *packet) { h.rights = true }, true}, // which goes nowhere
		"without-mount-namespace": {change(0, ^uint32(unix.CLONE_NEWNS), 0), false},
		"clone-vm":                {change(0, ^uint32(0), unix.CLONE_VM), false},
		"clone-files":             {change(0, ^uint32(0), unix.CLONE_FILES), false},
		"clone-parent":            {change(0, ^uint32(0), unix.CLONE_PARENT), false},
		"clone-newtime":           {change(0, ^uint32(0), unix.CLONE_NEWTIME), false},
		"all-flags":               {change(3, ^uint32(0), keeper.TryUser|keeper.NewProc|keeper.BindRoot), true}, // BindRoot without need
		"unknown-flag":            {change(3, ^uint32(0), 1<<3), false},
		"last-flag":               {change(3, ^uint32(0), 1<<31), false},
		"short":                   {func(h *packet) { h.data, h.shut = h.data[:15], true }, false},
	} {
		packets := wholeLaunch(p)
		c.edit(&packets[0])
		if packets[0].shut {
			packets = packets[:1]
		}
		if l := s.attempt(t, startOptions{}, packets); !l.answered || (l.first != 0) != c.runs || !c.runs && len(l.faults) > 0 {
			t.Errorf("%s: %s", name, l)
		}
	}
}
