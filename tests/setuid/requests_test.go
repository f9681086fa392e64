package setuid_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/suid/broker"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// brokerClient is a user who has taken the first process's socket to a real broker. The first process waits
// for a plan that never comes, so the user sends in its place.
type brokerClient struct {
	*stolenLaunch
	t     testing.TB
	first int
	sock  int
	fds   []int // to be closed at the end
}

// ended is returned instead of an answer if the broker has ended.
const ended = ^uint32(0)

// startBroker starts a launch whose first process waits for the plan, and takes its socket.
func (s *userThread) startBroker(t testing.TB, clone, flags uint32) *brokerClient {
	t.Helper()
	h, err := s.startAndSteal(startOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k := &brokerClient{stolenLaunch: h, t: t, sock: -1}
	head := keeper.Header{Clone: unix.CLONE_NEWNS | clone, UID: me, GID: me, Flags: flags}
	if err := h.send([]packet{{data: unsafe.Slice((*byte)(unsafe.Pointer(&head)), keeper.HeaderSize)}}); err != nil {
		t.Fatal(err)
	}
	waits := func() bool {
		for _, pid := range proc.Children(h.pid) {
			if pid != h.keeper {
				k.first = pid
			}
		}
		return k.first != 0 && proc.State(k.first) == "S" && strings.HasPrefix(proc.Field(k.first, "Uid"), fmt.Sprint(me)) &&
			proc.Field(h.keeper, "Seccomp") == "2" && len(sockets(k.first)) == 2
	}
	if !harness.Until(waits) {
		t.Fatalf("no first process: %s, faults %+v", describe(proc.Tree(h.pid)), h.wait())
	}
	err = s.do(func() error {
		for _, fd := range sockets(k.first) {
			taken, err := take(k.first, fd)
			if err != nil {
				return err
			}
			if kind, _ := unix.GetsockoptInt(taken, unix.SOL_SOCKET, unix.SO_TYPE); kind == unix.SOCK_SEQPACKET {
				k.sock = taken
				continue
			}
			_ = unix.Close(taken)
		}
		return nil
	})
	if err != nil || k.sock < 0 {
		t.Fatal("the user cannot take the first process's socket: ", err)
	}
	return k
}

// close ends the launch, and requires that no process stays.
func (k *brokerClient) close() {
	for _, fd := range append(k.fds, k.sock) {
		_ = unix.Close(fd)
	}
	if err := k.end(); err != nil {
		k.t.Error(err)
	}
}

// open opens a path of the first process's mount namespace, as the user.
func (k *brokerClient) open(path string, flags int) int {
	fd := -1
	err := k.thief.do(func() (err error) {
		fd, err = unix.Open(fmt.Sprintf("/proc/%d/root%s", k.first, path), unix.O_CLOEXEC|flags, 0)
		return err
	})
	if err == nil {
		k.fds = append(k.fds, fd)
	}
	return fd
}

// path is open with O_PATH.
func (k *brokerClient) path(path string) int { return k.open(path, unix.O_PATH) }

// link makes a symbolic link as the user, and opens it.
func (k *brokerClient) link(to string) int {
	name := fmt.Sprint("/base/link", len(k.fds))
	_ = k.thief.do(func() error { return unix.Symlink(to, fmt.Sprintf("/proc/%d/root%s", k.first, name)) })
	return k.open(name, unix.O_PATH|unix.O_NOFOLLOW)
}

// seesHidden returns EINVAL if the user can see what the cover below dir hides, and 0 if not.
func (k *brokerClient) seesHidden(dir int) uint32 {
	err := k.thief.do(func() error {
		var st unix.Stat_t
		if err := unix.Fstatat(dir, filepath.Base(cover), &st, 0); err != nil {
			k.t.Error(err)
		}
		return unix.Fstatat(dir, filepath.Base(cover)+"/egg", &st, 0)
	})
	if err != nil {
		return 0
	}
	return uint32(unix.EINVAL)
}

// mkdir makes a directory as the user.
func (k *brokerClient) mkdir(path string) int {
	_ = k.thief.do(func() error { return unix.Mkdir(fmt.Sprintf("/proc/%d/root%s", k.first, path), 0o755) })
	return k.path(path)
}

// sendRaw sends bytes and descriptors, and returns the answer.
func (k *brokerClient) sendRaw(data []byte, fds ...int) (answer uint32) {
	_ = k.thief.do(func() error {
		var oob []byte
		if len(fds) > 0 {
			oob = unix.UnixRights(fds...)
		}
		if _, err := unix.SendmsgN(k.sock, data, oob, nil, unix.MSG_NOSIGNAL); err != nil {
			answer = ended
			if !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EBADF) {
				return err
			}
			return nil
		}
		word := make([]byte, 8)
		n, _, err := unix.Recvfrom(k.sock, word, 0)
		if answer = ended; n == 4 && err == nil {
			answer = *(*uint32)(unsafe.Pointer(&word[0]))
		}
		return nil
	})
	return answer
}

