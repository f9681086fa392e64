package setuid_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// refusing makes the kernel refuse a system call to the calling thread and all that it starts, like a
// filter that root has installed around a container.
func refusing(nr uint32) func() error {
	return func() error {
		code := []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jf: 1},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		}
		prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
		if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog))); e != 0 {
			return e
		}
		return nil
	}
}

// TestFailedFrame: a broker that could not make the frame ends. Its root is still the host's, on which another
// ROOT would mount.
func TestFailedFrame(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, func() error { return errors.Join(inOwnMounts("true")(), refusing(unix.SYS_PIVOT_ROOT)()) })
	k := s.startBroker(t, 0, 0)
	defer k.close()
	if got := k.ask(broker.Root, 0, 0, 0); got != broker.FailedFlags|uint32(unix.EPERM) {
		t.Fatalf("ROOT answers %#x", got)
	}
	if got := k.ask(broker.Root, 0, 0, 0); got != ended {
		t.Fatalf("another ROOT answers %#x", got)
	}
	if !endsWithin(k.keeper, soon) {
		t.Errorf("the broker stays: %s", describe([]int{k.keeper}))
	}
}

// TestBrokerWithoutLauncher: a broker whose launcher is gone answers no request, even if a process still
// holds the socket and keeps sending.
func TestBrokerWithoutLauncher(t *testing.T) {
	t.Parallel()
	s := newUserThread(t, me)
	k := s.startBroker(t, 0, 0)
	defer k.close()
	hostname := func() uint32 { return k.ask(broker.Hostname, 3, 0, 0) }
	if got := hostname(); got != uint32(unix.EPERM) {
		t.Fatalf("HOSTNAME answers %d", int32(got))
	}
	if err := s.kill(k.pid, unix.SIGKILL); err != nil || !endsWithin(k.pid, soon) {
		t.Fatal("the launcher stays:", err)
	}
	hostname() // it may have waited for this one already
	if got := hostname(); got != ended {
		t.Fatalf("HOSTNAME answers %d when the launcher is gone", int32(got))
	}
	if !endsWithin(k.keeper, soon) {
		t.Errorf("the broker stays: %s", describe([]int{k.keeper}))
	}
}

// TestBindWithoutItsFlags: a tree whose flags could not be added is not attached.
func TestBindWithoutItsFlags(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, func() error { return errors.Join(inOwnMounts(canaries)(), refusing(unix.SYS_MOUNT_SETATTR)()) })
	k := s.startBroker(t, 0, 0).withFrame()
	defer k.close()
	before := k.mountsInside()
	for _, flags := range []uint64{0, unix.MS_RDONLY} {
		if got := k.ask(broker.Bind, flags, 0, 0, k.path("/oldroot/tmp/canary"), k.path("/newroot")); got != broker.FailedFlags|uint32(unix.EPERM) {
			t.Errorf("BIND answers %#x", got)
		}
	}
	if now := k.mountsInside(); now != before {
		t.Errorf("mounts have changed:\n%s", difference(before, now))
	}
}

// TestStageIsReadOnly: a tree that is staged read-only is read-only before it is placed, and receives no mounts of
// the host's. A refusal of --bind in setuid.conf depends on that.
func TestStageIsReadOnly(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, inOwnMounts(etc(write("refuse --bind\n"))+"\n"+canaries))
	k := s.startBroker(t, 0, 0).withFrame()
	defer k.close()
	if e := k.ask(broker.Stage, unix.MS_RDONLY, 1, 0, k.path("/oldroot/tmp/canary")); e != 0 {
		t.Fatalf("STAGE answers %d", int32(e))
	}
	if e := k.ask(broker.Place, 0, 1, 0, k.path("/newroot")); e != 0 {
		t.Fatalf("PLACE answers %d", int32(e))
	}
	seen := 0
	for line := range strings.Lines(k.mountsInside()) {
		if m, ok := parseMount(line); ok && (m.point == "/newroot" && m.source == "canary" || filepath.Dir(m.point) == "/newroot") {
			seen++
			if !strings.HasPrefix(m.flags, "ro,nosuid") || strings.Contains(line, " master:") {
				t.Errorf("placed with other flags, or not private: %s", line)
			}
		}
	}
	if seen < 5 {
		t.Errorf("%d mounts:\n%s", seen, k.mountsInside())
	}
}

// TestRestrictKeepsFlags: RESTRICT with mount(2), which sets all flags anew, takes none away.
func TestRestrictKeepsFlags(t *testing.T) {
	t.Parallel()
	const all = `mount -t tmpfs host /mnt; cd /mnt; for f in ro nosuid nodev noexec noatime nodiratime strictatime nosymfollow; do
mkdir $f; mount -t tmpfs -o $f own-$f $f; done`
	s := newUserThreadIn(t, me, func() error { return errors.Join(inOwnMounts(all)(), refusing(unix.SYS_MOUNT_SETATTR)()) })
	k := s.startBroker(t, 0, 0).withFrame()
	defer k.close()
	flags := func() map[string]string {
		found := map[string]string{}
		for line := range strings.Lines(k.mountsInside()) {
			if m, ok := parseMount(line); ok && strings.HasPrefix(m.source, "own-") {
				found[filepath.Base(m.point)] = m.flags
			}
		}
		return found
	}
	before := flags()
	if len(before) != 8 {
		t.Fatal(before)
	}
	for name := range before {
		if e := k.ask(broker.Restrict, unix.MS_RDONLY, 0, 0, k.path("/oldroot/mnt/"+name)); e != 0 {
			t.Errorf("%s: RESTRICT answers %d", name, int32(e))
		}
	}
	for name, now := range flags() {
		if want := strings.Replace(before[name], "rw", "ro", 1); now != want {
			t.Errorf("%s: the flags are %s, want %s", name, now, want)
		}
	}
}

// TestBindTightens: a BIND is nosuid, whether that was asked for or not, and what is read-only
// receives no mounts of the host's.
func TestBindTightens(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, inOwnMounts(canaries))
	k := s.startBroker(t, 0, 0).withFrame()
	defer k.close()
	for name, flags := range map[string]uint64{"rw": 0, "ro": unix.MS_RDONLY} {
		if e := k.ask(broker.Bind, flags, 0, 0, k.path("/oldroot/tmp/canary"), k.mkdir("/base/"+name)); e != 0 {
			t.Fatalf("BIND answers %d", int32(e))
		}
		seen := 0
		for line := range strings.Lines(k.mountsInside()) {
			m, ok := parseMount(line)
			if !ok || m.point != "/base/"+name && filepath.Dir(m.point) != "/base/"+name {
				continue
			}
			seen++
			if !strings.Contains(m.flags, "nosuid") || strings.Contains(line, " master:") == (flags != 0) {
				t.Errorf("%s: %s", name, line)
			}
		}
		if seen < 5 {
			t.Errorf("%s: %d mounts", name, seen)
		}
	}
}
