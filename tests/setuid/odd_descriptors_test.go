package setuid_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/suid/broker"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// oddDescriptors opens files of many kinds as the user: on mounts inside and outside, on none, and one that is
// no longer there.
func (k *brokerClient) oddDescriptors() map[string]int {
	k.t.Helper()
	fds := map[string]int{
		"new-proc": k.path(broker.NewProc), "directory": k.path("/oldroot/usr"), "file": k.path("/oldroot/etc/passwd"),
		"readable": k.open("/oldroot/etc/passwd", unix.O_RDONLY), "device": k.path("/oldroot/dev/null"),
		"cover": k.path("/oldroot" + cover), "hider": k.path("/oldroot/tmp/canary/hidden"),
		"process": k.path("/oldroot/proc/1"), "setting": k.path("/oldroot/proc/sys/kernel/hostname"),
		"namespace":        k.path(fmt.Sprintf("/oldroot/proc/%d/ns/mnt", k.first)),
		"opened-namespace": k.open(fmt.Sprintf("/oldroot/proc/%d/ns/uts", k.first), unix.O_RDONLY),
		"link":             k.link("/oldroot/usr"), "made": k.mkdir("/base/made"), "gone": k.mkdir("/base/gone"),
		"host": k.host("/"), "host-directory": k.host("/usr"), "socket": k.sock,
	}
	var pipe [2]int
	_ = k.thief.do(func() error { return unix.Pipe2(pipe[:], unix.O_CLOEXEC) })
	k.fds = append(k.fds, pipe[:]...)
	fds["pipe"] = pipe[0]
	for name, open := range map[string]func() (int, error){
		"memory": func() (int, error) { return unix.MemfdCreate("m", unix.MFD_CLOEXEC) },
		"epoll":  func() (int, error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) },
		"pidfd":  func() (int, error) { return unix.PidfdOpen(k.first, 0) },
	} {
		_ = k.thief.do(func() (err error) {
			fds[name], err = open()
			return err
		})
		k.fds = append(k.fds, fds[name])
	}
	_ = k.thief.do(func() error { return unix.Rmdir(fmt.Sprintf("/proc/%d/root/base/gone", k.first)) })
	for name, fd := range fds {
		if fd < 0 {
			k.t.Fatalf("no descriptor of the kind %q", name)
		}
	}
	return fds
}

// TestOddDescriptors: whatever a BIND binds, on whatever: if it is carried out, all that the user can see of it
// is read-only, though the first process says that the topmost mount suffices. For mount_setattr(2) never
// answers as if it were missing. What a mount covered may stay on the staging place.
func TestOddDescriptors(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, inOwnMounts(etc(write("refuse --bind\n")+"; echo x >/etc/passwd")+"\n"+canaries))
	k := s.startBroker(t, unix.CLONE_NEWPID, keeper.NewProc).withFrame()
	defer k.close()
	was := k.hostMounts()
	fds := k.oddDescriptors()
	ids := func() map[string]string {
		found := map[string]string{}
		for line := range strings.Lines(k.mountsInside()) {
			id, _, _ := strings.Cut(line, " ")
			found[id] = line
		}
		return found
	}
	before := ids()
	answers := map[unix.Errno]int{}
	for source, from := range fds {
		for destination, to := range fds {
			got := unix.Errno(k.ask(broker.Bind, unix.MS_RDONLY, broker.TopOnly, from, to))
			answers[got]++
			if e := got &^ broker.FailedFlags; e == unix.EPERM || e == unix.ENOSYS || uint32(got) == ended {
				t.Errorf("%s on %s: BIND answers %#x", source, destination, got)
			}
		}
	}
	for id, line := range ids() {
		if m, ok := parseMount(line); ok && before[id] == "" && !strings.HasPrefix(m.point, broker.Stage+"/") && !strings.HasPrefix(m.flags, "ro,nosuid") {
			t.Errorf("bound with other flags: %s", line)
		}
	}
	if answers[0] < 10 || answers[unix.EINVAL] < 10 {
		t.Errorf("too few were carried out, or refused: %v", answers)
	}
	k.checkMounts(was)
}