func bytesOf(q *broker.Request) []byte {
	return slices.Clone(unsafe.Slice((*byte)(unsafe.Pointer(q)), broker.RequestSize))
}

// ask makes a request. If fewer than two descriptors are given, the socket takes the place of the others: a
// request must have two, and an operation ignores those that it does not need. BIND is told what its source is.
func (k *brokerClient) ask(op broker.Op, a, b uint64, fds ...int) uint32 {
	var st unix.Stat_t
	if op == broker.Bind && unix.Fstat(fds[0], &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		b |= broker.Directory
	}
	return k.sendRaw(bytesOf(&broker.Request{Op: op, A: a, B: b}), k.padded(fds)...)
}

// padded adds the socket to fds until there are two.
func (k *brokerClient) padded(fds []int) []int {
	return append(fds, slices.Repeat([]int{k.sock}, max(2-len(fds), 0))...)
}

// withFrame sends ROOT.
func (k *brokerClient) withFrame() *brokerClient {
	k.t.Helper()
	if e := k.ask(broker.Root, 0, 0); e != 0 {
		k.t.Fatalf("ROOT answers %d", e)
	}
	return k
}

// bindsCanaries binds the canaries, which all must become read-only, and makes a link and a directory on the
// new root.
func (k *brokerClient) bindsCanaries(how uint64) uint32 {
	k.mkdir("/newroot/dir")
	_ = k.thief.do(func() error {
		return os.WriteFile(fmt.Sprintf("/proc/%d/root/newroot/link", k.first), nil, 0o600)
	})
	if e := k.ask(broker.Bind, unix.MS_RDONLY, how, k.path("/oldroot/tmp/canary"), k.path("/newroot/dir")); e != 0 {
		return e
	}
	if bound := k.mountsBelow("/newroot/dir"); len(bound) != 6 || slices.ContainsFunc(slices.Collect(maps.Values(bound)), func(flags string) bool {
		return !strings.HasPrefix(flags, "ro,nosuid") || strings.HasSuffix(flags, " slave")
	}) {
		k.t.Errorf("bound: %q", bound)
	}
	return 0
}

// mountsInside returns the mountinfo of the first process.
func (k *brokerClient) mountsInside() string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", k.first))
	return string(text)
}

// mountAt returns the topmost mount on a path of the first process's mount namespace.
func (k *brokerClient) mountAt(point string) (last mount) {
	for line := range strings.Lines(k.mountsInside()) {
		if m, ok := parseMount(line); ok && m.point == point {
			last = m
		}
	}
	return last
}

// tmpfs mounts a tmpfs. It must belong to the user, and have the mode with these octal digits, of which the
// kernel takes twelve bits, and this size, or for 0 any size.
func (k *brokerClient) tmpfs(size, digits uint64) uint32 {
	q := broker.Request{Op: broker.FS, A: broker.Tmpfs, B: size, C: digits}
	if e := k.sendRaw(bytesOf(&q), k.padded([]int{k.mkdir("/newroot/t")})...); e != 0 {
		return e
	}
	_ = k.thief.do(func() error {
		var st unix.Stat_t
		var fs unix.Statfs_t
		at := fmt.Sprintf("/proc/%d/root/newroot/t", k.first)
		if err := errors.Join(unix.Stat(at, &st), unix.Statfs(at, &fs)); err != nil {
			k.t.Error(err)
		}
		mode, err := strconv.ParseUint(fmt.Sprint(digits), 8, 32)
		if err != nil || st.Mode != unix.S_IFDIR|uint32(mode&0o7777) || st.Uid != me || st.Gid != me {
			k.t.Errorf("mode %o, of %d:%d", st.Mode, st.Uid, st.Gid)
		}
		if got := fs.Blocks * uint64(fs.Bsize); size != 0 && got != size || size == 0 && got == 0 {
			k.t.Errorf("%d bytes, want %d", got, size)
		}
		return nil
	})
	return 0
}

// tooManyFS makes as many FS requests as a broker carries out, all with the same answer, and returns that of
// one more.
func (k *brokerClient) tooManyFS(kind uint64, fd int, answer uint32) uint32 {
	for range broker.MaxFileSystems {
		if e := k.ask(broker.FS, kind, 0, fd); e != answer {
			return e
		}
	}
	return k.ask(broker.FS, broker.Tmpfs, 0, k.path("/newroot"))
}

