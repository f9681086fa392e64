package broker_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// received is what receive makes of a message with n descriptors.
func received(t testing.TB, data []byte, n int) (q broker.Request, ok bool) {
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
			list[i] = pair[i%2]
		}
		oob = unix.UnixRights(list...)
	}
	if err := unix.Sendmsg(pair[0], data, oob, nil, 0); err != nil {
		t.Fatal(err)
	}
	fd, fd2, ok := broker.HookReceive(uintptr(pair[1]), uintptr(os.Getppid()), &q)
	if !ok { // a broker ends here, and with it what the kernel gave it of another message
		for _, own := range pair {
			closeCopies(t, own)
		}
		return q, false
	}
	for i, fd := range []uintptr{fd, fd2} {
		if int(fd) == pair[0] || int(fd) == pair[1] || !same(t, int(fd), pair[i]) {
			t.Errorf("descriptor %d stands for something else than what was sent", i)
		}
		if flags, _ := unix.FcntlInt(fd, unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d stays open over an exec", i)
		}
	}
	if fd == fd2 {
		t.Error("two descriptors are one")
	}
	_, _ = unix.Close(int(fd)), unix.Close(int(fd2))
	return q, true
}

// same reports whether two descriptors stand for the same socket.
func same(t testing.TB, a, b int) bool {
	t.Helper()
	var x, y unix.Stat_t
	if err := errors.Join(unix.Fstat(a, &x), unix.Fstat(b, &y)); err != nil {
		t.Fatal(err)
	}
	return x.Dev == y.Dev && x.Ino == y.Ino
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

// hold requires that a message is taken if it is a request, whole, with two descriptors, and that
// what is taken is what was sent.
func hold(t testing.TB, data []byte, n int) {
	t.Helper()
	q, ok := received(t, data, n)
	if want := len(data) == broker.RequestSize && n == 2; ok != want {
		t.Errorf("%d bytes, %d descriptors: taken: %v", len(data), n, ok)
	}
	if ok && string(unsafe.Slice((*byte)(unsafe.Pointer(&q)), broker.RequestSize)) != string(data) {
		t.Error("another request")
	}
}

// TestReceive: sizes and numbers of descriptors around those that are right.
func TestReceive(t *testing.T) {
	if unsafe.Sizeof(broker.Request{}) != broker.RequestSize {
		t.Errorf("a request has %d bytes", unsafe.Sizeof(broker.Request{}))
	}
	for size := range 3 * broker.RequestSize {
		for n := range 4 {
			hold(t, make([]byte, size), n)
		}
	}
	for n := range 250 {
		hold(t, make([]byte, broker.RequestSize), n)
	}
}

// TestControl: two descriptors come in one piece of control data, and with nothing else.
func TestControl(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	one, two := unix.UnixRights(pair[0]), unix.UnixRights(pair[0], pair[0])
	ids := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid()), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())})
	for _, c := range []struct {
		name  string
		oob   []byte
		taken bool
	}{
		{"two", two, true},
		{"one and one", slices.Concat(one, one), true}, // the kernel makes one list of both
		{"one, and ids", slices.Concat(one, ids), false},
		{"ids", ids, false},
		{"two, and ids", slices.Concat(two, ids), true}, // ids go to those who ask for them
		{"two and one", slices.Concat(two, one), false},
		{"two and two", slices.Concat(two, two), false},
	} {
		if err := unix.Sendmsg(pair[0], make([]byte, broker.RequestSize), c.oob, nil, 0); err != nil {
			t.Fatal(err)
		}
		var q broker.Request
		if _, _, ok := broker.HookReceive(uintptr(pair[1]), uintptr(os.Getppid()), &q); ok != c.taken {
			t.Errorf("%s: taken: %v", c.name, ok)
		}
		closeCopies(t, pair[0])
	}
	// With ids that come unasked there is no room for two descriptors.
	if err := unix.SetsockoptInt(pair[1], unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendmsg(pair[0], make([]byte, broker.RequestSize), two, nil, 0); err != nil {
		t.Fatal(err)
	}
	var q broker.Request
	if _, _, ok := broker.HookReceive(uintptr(pair[1]), uintptr(os.Getppid()), &q); ok {
		t.Error("ids are taken for descriptors")
	}
	closeCopies(t, pair[0])
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
	if _, _, ok := broker.HookReceive(uintptr(pair[1]), 0, &q); ok {
		t.Error("a request out of nothing")
	}
	short := time.Since(begin)
	if _, _, ok := broker.HookReceive(uintptr(pair[1]), uintptr(os.Getppid()), &q); ok {
		t.Error("a request out of nothing")
	}
	if long := time.Since(begin) - short; long < 2*breath { // the runtime's signals wake both
		t.Errorf("%v without a launcher, %v with one", short, long)
	}
}

// FuzzReceive: what is taken is a request, whole, with two descriptors.
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
