package setuid_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"golang.org/x/sys/unix"
)

// This file models kernels that permit a user namespace but no capability in it, as Ubuntu's AppArmor does, and
// kernels that permit it to root only. A seccomp filter asks the test about one system call
// (SECCOMP_RET_USER_NOTIF), and the test refuses it where such a kernel would. Root installs the
// filter, so that it needs no no_new_privs, which would disable set-id bits.

// crippled is the test program's first argument when it becomes a program under such a
// filter: crippled NR FD PROGRAM ARGS.
const crippled = "-crippled"

// cripple is that program. The filter's descriptor leaves through the socket on fd.
func cripple(nr, fd string, args []string) {
	n, err := strconv.Atoi(nr)
	sock, e := strconv.Atoi(fd)
	if err = errors.Join(err, e); err == nil {
		err = filtered(uint32(n), sock)
	}
	if err == nil {
		err = setThreadIDs(me)
	}
	if err == nil {
		err = syscall.Exec(args[0], args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "setuid: crippling:", err)
	os.Exit(98)
}

func filtered(nr uint32, sock int) error {
	const notify = 0x7fc00000 // SECCOMP_RET_USER_NOTIF
	code := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: notify},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	fd, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return e
	}
	err := unix.Sendmsg(sock, []byte{0}, unix.UnixRights(int(fd)), nil, 0)
	return errors.Join(err, unix.Close(int(fd)), unix.Close(sock))
}

// question is the kernel's struct seccomp_notif, answer its struct seccomp_notif_resp.
type question struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type answer struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

const (
	notifyRecv     = 0xc0502100
	notifySend     = 0xc0182101
	notifyContinue = 1
)

// pretended is not an errno: the call is not made, and its result is 0.
const pretended = unix.Errno(1 << 12)

// serve answers the filter until all processes under it have ended. refuse returns an errno, pretended, or 0.
func serve(listener int, refuse func(q question) unix.Errno) {
	for {
		p := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if n, err := unix.Poll(p, -1); n <= 0 || p[0].Revents&unix.POLLIN == 0 {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return
		}
		var q question
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), notifyRecv, uintptr(unsafe.Pointer(&q))); e != 0 {
			continue
		}
		a := answer{id: q.id, flags: notifyContinue}
		switch e := refuse(q); e {
		case 0:
		case pretended:
			a.flags = 0
		default:
			a.flags, a.errno = 0, -int32(e)
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(listener), notifySend, uintptr(unsafe.Pointer(&a)))
	}
}

// defect is what is wrong with a kernel.
type defect struct {
	name   string
	nr     int
	refuse func(q question) unix.Errno
	sense  string // what a launcher says to it that is not installed for setuid mode
}

// inUserNS reports whether a process is in a user namespace that the user has made.
func inUserNS(pid uint32) bool {
	file, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", pid))
	if err != nil {
		return false
	}
	defer file.Close()
	var owner uint32
	_, _, e := unix.Syscall(unix.SYS_IOCTL, file.Fd(), unix.NS_GET_OWNER_UID, uintptr(unsafe.Pointer(&owner)))
	return e == 0 && owner == me
}

func defects() []defect {
	return []defect{
		{"clone", unix.SYS_CLONE, func(q question) unix.Errno {
			if q.args[0]&unix.CLONE_NEWUSER != 0 && strings.HasPrefix(proc.Field(int(q.pid), "Uid"), fmt.Sprintf("%d\t%d\t", me, me)) {
				return unix.EPERM
			}
			return 0
		}, "No permissions to create a new namespace"},
		{"uid-map", unix.SYS_WRITE, func(q question) unix.Errno {
			file, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", q.pid, q.args[0]))
			if strings.HasSuffix(file, "/uid_map") && inUserNS(q.pid) {
				return unix.EPERM
			}
			return 0
		}, "setting up uid map"},
		{"mount", unix.SYS_MOUNT, func(q question) unix.Errno {
			if inUserNS(q.pid) && proc.Field(int(q.pid), "Name") == "gobwrap" {
				return unix.EACCES
			}
			return 0
		}, ""},
	}
}

// under runs a program as the user on a kernel with a defect.
func (d defect) under(t *testing.T, l launch) outcome {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	defer unix.Close(pair[0])
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l.who = nobody
	l.args = append([]string{self, crippled, fmt.Sprint(d.nr), fmt.Sprint(3 + len(l.files))}, l.args...)
	l.files = append(slices.Clone(l.files), theirs)
	done := make(chan struct{})
	go func() {
		defer close(done)
		listener := receive(pair[0])
		if listener >= 0 {
			serve(listener, d.refuse)
			_ = unix.Close(listener)
		}
	}()
	o := l.run(t)
	_ = theirs.Close()
	<-done
	return o
}

// receive takes a descriptor from a socket, -1 if there is none.
func receive(fd int) int {
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(fd, make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return -1
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return -1
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1
	}
	return fds[0]
}

// TestUserNamespaceUselessToUsers: if a user namespace is refused or useless, an installed launcher
// uses setuid mode, and the result is the same.
func TestUserNamespaceUselessToUsers(t *testing.T) {
	t.Parallel()
	for _, d := range defects() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			baitDir := bait(t)
			for _, options := range [][]string{nil, all(), {"--unshare-pid", "--unshare-net"}} {
				options = append([]string{"--bind", baitDir, "/b", "--tmpfs", "/t"}, options...)
				command := []string{"/h/witness", "report"}
				// The control: it is a defect.
				l := launch{args: append(box(gobwrap, options...), command...)}
				d.under(t, l).Refused(t, d.sense)
				l.args = append(box(installed, options...), command...)
				o := d.under(t, l)
				if complaint := powerless(o.Stdout); complaint != "" || o.Status != "0" || o.Stderr != "" {
					t.Errorf("%v: %s: %s", options, complaint, o)
				}
			}
			// What the keeper does not do is refused with both reasons.
			l := launch{args: append(box(installed, "--cap-add", "ALL"), "/h/witness", "report")}
			o := d.under(t, l)
			o.Refused(t, "--cap-add is not possible in setuid mode")
			if !strings.Contains(o.Stderr, "direct mode failed: ") {
				t.Errorf("nothing is said about direct mode: %s", o)
			}
		})
	}
}