// TestRequests: each request is answered as package suid says, and anything else ends the broker.
func TestRequests(t *testing.T) {
	t.Parallel()
	const inval, perm, nospc, notdir = uint32(unix.EINVAL), uint32(unix.EPERM), uint32(unix.ENOSPC), uint32(unix.ENOTDIR)
	s := newUserThreadIn(t, me, inOwnMounts(canaries))
	for _, c := range []struct {
		name         string
		clone, flags uint32
		noFrame      bool
		do           func(k *brokerClient) uint32
		want         uint32
	}{
		// Order.
		{name: "bind-first", noFrame: true, do: func(k *brokerClient) uint32 { return k.ask(broker.Bind, 1, 0, k.path("/usr"), k.path("/usr")) }, want: ended},
		{name: "tmpfs-first", noFrame: true, do: func(k *brokerClient) uint32 { return k.ask(broker.FS, broker.Tmpfs, 0, k.path("/tmp")) }, want: ended},
		{name: "pivot-first", noFrame: true, do: func(k *brokerClient) uint32 { return k.ask(broker.Pivot, 0, 0, k.path("/")) }, want: ended},
		{name: "root", noFrame: true, do: func(k *brokerClient) uint32 { return k.ask(broker.Root, 0, 0) }},
		{name: "root-twice", do: func(k *brokerClient) uint32 { return k.ask(broker.Root, 0, 0) }, want: ended},
		{name: "pivot", do: func(k *brokerClient) uint32 { return k.ask(broker.Pivot, 0, 0, k.path("/newroot")) }},
		{name: "behind-the-pivot", do: func(k *brokerClient) uint32 {
			k.ask(broker.Pivot, 0, 0, k.path("/newroot"))
			return k.ask(broker.FS, broker.Tmpfs, 0, k.path("/"))
		}, want: ended},
		{name: "behind-a-pivot-that-failed", do: func(k *brokerClient) uint32 {
			if e := k.ask(broker.Pivot, 0, 0, k.mkdir("/base/d")); e != inval {
				return e
			}
			return k.ask(broker.FS, broker.Tmpfs, 0, k.path("/base/d"))
		}, want: ended},

		// Form.
		{name: "operation-0", do: func(k *brokerClient) uint32 { return k.ask(0, 0, 0) }, want: ended},
		{name: "operation-behind-the-last", do: func(k *brokerClient) uint32 { return k.ask(broker.Hostname+1, 0, 0, k.path("/")) }, want: ended},
		{name: "operation-that-wraps", do: func(k *brokerClient) uint32 { return k.ask(1<<32|broker.Root, 0, 0) }, want: ended},
		{name: "operation-that-is-negative", do: func(k *brokerClient) uint32 { return k.ask(1<<63|broker.Root, 0, 0) }, want: ended},
		{name: "no-descriptor", do: func(k *brokerClient) uint32 { return k.sendRaw(bytesOf(&broker.Request{Op: broker.Restrict, A: 1})) }, want: ended},
		{name: "one-too-few", do: func(k *brokerClient) uint32 {
			return k.sendRaw(bytesOf(&broker.Request{Op: broker.Restrict, A: 1}), k.path("/"))
		}, want: ended},
		{name: "one-of-a-bind", do: func(k *brokerClient) uint32 {
			return k.sendRaw(bytesOf(&broker.Request{Op: broker.Bind, A: 1}), k.path("/oldroot/usr"))
		}, want: ended},
		{name: "three", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1, 0, k.path("/oldroot/usr"), k.path("/newroot"), k.path("/base"))
		}, want: ended},
		{name: "many", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1, 0, slices.Repeat([]int{k.path("/")}, 200)...)
		}, want: ended},
		{name: "none-where-none-is-used", noFrame: true, do: func(k *brokerClient) uint32 { return k.sendRaw(bytesOf(&broker.Request{Op: broker.Root})) }, want: ended},
		{name: "one-where-none-is-used", clone: unix.CLONE_NEWUTS, do: func(k *brokerClient) uint32 {
			return k.sendRaw(bytesOf(&broker.Request{Op: broker.Hostname}), k.path("/"))
		}, want: ended},
		{name: "three-where-none-is-used", clone: unix.CLONE_NEWUTS, do: func(k *brokerClient) uint32 {
			return k.sendRaw(bytesOf(&broker.Request{Op: broker.Hostname}), k.path("/"), k.path("/"), k.path("/"))
		}, want: ended},
		{name: "two-where-none-is-used", clone: unix.CLONE_NEWUTS, do: func(k *brokerClient) uint32 {
			return k.sendRaw(bytesOf(&broker.Request{Op: broker.Hostname}), k.path("/"), k.path("/oldroot/usr"))
		}},
		// The second descriptor is ignored: it may be of any kind, and its mount is not changed.
		{name: "two-where-one-is-used", do: func(k *brokerClient) uint32 {
			if e := k.ask(broker.Restrict, unix.MS_NOEXEC, 0, k.path("/newroot"), k.host("/")); e != 0 {
				return e
			}
			if e := k.ask(broker.Restrict, unix.MS_NOEXEC, 0, k.path("/newroot"), k.path("/base")); e != 0 {
				return e
			}
			if m := k.mountAt("/base"); !strings.HasPrefix(m.flags, "rw,nosuid,nodev,relatime") {
				k.t.Errorf("/base: %+v", m)
			}
			if m := k.mountAt("/newroot"); !strings.HasPrefix(m.flags, "rw,nosuid,nodev,noexec,relatime") {
				k.t.Errorf("/newroot: %+v", m)
			}
			return 0
		}},
		{name: "empty", do: func(k *brokerClient) uint32 { return k.sendRaw(nil) }, want: ended},
		{name: "one-byte", do: func(k *brokerClient) uint32 { return k.sendRaw([]byte{0}, k.padded(nil)...) }, want: ended},
		{name: "short", do: func(k *brokerClient) uint32 {
			return k.sendRaw(bytesOf(&broker.Request{Op: broker.Hostname})[:broker.RequestSize-1], k.padded(nil)...)
		}, want: ended},
		{name: "long", do: func(k *brokerClient) uint32 {
			return k.sendRaw(append(bytesOf(&broker.Request{Op: broker.Hostname}), 0), k.padded(nil)...)
		}, want: ended},
		{name: "doubled", do: func(k *brokerClient) uint32 {
			q := bytesOf(&broker.Request{Op: broker.Hostname})
			return k.sendRaw(append(q, q...), k.padded(nil)...)
		}, want: ended},

		// Integers.
		{name: "flags", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, unix.MS_SHARED, 0, k.path("/oldroot/usr"), k.path("/newroot"))
		}, want: inval},
		{name: "flags-beyond", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1<<32, 0, k.path("/oldroot/usr"), k.path("/newroot"))
		}, want: inval},
		{name: "flags-of-restrict", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Restrict, unix.MOUNT_ATTR_NODIRATIME, 0, k.path("/newroot"))
		}, want: inval}, // the kernel would take it
		{name: "kind-of-bind", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1, broker.TopOnly<<1, k.path("/oldroot/usr"), k.path("/newroot"))
		}, want: inval},
		{name: "kind-of-bind-beyond", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1, 1<<32, k.path("/oldroot/usr"), k.path("/newroot"))
		}, want: inval},
		{name: "kind-of-bind-that-is-negative", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1, 1<<63, k.path("/oldroot/usr"), k.path("/newroot"))
		}, want: inval},
		{name: "bind-a-file-as-a-directory", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1, broker.Directory, k.path("/oldroot/etc/passwd"), k.path("/newroot"))
		}, want: notdir},
		{name: "bind-a-directory-as-a-file", do: func(k *brokerClient) uint32 {
			q := broker.Request{Op: broker.Bind, A: 1}
			return k.sendRaw(bytesOf(&q), k.path("/oldroot/usr"), k.path("/newroot"))
		}, want: notdir},
		// Here the flags of all mounts are added at once all the same: see TestTopOnly for brokers that cannot.
		{name: "top-only", do: func(k *brokerClient) uint32 { return k.bindsCanaries(broker.TopOnly) }},
		{name: "not-top-only", do: func(k *brokerClient) uint32 { return k.bindsCanaries(0) }},
		// What a bind that failed has left behind is in the way of none. A user who mounts on the staging
		// place, or opens it, gets nowhere.
		{name: "after-a-bind-that-failed", do: func(k *brokerClient) uint32 {
			for range 3 {
				if e := k.ask(broker.Bind, 1, 0, k.path("/oldroot/usr"), k.path("/oldroot/etc/passwd")); e != notdir {
					return e
				}
				if e := k.ask(broker.Bind, 1, 0, k.path("/oldroot/etc/passwd"), k.path("/newroot")); e != notdir {
					return e
				}
				if e := k.ask(broker.Bind, 1, 0, k.link("/oldroot/etc/passwd"), k.path("/newroot")); e != notdir {
					return e
				}
			}
			return max(k.bindsCanaries(0), k.ask(broker.Bind, 1, 0, k.path("/oldroot/etc/group"), k.path("/newroot/link")))
		}},
		{name: "on-the-stage", do: func(k *brokerClient) uint32 {
			k.mkdir("/base/dir")
			_ = k.thief.do(func() error { return unix.Symlink("/oldroot/tmp", fmt.Sprintf("/proc/%d/root/base/file", k.first)) })
			if e := k.ask(broker.Bind, 0, 0, k.path("/base"), k.path(broker.Stage)); e != 0 {
				return e
			}
			was := k.mountAt(broker.Stage + "/dir")
			if e := k.bindsCanaries(0); e != 0 || was != k.mountAt(broker.Stage+"/dir") {
				k.t.Errorf("what is on %s now: %+v", broker.Stage, k.mountAt(broker.Stage+"/dir"))
				return e
			}
			return k.ask(broker.Bind, 1, 0, k.path("/oldroot/etc/group"), k.path("/newroot/link"))
		}},
		{name: "behind-the-stage", do: func(k *brokerClient) uint32 {
			if k.path(broker.Stage+"/dir") >= 0 || k.path(broker.Stage+"/file") >= 0 || k.open(broker.Stage, unix.O_RDONLY) >= 0 {
				return inval
			}
			// Nor through a copy of it, at which the user may look.
			if e := k.ask(broker.Bind, 0, 0, k.path(broker.Stage), k.mkdir("/base/copy")); e != 0 {
				return e
			}
			if k.path("/base/copy/dir") >= 0 || k.path("/base/copy/file") >= 0 {
				return inval
			}
			return 0
		}},
		{name: "kind", do: func(k *brokerClient) uint32 { return k.ask(broker.FS, 3, 0, k.path("/newroot")) }, want: inval},
		{name: "kind-beyond", do: func(k *brokerClient) uint32 { return k.ask(broker.FS, 1<<32, 0, k.path("/newroot")) }, want: inval},
		{name: "devpts-with-a-size", do: func(k *brokerClient) uint32 { return k.ask(broker.FS, broker.Devpts, 1, k.path("/newroot")) }, want: inval},
		{name: "mqueue-with-a-size", clone: unix.CLONE_NEWIPC, do: func(k *brokerClient) uint32 { return k.ask(broker.FS, broker.Mqueue, 1<<63, k.path("/newroot")) }, want: inval},
		{name: "tmpfs", do: func(k *brokerClient) uint32 { return k.tmpfs(0, 755) }},
		{name: "tmpfs-of-a-page", do: func(k *brokerClient) uint32 { return k.tmpfs(4096, 700) }},
		{name: "tmpfs-of-a-terabyte", do: func(k *brokerClient) uint32 { return k.tmpfs(1<<40, 1777) }},
		{name: "tmpfs-of-9-exabytes", do: func(k *brokerClient) uint32 { return k.tmpfs(1<<63, 7777) }},
		{name: "mode-that-permits-nothing", do: func(k *brokerClient) uint32 { return k.tmpfs(0, 0) }},
		{name: "mode-of-a-file", do: func(k *brokerClient) uint32 { return k.tmpfs(0, 120755) }},
		{name: "mode-with-an-8", do: func(k *brokerClient) uint32 { return k.tmpfs(0, 785) }, want: inval},
		{name: "mode-that-is-too-long", do: func(k *brokerClient) uint32 { return k.tmpfs(0, 1<<64-1) }, want: inval},
		{name: "devpts-with-a-mode", do: func(k *brokerClient) uint32 {
			q := broker.Request{Op: broker.FS, A: broker.Devpts, C: 755}
			return k.sendRaw(bytesOf(&q), k.padded([]int{k.path("/newroot")})...)
		}, want: inval},
		{name: "too-many-file-systems", do: func(k *brokerClient) uint32 { return k.tooManyFS(broker.Devpts, k.path("/newroot"), 0) }, want: nospc},
		{name: "too-many-file-systems-that-fail", do: func(k *brokerClient) uint32 { return k.tooManyFS(broker.Tmpfs, k.host("/usr"), inval) }, want: nospc},
		{name: "too-many-file-systems-that-are-refused", do: func(k *brokerClient) uint32 { return k.tooManyFS(broker.Mqueue, k.path("/newroot"), perm) }, want: nospc},

		// Namespaces.
		{name: "mqueue-of-the-host", do: func(k *brokerClient) uint32 { return k.ask(broker.FS, broker.Mqueue, 0, k.path("/newroot")) }, want: perm},
		{name: "mqueue", clone: unix.CLONE_NEWIPC, do: func(k *brokerClient) uint32 { return k.ask(broker.FS, broker.Mqueue, 0, k.path("/newroot")) }},
		{name: "hostname-of-the-host", noFrame: true, do: func(k *brokerClient) uint32 { return k.ask(broker.Hostname, 3, 0) }, want: perm},
		{name: "hostname", clone: unix.CLONE_NEWUTS, do: func(k *brokerClient) uint32 { return k.ask(broker.Hostname, 64, 0) }},
		{name: "hostname-too-long", clone: unix.CLONE_NEWUTS, do: func(k *brokerClient) uint32 { return k.ask(broker.Hostname, 65, 0) }, want: inval},
		{name: "hostname-far-too-long", clone: unix.CLONE_NEWUTS, do: func(k *brokerClient) uint32 { return k.ask(broker.Hostname, 1<<32+1, 0) }, want: inval},
		{name: "proc-that-was-not-made", do: func(k *brokerClient) uint32 { return uint32(max(k.path("/newproc"), -1) + 1) }},
		{name: "proc-without-a-namespace", flags: keeper.NewProc, do: func(k *brokerClient) uint32 { return uint32(max(k.path("/newproc"), -1) + 1) }},
		{name: "proc", clone: unix.CLONE_NEWPID, flags: keeper.NewProc, do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 0, 0, k.path("/newproc"), k.path("/newroot"))
		}},
		// Binds of the host's proc do not take the new one along.
		{name: "proc-in-the-host's", clone: unix.CLONE_NEWPID, flags: keeper.NewProc, do: func(k *brokerClient) uint32 {
			if e := k.ask(broker.Bind, 0, 0, k.path("/oldroot/proc"), k.path("/newroot")); e != 0 {
				return e
			}
			if strings.Contains(k.mountsInside(), " /newroot/driver ") || !strings.Contains(k.mountsInside(), " / /newproc rw,nosuid,nodev,noexec,relatime - proc proc ") {
				return inval
			}
			return 0
		}},

		// Descriptors.
		{name: "source-of-another-namespace", do: func(k *brokerClient) uint32 { return k.ask(broker.Bind, 1, 0, k.host("/usr"), k.path("/newroot")) }, want: inval},
		{name: "destination-of-another-namespace", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1, 0, k.path("/oldroot/usr"), k.host("/usr"))
		}, want: inval},
		{name: "tmpfs-in-another-namespace", do: func(k *brokerClient) uint32 { return k.ask(broker.FS, broker.Tmpfs, 0, k.host("/usr")) }, want: inval},
		{name: "restrict-in-another-namespace", do: func(k *brokerClient) uint32 { return k.ask(broker.Restrict, 1, 0, k.host("/")) }, want: inval},
		{name: "pivot-to-another-namespace", do: func(k *brokerClient) uint32 { return k.ask(broker.Pivot, 0, 0, k.host("/")) }, want: inval},
		{name: "a-socket", do: func(k *brokerClient) uint32 { return k.ask(broker.Bind, 1, 0, k.sock, k.path("/newroot")) }, want: inval},
		{name: "a-pidfd", do: func(k *brokerClient) uint32 {
			fd, _ := unix.PidfdOpen(k.first, 0)
			defer unix.Close(fd)
			return k.ask(broker.Bind, 1, 0, k.path("/oldroot/usr"), fd)
		}, want: uint32(unix.ENOENT)},
		{name: "no-mount", do: func(k *brokerClient) uint32 { return k.ask(broker.Restrict, 1, 0, k.path("/oldroot/usr/bin")) }, want: inval},
		// A symbolic link is not followed, neither as a source nor as a destination.
		{name: "bind-a-link", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 0, 0, k.link("/oldroot"+cover), k.path("/newroot"))
		}, want: notdir},
		{name: "bind-on-a-link", do: func(k *brokerClient) uint32 {
			if e := k.ask(broker.Bind, 0, 0, k.path("/oldroot/etc/group"), k.link("/oldroot/etc/passwd")); e != 0 {
				return e
			}
			if strings.Contains(k.mountsInside(), " /oldroot/etc/passwd ") {
				return inval
			}
			return 0
		}},
		// What a mount hides stays hidden when it, or all around it, is taken away.
		{name: "pivot-to-a-cover", do: func(k *brokerClient) uint32 { return k.ask(broker.Pivot, 0, 0, k.path("/oldroot"+cover)) }, want: inval},
		{name: "hidden-behind-the-pivot", do: func(k *brokerClient) uint32 {
			fd := k.path("/oldroot" + filepath.Dir(cover))
			if e := k.ask(broker.Pivot, 0, 0, k.path("/newroot")); e != 0 {
				return e
			}
			return k.seesHidden(fd)
		}},
		{name: "hidden-when-all-is-over", do: func(k *brokerClient) uint32 {
			k.ask(broker.Bind, 0, 0, k.path("/oldroot/tmp"), k.path("/newroot"))
			k.ask(broker.Pivot, 0, 0, k.path("/newroot"))
			fd := k.path(strings.TrimPrefix(filepath.Dir(cover), "/tmp"))
			_ = unix.Kill(k.first, unix.SIGKILL)
			if !endsWithin(k.first, soon) {
				return ended
			}
			return k.seesHidden(fd)
		}},
		{name: "bind", do: func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 0, 0, k.path("/oldroot/usr"), k.path("/newroot"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := s.startBroker(t, c.clone, c.flags)
			defer k.close()
			was := k.hostMounts()
			if !c.noFrame {
				k.withFrame()
			}
			if got := c.do(k); got != c.want {
				t.Errorf("%d (%v), want %d", int32(got), unix.Errno(got), int32(c.want))
			}
			if c.want == ended {
				if !endsWithin(k.keeper, soon) {
					t.Errorf("the broker does not end: %s", describe([]int{k.keeper}))
				}
			}
			k.checkMounts(was)
		})
	}
}

