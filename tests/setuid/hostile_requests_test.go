package setuid_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/suid/broker"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// TestHostileRequests: a hostile first process sends random requests, and well-formed ones with hostile
// operands, to real brokers. Half of the brokers cannot use mount_setattr(2), and so make plain binds. The host
// is unchanged afterwards, and in the sandbox's namespace nothing is permitted or visible that the host's
// mounts forbid or hide.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	// In 300,000 random requests the last pair of operation and answer that had not occurred before, except for
	// a ROOT that succeeds, came after 71,000 of a worker's; in 150,000 well-formed ones, after 13,000.
	random, formed := harness.Times(6000, 200_000), harness.Times(2000, 100_000)
	seed := uint64(time.Now().UnixNano())
	name, _ := os.Hostname()
	baitDir := bait(t)
	before := snapshot(baitDir)
	total := map[string]int{}
	var lock sync.Mutex
	var group sync.WaitGroup
	for worker := range uint64(2) {
		prepare := inOwnMounts(canaries)
		if worker == 1 {
			prepare = func() error {
				return errors.Join(inOwnMounts(canaries)(), refusing(unix.SYS_MOUNT_SETATTR, unix.EPERM)())
			}
		}
		h := &hostile{t: t, s: newUserThreadIn(t, me, prepare), baitDir: baitDir, dice: rand.New(rand.NewPCG(seed, worker)), tally: map[string]int{}}
		group.Go(func() {
			for !t.Failed() && (h.random < random/2 || h.formed < formed/2) {
				h.session(h.random < random/2, h.formed < formed/2)
			}
			lock.Lock()
			defer lock.Unlock()
			for what, n := range h.tally {
				total[what] += n
			}
			total["random"] += h.random
			total["formed"] += h.formed
		})
	}
	group.Wait()
	t.Logf("seed %d: %v", seed, total)
	for _, what := range []string{"bind", "fs", "restrict", "root", "pivot", "top-only", "hostname", "ended", "refused"} {
		if total[what] < 3 {
			t.Errorf("%q occurred %d times: the requests are not varied enough", what, total[what])
		}
	}
	if now := snapshot(baitDir); now != before {
		t.Errorf("files of the host have changed:\n%s", difference(before, now))
	}
	if now, _ := os.Hostname(); now != name {
		t.Errorf("the host's name is %q now", now)
		_ = unix.Sethostname([]byte(name))
	}
}

// hostile is one worker.
type hostile struct {
	t              *testing.T
	s              *userThread
	baitDir        string
	dice           *rand.Rand
	tally          map[string]int
	random, formed int
}

// session starts a launch and sends requests to its broker.
func (h *hostile) session(random, formed bool) {
	h.t.Helper()
	clone, flags := uint32(0), uint32(0)
	for _, n := range []uint32{unix.CLONE_NEWIPC, unix.CLONE_NEWUTS, unix.CLONE_NEWNET, unix.CLONE_NEWPID} {
		if h.dice.IntN(3) > 0 {
			clone |= n
		}
	}
	if clone&unix.CLONE_NEWPID != 0 {
		flags = keeper.NewProc
	}
	if h.dice.IntN(4) == 0 {
		flags |= keeper.BindRoot
	}
	k := h.s.startBroker(h.t, clone, flags)
	defer k.close()
	was := k.hostMounts()
	if h.dice.IntN(8) > 0 {
		k.ask(broker.Root, 0, 0)
		h.tally["root"]++
	}
	pool := h.pool(k)
	for n := range 120 + h.dice.IntN(200) {
		var answer uint32
		name := "noise"
		if formed && (n%4 == 0 || !random) {
			h.formed++
			name, answer = h.wellFormed(k, &pool)
		} else {
			h.random++
			answer = h.noise(k, pool)
		}
		switch {
		case answer == ended:
			h.tally["ended"]++
		case answer != 0:
			h.tally["refused"]++
		default:
			h.tally[name]++
		}
		if answer == ended || name == "pivot" || n%4 == 0 && strings.Count(k.mountsInside(), "\n") > 1000 {
			break // recursive binds of binds are slow
		}
	}
	k.checkMounts(was)
	if now, _ := os.Hostname(); strings.HasPrefix(now, "hostile") {
		h.t.Errorf("the host is called %q", now)
	}
	if hasCaps(k.first) {
		h.t.Errorf("the first process has capabilities: %s", procSummary(k.first))
	}
}

