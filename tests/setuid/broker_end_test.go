package setuid_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/suid/broker"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"golang.org/x/sys/unix"
)

// refusing makes the kernel refuse a system call to the calling thread and all that it starts, like a
// filter that root has installed around a container, or, with ENOSYS, like an older kernel.
func refusing(nr uint32, errno unix.Errno) func() error {
	return filtering([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	})
}

// refusingUserNS makes the kernel refuse user namespaces to the calling thread and all that it starts, with
// root's rights too.
func refusingUserNS() error {
	const nr, firstArgument = 0, 16 // offsets in struct seccomp_data; the lower half of the argument
	return filtering([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: nr},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_CLONE, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: firstArgument},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.CLONE_NEWUSER, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	})()
}

// filtering installs a seccomp filter in the calling thread.
func filtering(code []unix.SockFilter) func() error {
	return func() error {
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
	s := newUserThreadIn(t, me, func() error { return errors.Join(inOwnMounts("true")(), refusing(unix.SYS_PIVOT_ROOT, unix.EPERM)()) })
	k := s.startBroker(t, 0, 0)
	defer k.close()
	if got := k.ask(broker.Root, 0, 0); got != broker.FailedFlags|uint32(unix.EPERM) {
		t.Fatalf("ROOT answers %#x", got)
	}
	if got := k.ask(broker.Root, 0, 0); got != ended {
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
	hostname := func() uint32 { return k.ask(broker.Hostname, 3, 0) }
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

// withoutSetattr starts a broker that cannot use mount_setattr(2), on a host that script prepares, and sends
// ROOT.
func withoutSetattr(t *testing.T, script string, errno unix.Errno) *brokerClient {
	t.Helper()
	s := newUserThreadIn(t, me, func() error { return errors.Join(inOwnMounts(script)(), refusing(unix.SYS_MOUNT_SETATTR, errno)()) })
	return s.startBroker(t, 0, 0).withFrame()
}

// TestBindWithoutItsFlags: a tree whose flags could not be added is not attached.
func TestBindWithoutItsFlags(t *testing.T) {
	t.Parallel()
	for _, errno := range []unix.Errno{unix.EPERM, unix.ENOSYS} {
		k := withoutSetattr(t, canaries, errno)
		defer k.close()
		before := k.mountsWithoutStage()
		for _, flags := range []uint64{0, unix.MS_RDONLY} {
			if got := k.ask(broker.Bind, flags, 0, k.path("/oldroot/tmp/canary"), k.path("/newroot")); got != broker.FailedFlags|uint32(errno) {
				t.Errorf("BIND answers %#x", got)
			}
		}
		if now := k.mountsWithoutStage(); now != before {
			t.Errorf("mounts have changed:\n%s", difference(before, now))
		}
	}
}

// mountsBelow returns the flags of the mounts on a path and below it, and " slave" if mounts propagate to one.
func (k *brokerClient) mountsBelow(path string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(k.mountsInside()) {
		m, ok := parseMount(line)
		if !ok || m.point != path && !strings.HasPrefix(m.point, path+"/") {
			continue
		}
		found[strings.TrimPrefix(m.point, path)] = m.flags
		if strings.Contains(line, " master:") {
			found[strings.TrimPrefix(m.point, path)] += " slave"
		}
	}
	return found
}

// TestTopOnly: a broker without mount_setattr(2) adds the flags of a bind to its topmost mount, if that
// suffices to the first process, and makes a tree that is to be read-only private, so that no mount of the
// host's comes into it later. RESTRICT adds the flags to the others, and another bind keeps them all.
func TestTopOnly(t *testing.T) {
	t.Parallel()
	const strict = unix.MS_RDONLY | unix.MS_NOSUID
	for name, errno := range map[string]unix.Errno{"filter": unix.EPERM, "old-kernel": unix.ENOSYS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := withoutSetattr(t, canaries, errno)
			defer k.close()
			was := k.hostMounts()
			source := k.mountsBelow("/oldroot/tmp/canary")
			if len(source) != 6 || !strings.HasSuffix(source["/noexec"], " slave") {
				t.Fatal(source)
			}
			// One that may be written stays a slave.
			if e := k.ask(broker.Bind, 0, broker.TopOnly, k.path("/oldroot/tmp/canary"), k.mkdir("/base/rw")); e != 0 {
				t.Fatalf("BIND answers %#x", e)
			}
			for point, flags := range k.mountsBelow("/base/rw") {
				want := source[point]
				if point == "" {
					want = "rw,nosuid," + strings.TrimPrefix(want, "rw,")
				}
				if flags != want {
					t.Errorf("%s has the flags %q, want %q", point, flags, want)
				}
			}
			if e := k.ask(broker.Bind, strict, broker.TopOnly, k.path("/oldroot/tmp/canary"), k.mkdir("/base/0")); e != 0 {
				t.Fatalf("BIND answers %#x", e)
			}
			for point, flags := range k.mountsBelow("/base/0") {
				want := strings.TrimSuffix(source[point], " slave")
				if point == "" {
					want = "ro,nosuid," + strings.TrimPrefix(want, "rw,")
				}
				if flags != want {
					t.Errorf("%s has the flags %q, want %q", point, flags, want)
				}
			}
			k.checkMounts(was)

			// A new mount of the host's, which root makes, propagates to the source, and to no read-only tree.
			const late = "mount -t tmpfs late /tmp/canary/ro"
			if out, err := exec.Command("nsenter", "-m", "-t", fmt.Sprint(k.pid), "sh", "-ec", late).CombinedOutput(); err != nil {
				t.Fatal(err, string(out))
			}
			if k.mountAt("/oldroot/tmp/canary/ro").source != "late" || k.mountAt("/base/0/ro").source != "canary-ro" {
				t.Errorf("a mount of the host's is not in the source, or in the bind:\n%s", k.mountsInside())
			}
			was = k.hostMounts()

			for point := range source {
				if e := k.ask(broker.Restrict, strict, 0, k.path("/base/0"+point)); e != 0 {
					t.Errorf("%s: RESTRICT answers %#x", point, e)
				}
			}
			if e := k.ask(broker.Bind, strict, broker.TopOnly, k.path("/base/0"), k.path("/newroot")); e != 0 {
				t.Fatalf("another BIND answers %#x", e)
			}
			placed := k.mountsBelow("/newroot")
			if len(placed) != len(source) {
				t.Errorf("%d mounts, want %d:\n%s", len(placed), len(source), k.mountsInside())
			}
			for point, flags := range placed {
				noexec := strings.Contains(flags, ",noexec,")
				if !strings.HasPrefix(flags, "ro,nosuid,") || strings.Contains(flags, " slave") || noexec != (point == "/noexec") {
					t.Errorf("%s has the flags %q", point, flags)
				}
			}
			if !maps.Equal(placed, k.mountsBelow("/base/0")) {
				t.Errorf("the mounts are %q, want %q", placed, k.mountsBelow("/base/0"))
			}
			k.checkMounts(was)
		})
	}
}

// TestTopOnlyIsChecked: such a bind is refused for the same reasons as another one, and then attaches nothing
// that the user can see.
func TestTopOnlyIsChecked(t *testing.T) {
	t.Parallel()
	const inval, perm = uint32(unix.EINVAL), uint32(unix.EPERM)
	for _, refuse := range []bool{false, true} {
		script := "true"
		writable := uint32(0)
		if refuse {
			script, writable = etc(write("refuse --bind\n")), perm
		}
		k := withoutSetattr(t, script+"\n"+canaries, unix.EPERM)
		defer k.close()
		was := k.hostMounts()
		own, usr := k.mkdir("/base/own"), k.path("/oldroot/usr")
		for _, c := range []struct {
			name       string
			flags, how uint64
			fds        []int
			want       uint32
		}{
			{"kind", 1, broker.TopOnly << 1, []int{usr, k.mkdir("/base/a")}, inval},
			{"kind-beyond", 1, 1<<32 | broker.TopOnly, []int{usr, k.mkdir("/base/b")}, inval},
			{"flags", 1 | unix.MS_REMOUNT, broker.TopOnly, []int{usr, k.mkdir("/base/c")}, inval},
			{"flags-beyond", 1 | 1<<32, broker.TopOnly, []int{usr, k.mkdir("/base/d")}, inval},
			{"source-of-another-namespace", 1, broker.TopOnly, []int{k.host("/usr"), k.mkdir("/base/e")}, inval},
			{"destination-of-another-namespace", 1, broker.TopOnly, []int{usr, k.host("/usr")}, inval},
			{"a-socket", 1, broker.TopOnly, []int{k.sock, k.mkdir("/base/f")}, inval},
			{"on-a-socket", 1, broker.TopOnly, []int{usr, k.sock}, uint32(unix.ENOENT)},
			{"a-link", 1, broker.TopOnly, []int{k.link("/oldroot" + cover), k.mkdir("/base/g")}, uint32(unix.ENOTDIR)},
			{"on-a-link", 1, broker.TopOnly, []int{usr, k.link("/oldroot/usr")}, uint32(unix.ENOTDIR)},
			{"writable", 0, broker.TopOnly, []int{usr, k.mkdir("/base/h")}, writable},
			{"almost-read-only", broker.Flags &^ unix.MS_RDONLY, broker.TopOnly, []int{usr, k.mkdir("/base/i")}, writable},
			{"read-only", unix.MS_RDONLY, broker.TopOnly, []int{usr, k.mkdir("/base/j")}, 0},
			{"own", 0, broker.TopOnly, []int{own, k.mkdir("/base/k")}, 0},
			{"writable-with-all-flags", 0, 0, []int{usr, k.mkdir("/base/l")}, cmp.Or(writable, broker.FailedFlags|perm)},
		} {
			before := k.mountsWithoutStage()
			if got := k.ask(broker.Bind, c.flags, c.how, c.fds...); got != c.want {
				t.Errorf("refused %v, %s: %#x (%v), want %#x", refuse, c.name, got, unix.Errno(got), c.want)
			}
			if now := k.mountsWithoutStage(); (now == before) != (c.want != 0) {
				t.Errorf("refused %v, %s: the mounts:\n%s", refuse, c.name, difference(before, now))
			}
		}
		// A link to which a file is bound: the mount is on the link.
		if e := k.ask(broker.Bind, 1, broker.TopOnly, k.path("/oldroot/tmp/canary/noexec/true"), k.link("/oldroot/tmp/canary/ro/true")); e != 0 {
			t.Errorf("a file on a link: %#x", e)
		}
		if strings.Contains(k.mountsInside(), " /oldroot/tmp/canary/ro/true ") {
			t.Error("a link was followed")
		}
		k.checkMounts(was)
	}
}

// mountsWithoutStage is mountsInside without what waits on the staging place, or has been left there.
func (k *brokerClient) mountsWithoutStage() (text string) {
	for line := range strings.Lines(k.mountsInside()) {
		if m, ok := parseMount(line); !ok || !strings.HasPrefix(m.point, broker.Stage+"/") {
			text += line
		}
	}
	return text
}

// TestRestrictElsewhere: RESTRICT with mount(2) changes no mount of another mount namespace. Unlike a remount,
// MS_PRIVATE alone would: the kernel permits it to a process with CAP_SYS_ADMIN in the user namespace that owns
// the other mount namespace (do_change_type, fs/namespace.c).
func TestRestrictElsewhere(t *testing.T) {
	t.Parallel()
	k := withoutSetattr(t, canaries, unix.EPERM)
	defer k.close()
	was := k.hostMounts()
	if !strings.Contains(was, " /tmp/canary/hidden rw,relatime shared:") {
		t.Fatal(was)
	}
	for flags := uint64(0); flags <= broker.Flags; flags++ {
		for _, path := range []string{"/tmp/canary/hidden", "/tmp/canary", "/"} {
			if e := k.ask(broker.Restrict, flags, 0, k.host(path)); e != uint32(unix.EINVAL) {
				t.Errorf("%s, %d: RESTRICT answers %d", path, flags, int32(e))
			}
		}
	}
	k.checkMounts(was)
}

// TestRestrictKeepsFlags: RESTRICT with mount(2), which sets all flags anew, takes none away.
func TestRestrictKeepsFlags(t *testing.T) {
	t.Parallel()
	const all = `mount -t tmpfs host /mnt; cd /mnt; for f in ro nosuid nodev noexec noatime nodiratime noatime,nodiratime strictatime nosymfollow; do
mkdir $f; mount -t tmpfs -o $f own-$f $f; done`
	k := withoutSetattr(t, all, unix.EPERM)
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
	if len(before) != 9 {
		t.Fatal(before)
	}
	for name := range before {
		if e := k.ask(broker.Restrict, unix.MS_RDONLY, 0, k.path("/oldroot/mnt/"+name)); e != 0 {
			t.Errorf("%s: RESTRICT answers %d", name, int32(e))
		}
	}
	for name, now := range flags() {
		if want := strings.Replace(before[name], "rw", "ro", 1); now != want {
			t.Errorf("%s: the flags are %s, want %s", name, now, want)
		}
	}
}

// TestRestrictReach: RESTRICT changes one mount, and none below it. Its propagation stays.
func TestRestrictReach(t *testing.T) {
	t.Parallel()
	s := newUserThreadIn(t, me, inOwnMounts(canaries))
	k := s.startBroker(t, 0, 0).withFrame()
	defer k.close()
	const at = "/oldroot/tmp/canary"
	before := k.mountsBelow(at)
	if len(before) != 6 || !strings.HasSuffix(before[""], " slave") || strings.Contains(before[""], "nodev") {
		t.Fatal(before)
	}
	if e := k.ask(broker.Restrict, unix.MS_NODEV, 0, k.path(at)); e != 0 {
		t.Fatalf("RESTRICT answers %d", int32(e))
	}
	for point, now := range k.mountsBelow(at) {
		want := before[point]
		if point == "" {
			want = strings.Replace(want, "rw,", "rw,nodev,", 1)
		}
		if now != want {
			t.Errorf("one mount is restricted, and %q is %s, want %s", point, now, want)
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
		if e := k.ask(broker.Bind, flags, 0, k.path("/oldroot/tmp/canary"), k.mkdir("/base/"+name)); e != 0 {
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

// emptyPlaces mounts on the directories that every proc has as mount points, where that hides nothing.
const emptyPlaces = "for f in /proc/fs/nfsd /proc/sys/fs/binfmt_misc; do if test -d $f; then mount -t tmpfs t $f; mount -t tmpfs t $f; fi; done"

// TestFreshProc: ROOT moves the new proc to NewProc. If there is none, because a mount hides a part of the
// host's, ROOT moves nothing there, not even a mount of the host's on FreshProc. A refusal of --bind holds for
// the sources tried here, except for the new proc.
func TestFreshProc(t *testing.T) {
	t.Parallel()
	nothing := func() error { return nil }
	for name, c := range map[string]struct {
		script string
		limit  func() error
		proc   bool // a new one may be mounted
	}{
		"locked":                  {"true", nothing, true},
		"locked-covered":          {"mount -t tmpfs t /proc/sys/kernel", nothing, false},
		"locked-with-a-mount":     {"mount --bind /usr " + broker.FreshProc, nothing, false},
		"not-locked":              {"true", refusingUserNS, true},
		"not-locked-covered":      {"mount -t tmpfs t /proc/sys/kernel", refusingUserNS, false},
		"not-locked-with-a-mount": {"mount --bind /usr " + broker.FreshProc, refusingUserNS, false},
		"locked-read-only":        {"mount -o remount,bind,ro /proc", nothing, false},
		"not-locked-read-only":    {"mount -o remount,bind,ro /proc", refusingUserNS, false},
		"not-locked-noatime":      {"mount -o remount,bind,noatime /proc", refusingUserNS, false},
		"locked-empty-place":      {emptyPlaces, nothing, true},
		"not-locked-empty-place":  {emptyPlaces, refusingUserNS, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := etc(write("refuse --bind\n")) + "\n" + c.script
			s := newUserThreadIn(t, me, func() error { return errors.Join(inOwnMounts(script)(), c.limit()) })
			k := s.startBroker(t, unix.CLONE_NEWPID, keeper.NewProc)
			defer k.close()
			was := k.hostMounts()
			waiting, here := k.mountAt(broker.FreshProc), mount{}
			if now, before := strings.Count(k.mountsInside(), " /proc "), strings.Count(was, " /proc "); now != before {
				t.Errorf("there are %d mounts on /proc, and outside %d", now, before)
			}
			k.withFrame()
			if c.proc {
				here = waiting
				here.point = broker.NewProc
				if waiting.fs != "proc" || waiting.root != "/" || k.mountAt(broker.OldRoot+broker.FreshProc) != (mount{}) {
					t.Errorf("%+v is there before ROOT, and afterwards:\n%s", waiting, k.mountsInside())
				}
			}
			if got := k.mountAt(broker.NewProc); got != here {
				t.Errorf("the mount on %s is %+v, want %+v", broker.NewProc, got, here)
			}
			if !c.proc && k.mountAt(broker.OldRoot+broker.FreshProc).root != waiting.root {
				t.Errorf("the host's mount has moved:\n%s", k.mountsInside())
			}
			for _, source := range []string{broker.NewProc, broker.OldRoot + broker.FreshProc, broker.OldRoot + "/proc", "/"} {
				want := uint32(unix.EPERM)
				if source == broker.NewProc && c.proc {
					want = 0
				}
				fd := k.path(source)
				if fd < 0 && source == broker.NewProc && !c.proc {
					continue
				}
				if got := k.ask(broker.Bind, 0, 0, fd, k.path(broker.NewRoot)); got != want {
					t.Errorf("a writable BIND of %s answers %#x, want %#x", source, got, want)
				}
			}
			k.checkMounts(was)
		})
	}
}

// TestNoFreshProc: without a wish for a new proc there is none.
func TestNoFreshProc(t *testing.T) {
	t.Parallel()
	s := newUserThread(t, me)
	for _, flags := range []uint32{0, keeper.NewProc} {
		k := s.startBroker(t, unix.CLONE_NEWPID, flags)
		if is := k.mountAt(broker.FreshProc).fs == "proc"; is != (flags != 0) {
			t.Errorf("with the flags %d there is a new proc: %v", flags, is)
		}
		k.close()
	}
}