// host opens a path of the user's own mount namespace, outside.
func (k *brokerClient) host(path string) int {
	fd := -1
	_ = k.thief.do(func() (err error) {
		fd, err = unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		return err
	})
	k.fds = append(k.fds, fd)
	return fd
}

// cover is the mount point of a tmpfs that hides a file.
const cover = "/tmp/canary/hidden/cover"

// canaries makes mounts whose flags must not change, and whose hidden files must stay hidden. They are
// shared, so that propagation to the host would show.
const canaries = `mkdir -p /tmp/canary; mount -t tmpfs canary /tmp/canary; cd /tmp/canary; mkdir ro noexec nosuid hidden
mount -t tmpfs canary-hidden hidden; mkdir hidden/cover; echo secret >hidden/cover/egg
mount -t tmpfs cover hidden/cover
mount -t tmpfs canary-nosuid nosuid; cp /bin/true nosuid/; chmod 4755 nosuid/true; mount -o remount,nosuid nosuid
for f in ro noexec; do mount -t tmpfs canary-$f $f; cp /bin/true $f/; chmod 4755 $f/true; chmod 0777 $f; mount -o remount,bind,$f $f; done
mount --make-rshared /`

// hostMounts returns the mountinfo of the user's own mount namespace, outside.
func (k *brokerClient) hostMounts() (text string) {
	_ = k.thief.do(func() error {
		b, err := os.ReadFile("/proc/thread-self/mountinfo")
		text = string(b)
		return err
	})
	return text
}