// pool returns descriptors of many kinds.
func (h *hostile) pool(k *brokerClient) (fds []int) {
	for _, path := range []string{
		"/", "/usr", "/proc", "/newproc", "/newproc/1/root", "/proc/self/fd", broker.FreshProc, "/oldroot" + broker.FreshProc, "/proc/sys", "/etc/passwd", "/oldroot", "/oldroot/usr", "/oldroot/etc/passwd", "/oldroot/proc",
		"/oldroot/tmp/canary", "/oldroot/tmp/canary/ro", "/oldroot/tmp/canary/noexec", "/oldroot/tmp/canary/nosuid", "/oldroot/tmp/canary/hidden",
		"/oldroot/tmp/canary/hidden/cover", "/tmp/canary/ro", "/base", "/newroot", "/oldroot/dev/null", "/oldroot" + h.baitDir, "/oldroot" + h.baitDir + "/root",
		fmt.Sprintf("/oldroot/proc/%d", k.keeper), fmt.Sprintf("/oldroot/proc/%d/fd", k.keeper), fmt.Sprintf("/oldroot/proc/%d", k.first),
		fmt.Sprintf("/oldroot/proc/%d/ns/mnt", k.first), fmt.Sprintf("/oldroot/proc/%d/ns/net", k.first), fmt.Sprintf("/proc/%d/ns/user", k.first),
	} {
		if fd := k.path(path); fd >= 0 {
			fds = append(fds, fd)
		}
	}
	for i := range 4 {
		if fd := k.mkdir(fmt.Sprintf("/base/d%d", i)); fd >= 0 {
			fds = append(fds, fd)
		}
	}
	for _, to := range []string{"/oldroot" + cover, "/oldroot/tmp/canary/hidden", "/oldroot", "/", "/newproc", "/proc/self/fd/0"} {
		fds = append(fds, k.link(to))
	}
	fds = append(fds, k.host("/"), k.host("/tmp/canary/hidden"), k.sock, k.keep(func() (int, error) { return unix.MemfdCreate("x", unix.MFD_CLOEXEC) }),
		k.keep(func() (int, error) { return unix.PidfdOpen(k.first, 0) }), k.keep(func() (int, error) { return unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0) }),
		k.keep(func() (int, error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) }))
	return slices.DeleteFunc(fds, func(fd int) bool { return fd < 0 })
}

// keep opens a descriptor and notes it for closing.
func (k *brokerClient) keep(open func() (int, error)) int {
	fd, err := open()
	if err != nil {
		return -1
	}
	k.fds = append(k.fds, fd)
	return fd
}

func (h *hostile) pick(fds []int) int { return fds[h.dice.IntN(len(fds))] }

// wellFormed sends a valid request with hostile operands, and returns its name.
func (h *hostile) wellFormed(k *brokerClient, pool *[]int) (name string, answer uint32) {
	d := h.dice
	flags := uint64(d.IntN(16))
	switch op := broker.Op(1 + d.IntN(int(broker.Hostname))); op {
	case broker.Bind:
		return "bind", k.ask(op, flags, 0, h.pick(*pool), h.pick(*pool))
	case broker.FS:
		q := broker.Request{Op: op, A: uint64(d.IntN(3))}
		if q.A == broker.Tmpfs {
			q.C = []uint64{0, 755, 1777, 7777}[d.IntN(4)]
		}
		return "fs", k.sendRaw(bytesOf(&q), h.pick(*pool), h.pick(*pool))
	case broker.Root: // the second is the last request
		if d.IntN(40) > 0 {
			return "top-only", k.ask(broker.Bind, flags, broker.TopOnly, h.pick(*pool), h.pick(*pool))
		}
		return "root", k.ask(op, 0, 0, h.pick(*pool), h.pick(*pool))
	case broker.Pivot:
		if d.IntN(6) > 0 {
			// Usually not, since it ends the broker. A RESTRICT of something mounted since then instead.
			if fd := k.path([]string{"/newroot", "/base", "/base/d0", "/base/d1", "/", "/newproc", "/stage"}[d.IntN(7)]); fd >= 0 {
				*pool = append(*pool, fd)
			}
			return "restrict", k.ask(broker.Restrict, flags, 0, h.pick(*pool), h.pick(*pool))
		}
		return "pivot", k.ask(op, 0, 0, k.path("/newroot"))
	case broker.Hostname:
		q := broker.Request{Op: op, A: uint64(d.IntN(80))}
		copy(q.Name[:], "hostile name")
		return "hostname", k.sendRaw(bytesOf(&q), h.pick(*pool), h.pick(*pool))
	default:
		return "restrict", k.ask(op, flags, 0, h.pick(*pool), h.pick(*pool))
	}
}

