package broker_test

import (
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// received is what receive makes of a message with n descriptors.
func received(t testing.TB, data []byte, n int) (q broker.Request, fds int, ok bool) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	var oob []byte
	if n > 0 {
		list := make([]int, n)
		for i := range list {
			list[i] = pair[0]
		}
		oob = unix.UnixRights(list...)
	}
	if err := unix.Sendmsg(pair[0], data, oob, nil, 0); err != nil {
		t.Fatal(err)
	}
	a, b, many := broker.HookReceive(uintptr(pair[1]), uintptr(os.Getppid()), &q)
	ok = many >= 0
	if !ok { // a broker ends here, and with it what the kernel gave it of a message too large
		closeCopies(t, pair[0])
		return q, 0, false
	}
	for _, fd := range []uintptr{a, b} {
		if fd == broker.None {
			continue
		}
		fds++
		if kind, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_SEQPACKET {
			t.Errorf("descriptor %d is none that was sent", fd)
		}
		if flags, _ := unix.FcntlInt(fd, unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d stays open over an exec", fd)
		}
		_ = unix.Close(int(fd))
	}
	if ok && fds != many {
		t.Errorf("%d descriptors, %d said", fds, many)
	}
	return q, fds, ok
}

// closeCopies closes the descriptors that stand for the socket of fd, but not fd.
func closeCopies(t testing.TB, fd int) {
	t.Helper()
	var own, other unix.Stat_t
	if err := unix.Fstat(fd, &own); err != nil {
		t.Fatal(err)
	}
	for n := 3; n < fd+16; n++ {
		if n != fd && unix.Fstat(n, &other) == nil && other.Dev == own.Dev && other.Ino == own.Ino {
			_ = unix.Close(n)
		}
	}
}

// hold requires that a message is taken if it is a request, whole, with at most two descriptors,
// and that what is taken is what was sent.
func hold(t testing.TB, data []byte, n int) {
	t.Helper()
	q, fds, ok := received(t, data, n)
	if want := len(data) == broker.RequestSize && n <= 2; ok != want {
		t.Errorf("%d bytes, %d descriptors: taken: %v", len(data), n, ok)
	}
	if !ok {
		return
	}
	if fds != n {
		t.Errorf("%d descriptors of %d", fds, n)
	}
	if string(unsafe.Slice((*byte)(unsafe.Pointer(&q)), broker.RequestSize)) != string(data) {
		t.Error("another request")
	}
}

// TestReceive: sizes and numbers of descriptors around those that are right.
func TestReceive(t *testing.T) {
	if unsafe.Sizeof(broker.Request{}) != broker.RequestSize {
		t.Errorf("a request has %d bytes", unsafe.Sizeof(broker.Request{}))
	}
	for size := range 3 * broker.RequestSize {
		hold(t, make([]byte, size), 0)
	}
	for n := range 250 {
		hold(t, make([]byte, broker.RequestSize), n)
	}
	for op := range broker.HookNumOps {
		if n := broker.HookFdsOf[op]; n > 2 {
			t.Errorf("operation %d wants %d descriptors", op, n)
		}
	}
}

// TestPatience: a silent peer is left, the sooner where the launcher is gone.
func TestPatience(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	const breath = 5 * time.Millisecond
	limit := unix.NsecToTimeval(int64(breath))
	if err := unix.SetsockoptTimeval(pair[1], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		t.Fatal(err)
	}
	var q broker.Request
	begin := time.Now()
	if _, _, n := broker.HookReceive(uintptr(pair[1]), 0, &q); n >= 0 {
		t.Error("a request out of nothing")
	}
	short := time.Since(begin)
	if _, _, n := broker.HookReceive(uintptr(pair[1]), uintptr(os.Getppid()), &q); n >= 0 {
		t.Error("a request out of nothing")
	}
	if long := time.Since(begin) - short; long < 2*breath { // the runtime's signals wake both
		t.Errorf("%v without a launcher, %v with one", short, long)
	}
}

// FuzzReceive: what is taken is a request, whole, with at most two descriptors.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	f.Add(make([]byte, broker.RequestSize), uint8(2))
	f.Add(make([]byte, broker.RequestSize+1), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		if len(data) <= 1<<16 && n <= 253 { // SCM_MAX_FD
			hold(t, data, int(n))
		}
	})
}