// judge looks at the host, and at the broker's mount namespace, with root's eyes: nothing has come
// out, and nothing that the host forbids or hides is permitted or shown.
func (k *brokerClient) checkMounts(was string) {
	k.t.Helper()
	if now := k.hostMounts(); now != was {
		k.t.Errorf("the host's mounts have changed:\n%s", difference(was, now))
	}
	known := map[string]bool{}
	for line := range strings.Lines(was) {
		if m, ok := parseMount(line); ok {
			known[m.fs] = true
		}
	}
	for line := range strings.Lines(k.mountsInside()) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		hasFlag := func(flag string) bool { return slices.Contains(strings.Split(m.flags, ","), flag) }
		for source, flag := range map[string]string{"canary-ro": "ro", "canary-noexec": "noexec", "canary-nosuid": "nosuid"} {
			if m.source == source && !hasFlag(flag) {
				k.t.Errorf("a mount of the host is no longer %s: %s", flag, line)
			}
		}
		switch {
		case strings.Contains(line, " shared:"):
			k.t.Errorf("a mount propagates: %s", line)
		case !known[m.fs] && m.fs != "tmpfs" && m.fs != "devpts" && m.fs != "mqueue" && m.fs != "proc" && m.fs != "nsfs" && m.fs != "pidfs":
			k.t.Errorf("a file system of another type: %s", line)
		case m.fs == "tmpfs" && m.source == "tmpfs" && !strings.Contains(was, " "+m.device+" ") && !(hasFlag("nosuid") && hasFlag("nodev")):
			k.t.Errorf("a new tmpfs without nosuid or nodev: %s", line)
		case m.fs == "devpts" && !strings.Contains(was, " "+m.device+" ") && !(hasFlag("nosuid") && hasFlag("noexec")):
			k.t.Errorf("a new devpts without nosuid or noexec: %s", line)
		}
		// What a mount hides must not be visible through any mount.
		if m.source == "canary-hidden" {
			at := fmt.Sprintf("/proc/%d/root%s", k.first, m.point)
			for _, name := range []string{"/egg", "/cover/egg"} { // nothing else has the name
				if _, err := os.Lstat(at + name); err == nil {
					k.t.Errorf("what a mount hides is visible at %s%s: %s\n%s", at, name, line, k.mountsInside())
				}
			}
		}
	}
}