// noise sends random numbers and bytes. Most have the form of a request, since any other form ends the
// broker.
func (h *hostile) noise(k *brokerClient, pool []int) uint32 {
	d := h.dice
	number := func() uint64 {
		switch d.IntN(5) {
		case 0:
			return uint64(d.IntN(64))
		case 1:
			return 1 << d.IntN(64)
		case 2:
			return d.Uint64()
		case 3:
			return 1<<d.IntN(64) - 1
		}
		return 0
	}
	var fds []int
	if d.IntN(120) == 0 { // this ends the broker
		b := make([]byte, d.IntN(300))
		for i := range b {
			b[i] = byte(d.Uint32())
		}
		for range d.IntN(5) {
			fds = append(fds, h.pick(pool))
		}
		return k.sendRaw(b, fds...)
	}
	q := broker.Request{Op: broker.Op(1 + d.IntN(int(broker.Hostname))), A: number(), B: number(), C: number()}
	if q.Op == broker.Pivot || q.Op == broker.Root && d.IntN(40) > 0 {
		q.Op = broker.Restrict
	}
	for i := range q.Name {
		q.Name[i] = byte(d.Uint32())
	}
	copy(q.Name[:], "hostile")
	count := 2
	if d.IntN(250) == 0 { // any other number ends the broker
		count = d.IntN(6)
	}
	for range count {
		fds = append(fds, h.pick(pool))
	}
	return k.sendRaw(bytesOf(&q), fds...)
}

// TestUntracedBroker: throughout a launch the user tries to kill, stop and trace the broker, and never can. The
// launch succeeds.
func TestUntracedBroker(t *testing.T) {
	t.Parallel()
	s := newUserThread(t, me)
	for range harness.Times(6, 60) {
		cmd := exec.Command(installed, append(byKeeper(all("--tmpfs", "/t", "--bind", "/tmp", "/x")...)[1:], "/h/witness", "exit", "7")...)
		cmd.Env = []string{"PATH=/usr/bin:/bin"}
		var said strings.Builder
		cmd.Stderr = &said
		if err := s.do(cmd.Start); err != nil {
			t.Fatal(err)
		}
		tries, won, keeper := 0, 0, 0
		for proc.State(cmd.Process.Pid) != "Z" && proc.State(cmd.Process.Pid) != "" {
			for _, pid := range proc.Children(cmd.Process.Pid) {
				if keeper == 0 && hasRootUID(pid) { // it may have ended before it was seen
					keeper = pid
				}
				if pid != keeper { // the first process, which is root's for a moment
					continue
				}
				_ = s.do(func() error {
					tries++
					if traced(pid, unix.PTRACE_SEIZE) == nil && hasRootUID(pid) {
						won++
					}
					return nil
				})
				for _, sig := range []unix.Signal{unix.SIGSTOP, unix.SIGKILL} {
					if s.kill(pid, sig) == nil && hasRootUID(pid) {
						won++
					}
				}
			}
		}
		err := cmd.Wait()
		if cmd.ProcessState.ExitCode() != 7 || said.String() != "" || won > 0 {
			t.Errorf("%v, %d of %d: %s", err, won, tries, said.String())
		}
	}
}
