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

// heist is a launcher that waits for arguments that never come, so that its keeper waits
// for a header. The user has taken the launcher's end of the keeper's socket: the launcher is
// his process.
type heist struct {
	thief            *soul
	pid, keeper      int
	front            int    // 0: there is none
	line, words, own int    // the keeper's socket; where the first process's faults are heard, and where they are said
	word             []byte // what the keeper has said of a launch that it does not make
	out, args        int    // what is printed; the pipe that nobody closes
}

// scene is how the launcher of a heist is started.
type scene struct {
	program string   // installed
	fds     []int    // the launcher's descriptors from 4 on
	env     []string // none
	front   bool     // the launcher takes a front end, which waits to print, and waits for that
}

// rob starts a launcher and takes its sockets.
func (s *soul) rob(at scene) (h *heist, err error) {
	if at.program == "" {
		at.program = installed
	}
	var out, args [2]int
	if err := errors.Join(unix.Pipe2(out[:], unix.O_CLOEXEC), unix.Pipe2(args[:], unix.O_CLOEXEC), unix.SetNonblock(out[0], true)); err != nil {
		return nil, err
	}
	h = &heist{thief: s, out: out[0], args: args[1], line: -1, words: -1, own: -1}
	files := []uintptr{uintptr(args[0]), uintptr(out[1]), uintptr(out[1]), uintptr(args[0])}
	for _, fd := range at.fds {
		files = append(files, uintptr(fd))
	}
	err = s.do(func() (err error) {
		attr := &syscall.ProcAttr{Dir: base, Env: at.env, Files: files, Sys: &syscall.SysProcAttr{Setpgid: true}}
		words := []string{"gobwrap", "--args", "3"}
		if at.front {
			words = []string{"gobwrap", "--dry-run", "--ro-bind", "/", "/", "true"}
			if err := stuff(out[1]); err != nil {
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

// stuff fills a pipe, so that whoever prints there waits.
func stuff(pipe int) error {
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

// steal takes the sockets, once the launcher has come so far.
func (h *heist) steal(front bool) error {
	var pids, has, its []int
	for end := time.Now().Add(2 * soon); ; time.Sleep(100 * time.Microsecond) {
		if pids = proc.Children(h.pid); len(pids) > 0 {
			h.keeper, has = pids[0], sockets(h.pid)
		}
		if front && len(pids) == 2 {
			h.front, its = pids[1], sockets(pids[1])
		}
		// The launcher has its end of the keeper's pair. With a front end it has one of the
		// pair to that besides, and both of the feed.
		if !front && len(pids) == 1 && len(has) == 1 || front && len(has) == 4 && len(its) == 1 {
			line, err := take(h.pid, has[0]) // the first of all that were made
			if err == nil {
				h.line = line
				break
			}
			if !errors.Is(err, unix.EBADF) { // it has moved it meanwhile
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
	h.words, h.own = pair[0], pair[1]
	return nil
}

// ours are the processes that have given up everything, and are the user's.
func (h *heist) ours() map[string]int {
	pids := map[string]int{"launcher": h.pid}
	if h.front != 0 {
		pids["front end"] = h.front
	}
	return pids
}

// sockets lists the numbers of a process's sockets.
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

// take takes a descriptor out of a process.
func take(pid, fd int) (int, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	return unix.PidfdGetfd(pidfd, fd, 0)
}

// parcel is a piece of what is sent to a keeper.
type parcel struct {
	data   []byte
	rights bool // with the descriptor on which faults are said
	urgent bool // out of band
	shut   bool // the end
	pause  time.Duration
}

// whole is what the monitor sends: the header, which the keeper reads, and what the first
// process reads.
func whole(p []byte) []parcel {
	var head []byte
	for _, word := range headerOf(p) {
		head = binary.NativeEndian.AppendUint32(head, word)
	}
	size := binary.NativeEndian.AppendUint64(nil, uint64(len(p))) // and what the monitor is: nothing
	return []parcel{{data: head}, {data: size, rights: true}, {data: p}, {shut: true}}
}

// send sends parcels; the keeper may be gone meanwhile, which is no error.
func (h *heist) send(parcels []parcel) error {
	return h.thief.do(func() error {
		for _, p := range parcels {
			time.Sleep(p.pause)
			var oob []byte
			flags := unix.MSG_NOSIGNAL
			if p.rights {
				oob = unix.UnixRights(h.own)
			}
			if p.urgent {
				flags |= unix.MSG_OOB
			}
			for data := p.data; len(data) > 0; {
				n, err := unix.SendmsgN(h.line, data, oob, nil, flags)
				if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("sending %d bytes to a keeper: %w", len(data), err)
				}
				data = data[n:]
			}
			if p.shut {
				_ = unix.Shutdown(h.line, unix.SHUT_WR)
			}
		}
		return nil
	})
}

// loot is what came of a plan.
type loot struct {
	answered bool  // the keeper did something within the time
	first    int   // the sandbox's first process, 0: none
	status   int32 // 0 if it ended
	faults   []plan.Message
	said     string
}

func (l loot) String() string {
	return fmt.Sprintf("answered %v, first %d, faults %+v, said %q", l.answered, l.first, l.faults, l.said)
}

// wait waits for the keeper's answer, and for the end of what it started; no longer than
// until all of it waits for what never comes.
func (h *heist) wait() (l loot) {
	l.answered = h.await(h.line)
	// The first process makes itself the owner of the socket, and says a word.
	word := make([]byte, keeper.FaultSize)
	n, _, err := unix.Recvfrom(h.line, word[:4], unix.MSG_DONTWAIT)
	if n == 4 && binary.NativeEndian.Uint32(word) == keeper.FaultWord {
		_, _, err = unix.Recvfrom(h.line, word[4:], unix.MSG_DONTWAIT)
		h.word, n = word, 0
	}
	if err == nil && n == 4 {
		l.first, _ = unix.FcntlInt(uintptr(h.own), unix.F_GETOWN, 0)
		pidfd, err := unix.PidfdOpen(l.first, 0)
		if err == nil && !h.await(pidfd) {
			l.status = -1
		}
		_ = unix.Close(pidfd)
	}
	l.faults, l.said = h.faults(), h.said()
	return l
}

// await waits until something can be read from fd, or is at its end, and reports that. It
// gives up once the processes are all held up.
func (h *heist) await(fd int) bool {
	before := ""
	for end := time.Now().Add(soon); time.Now().Before(end); {
		if ready(fd, 20*time.Millisecond) {
			return true
		}
		now := asleep(proc.Tree(h.pid))
		if now != "" && now == before {
			return ready(fd, 0)
		}
		before = now
	}
	return false
}

// asleep says how often each of these processes has gone to sleep, if all of them sleep now
// or have ended. Two answers that are the same mean that none has run between them: whatever
// they wait for, it does not come from one another.
func asleep(pids []int) string {
	var all strings.Builder
	for _, pid := range pids {
		if state := proc.State(pid); state != "S" && state != "Z" {
			return ""
		}
		fmt.Fprintln(&all, pid, proc.Field(pid, "voluntary_ctxt_switches"))
	}
	return all.String()
}

// ready reports whether something can be read from fd within a time, or is at its end.
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

// faults takes the messages of the acting side that the launcher will not read.
func (h *heist) faults() (all []plan.Message) {
	if word := h.word; word != nil {
		h.word = nil
		all = append(all, plan.Message{
			Kind: plan.MsgFault, Step: plan.NoStep, Sub: plan.Sub(binary.NativeEndian.Uint32(word[4:])),
			Errno: binary.NativeEndian.Uint32(word[8:]), Extra: binary.NativeEndian.Uint32(word[12:]),
		})
	}
	for {
		b := make([]byte, plan.MessageSize)
		n, _, err := unix.Recvfrom(h.words, b, unix.MSG_DONTWAIT)
		if err != nil || n != len(b) {
			return all
		}
		word := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
		all = append(all, plan.Message{Kind: word(0), Step: word(1), Sub: plan.Sub(word(2)), Errno: word(3), Extra: word(4)})
	}
}

func (h *heist) said() string {
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

// soon is a second's work on a machine that has other things to do: it guards against hangs.
const soon = 3 * time.Minute

// end kills all of it, as the user, and tells what is left soon after.
func (h *heist) end() error {
	pids := proc.Tree(h.pid)
	for _, fd := range []int{h.line, h.words, h.own, h.out, h.args} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	refused := h.thief.do(func() (err error) {
		for _, pid := range pids {
			e := unix.Kill(pid, unix.SIGKILL)
			// What is not the user's ends at the end of its socket.
			if e != nil && !errors.Is(e, unix.ESRCH) && !roots(pid) {
				err = errors.Join(err, fmt.Errorf("the user may not end process %d: %w", pid, e))
			}
		}
		return err
	})
	return errors.Join(refused, gone(soon, pids...), clear(h.pid))
}

// roots reports whether a process has root's ids.
func roots(pid int) bool {
	return strings.HasPrefix(proc.Field(pid, "Uid"), "0\t")
}

// clear ends what came into the world while we were looking, by its process group, whose
// leader must have been waited for.
func clear(group int) error {
	for end := time.Now().Add(soon); ; time.Sleep(200 * time.Microsecond) {
		_ = unix.Kill(-group, unix.SIGKILL)
		if !adopted(group) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("processes of group %d can't be ended", group)
		}
	}
}

// adopted reaps those of a process group who have become ours, and reports whether some of
// them live.
func adopted(group int) bool {
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

// gone waits until processes are no more, and reaps those that have become ours.
func gone(patience time.Duration, pids ...int) error {
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Microsecond) {
		pids = slices.DeleteFunc(pids, func(pid int) bool {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			return syscall.Kill(pid, 0) == syscall.ESRCH
		})
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("processes that stay: %s", describe(pids))
		}
	}
}

// over reports whether a process that its parent does not wait for has ended within a time.
func over(pid int, patience time.Duration) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		if s := proc.State(pid); s == "Z" || s == "" {
			return true
		}
	}
	return false
}

// describe says where processes stand.
func describe(pids []int) string {
	var all []string
	for _, pid := range pids {
		stack, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stack", pid))
		where, _, _ := strings.Cut(string(stack), "\n")
		all = append(all, fmt.Sprintf("%d (%s) at %s", pid, has(pid), where))
	}
	return strings.Join(all, "; ")
}

// attempt is a whole heist: a plan sent, its outcome, and the end.
func (s *soul) attempt(t testing.TB, at scene, parcels []parcel) loot {
	t.Helper()
	h, err := s.rob(at)
	if err != nil {
		t.Error(err)
		return loot{}
	}
	if err := h.send(parcels); err != nil {
		t.Error(err)
	}
	l := h.wait()
	if l.first == 0 && l.answered {
		if !over(h.keeper, soon) {
			t.Errorf("the keeper stays after its answer: %s", describe([]int{h.keeper}))
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
	s, lure := become(t, me), bait(t)
	p := good(lure).program(t)
	change := func(word int, and, or uint32) func(h *parcel) {
		return func(h *parcel) {
			at := h.data[4*word:]
			binary.NativeEndian.PutUint32(at, binary.NativeEndian.Uint32(at)&and|or)
		}
	}
	for name, c := range map[string]struct {
		edit func(h *parcel)
		runs bool
	}{
		"control":                 {func(*parcel) {}, true},
		"with-a-descriptor":       {func(h *parcel) { h.rights = true }, true}, // which goes nowhere
		"without-mount-namespace": {change(0, ^uint32(unix.CLONE_NEWNS), 0), false},
		"clone-vm":                {change(0, ^uint32(0), unix.CLONE_VM), false},
		"clone-files":             {change(0, ^uint32(0), unix.CLONE_FILES), false},
		"clone-parent":            {change(0, ^uint32(0), unix.CLONE_PARENT), false},
		"clone-newtime":           {change(0, ^uint32(0), unix.CLONE_NEWTIME), false},
		"unknown-flag":            {change(3, ^uint32(0), 1<<3), false},
		"last-flag":               {change(3, ^uint32(0), 1<<31), false},
		"short":                   {func(h *parcel) { h.data, h.shut = h.data[:15], true }, false},
	} {
		parcels := whole(p)
		c.edit(&parcels[0])
		if parcels[0].shut {
			parcels = parcels[:1]
		}
		if l := s.attempt(t, scene{}, parcels); !l.answered || (l.first != 0) != c.runs || !c.runs && len(l.faults) > 0 {
			t.Errorf("%s: %s", name, l)
		}
	}
}