// mount is a line of mountinfo.
type mount struct{ device, root, point, flags, fs, source string }

func parseMount(line string) (m mount, ok bool) {
	before, after, ok := strings.Cut(line, " - ")
	a, b := strings.Fields(before), strings.Fields(after)
	if !ok || len(a) < 6 || len(b) < 2 {
		return m, false
	}
	return mount{a[2], a[3], a[4], a[5], b[0], b[1]}, true
}

// TestJudge: the judge sees what it is there to see.
func TestJudge(t *testing.T) {
	t.Parallel()
	m, ok := parseMount(`136 125 0:47 / /tmp/canary/ro ro,relatime shared:5 - tmpfs canary-ro rw` + "\n")
	if want := (mount{"0:47", "/", "/tmp/canary/ro", "ro,relatime", "tmpfs", "canary-ro"}); !ok || m != want {
		t.Errorf("%+v", m)
	}
	s := newUserThreadIn(t, me, inOwnMounts(canaries))
	k := s.startBroker(t, 0, 0)
	defer k.close()
	for _, want := range []string{"canary-ro", "canary-noexec", "canary-nosuid", "canary-hidden", " cover "} {
		if !strings.Contains(k.mountsInside(), want) {
			t.Errorf("%s is not inside:\n%s", want, k.mountsInside())
		}
	}
	if !strings.Contains(k.hostMounts(), " shared:") || strings.Contains(k.mountsInside(), " shared:") {
		t.Error("the host's mounts are not shared, or those inside are")
	}
}

// TestBroker: a broker has root's ids, one capability, a filter, a timeout, and none of the caller's
// descriptors.
func TestBroker(t *testing.T) {
	t.Parallel()
	s := newUserThread(t, me)
	k := s.startBroker(t, unix.CLONE_NEWPID, keeper.NewProc)
	defer k.close()
	for key, want := range map[string]string{
		"Uid": "0\t0\t0\t0", "CapInh": "0000000000000000", "CapPrm": "0000000000200000", "CapEff": "0000000000200000", "CapBnd": "0000000000000000",
		"CapAmb": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2", "Threads": "1", "SigBlk": "fffffffffffbfeff",
	} {
		if got := proc.Field(k.keeper, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", k.keeper))
	var names []string
	for _, link := range links {
		to, _ := os.Readlink(link)
		names = append(names, filepath.Base(link)+" "+strings.TrimRight(to, "0123456789[]"))
	}
	if !slices.Equal(names, []string{"0 socket:"}) {
		t.Errorf("the broker has open: %q", names)
	}
	// Nobody can name, and so mount on, what is in the proc that it works with.
	dir, err := unix.Open(fmt.Sprintf("/proc/%d/cwd", k.keeper), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	var fs unix.Statfs_t
	if err := unix.Fstatfs(dir, &fs); err != nil || fs.Type != unix.PROC_SUPER_MAGIC {
		t.Errorf("the broker's working directory is on a file system of type %#x (%v)", fs.Type, err)
	}
	info, _ := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", dir))
	_, after, _ := strings.Cut(string(info), "mnt_id:\t")
	mount, _, _ := strings.Cut(after, "\n")
	if inside := "\n" + k.mountsInside(); mount == "" || strings.Contains(inside, "\n"+mount+" ") || strings.Count(inside, "\n") < 3 {
		t.Errorf("the broker's proc is mount %q of\n%s", mount, inside)
	}
	fd, err := take(k.keeper, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if limit, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO); err != nil || limit.Sec != broker.CheckSeconds {
		t.Errorf("it waits %v seconds (%v)", limit, err)
	}
}

// TestRefusedRequests: the broker refuses what setuid.conf refuses and what needs privilege, also to a
// hostile first process.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	const perm = uint32(unix.EPERM)
	requests := map[string]func(k *brokerClient) uint32{
		"--bind": func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 0, 0, k.path("/oldroot/usr"), k.mkdir("/base/a"))
		},
		"ro": func(k *brokerClient) uint32 {
			return k.ask(broker.Bind, 1, 0, k.path("/oldroot/usr"), k.mkdir("/base/b"))
		},
		"--tmpfs": func(k *brokerClient) uint32 { return k.ask(broker.FS, broker.Tmpfs, 0, k.mkdir("/base/d")) },
		"--dev":   func(k *brokerClient) uint32 { return k.ask(broker.FS, broker.Devpts, 0, k.mkdir("/base/e")) },
		"--mqueue": func(k *brokerClient) uint32 {
			return k.ask(broker.FS, broker.Mqueue, 0, k.mkdir("/base/f"))
		},
		"--hostname": func(k *brokerClient) uint32 { return k.ask(broker.Hostname, 3, 0) },
		"--proc":     func(k *brokerClient) uint32 { return newProc(k) },
	}
	for _, refused := range []string{"--unshare-net", "--bind", "--tmpfs", "--dev", "--mqueue", "--hostname", "--proc"} {
		s := newUserThreadIn(t, me, inOwnMounts(etc(write("refuse "+refused+"\n"))))
		k := s.startBroker(t, unix.CLONE_NEWIPC|unix.CLONE_NEWUTS|unix.CLONE_NEWPID, keeper.NewProc).withFrame()
		for _, name := range []string{"--bind", "ro", "--tmpfs", "--dev", "--mqueue", "--hostname", "--proc"} {
			want := uint32(0)
			if name == refused {
				want = perm
			}
			if got := requests[name](k); got != want {
				t.Errorf("refuse %s: %s answers %d, want %d", refused, name, int32(got), want)
			}
		}
		k.mkdir("/base/own")
		if got := k.ask(broker.Bind, 0, 0, k.path("/base/own"), k.mkdir("/base/h")); got != 0 {
			t.Errorf("refuse %s: what set-up has made itself: %d", refused, int32(got))
		}
		k.close()
	}
}

// newProc binds the new proc, writable as proc is.
func newProc(k *brokerClient) uint32 {
	fd := k.path(broker.NewProc)
	if fd < 0 {
		return uint32(unix.EPERM)
	}
	return k.ask(broker.Bind, 0, 0, fd, k.mkdir("/base/g"))
}
