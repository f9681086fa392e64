package kernel

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestFeatures: a kernel that is new enough for a feature has it, and none answers with an
// errno that means something else.
func TestFeatures(t *testing.T) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	for _, f := range Features() {
		a := f.Probe()
		t.Logf("%s (Linux %s): %+v", f.Name, f.Since, a)
		if a.Killed || f.Has() != (a.Version > 0) || a.Version > 0 && a.Errno != 0 {
			t.Errorf("%s: %+v", f.Name, a)
		}
		if a.Version == 0 && a.Errno != unix.ENOSYS && a.Errno != unix.EOPNOTSUPP && !Filtered() {
			t.Errorf("%s on Linux %s: %v", f.Name, release, a.Errno)
		}
		if Older(release, f.Since) && a.Version > 0 {
			t.Logf("%s was carried back to Linux %s", f.Name, release)
		}
	}
}

// TestOlder: releases are compared by number, whatever follows the second one.
func TestOlder(t *testing.T) {
	for _, c := range []struct {
		release, than string
		want          bool
	}{
		{"6.1.0-18-amd64", "6.2", true},
		{"6.1.0-18-amd64", "6.1", false},
		{"6.1.0-18-amd64", "5.11", false},
		{"5.9", "5.11", true},
		{"5.10-rc1", "5.11", true},
		{"5.11-rc1+", "5.11", false},
		{"3.10.0-1160.el7.x86_64", "3.5", false},
		{"4.4.0-19041-Microsoft", "4.10", true},
		{"", "5.11", false},
		{"6", "7.0", false},
		{"x.y", "7.0", false},
	} {
		if have := Older(c.release, c.than); have != c.want {
			t.Errorf("%q older than %s: %v", c.release, c.than, have)
		}
	}
	for _, f := range Features() {
		if _, ok := number(f.Since); !ok || f.Name == "" {
			t.Errorf("%+v", f)
		}
	}
}

// TestDeadly: under a filter that kills, the process outlives its questions, and knows which
// calls it must not make. The test runs itself again, since a filter stays.
func TestDeadly(t *testing.T) {
	const variable = "GOBWRAP_TEST_DEADLY"
	if os.Getenv(variable) == "" {
		c := exec.Command("/proc/self/exe", "-test.run=^TestDeadly$", "-test.v")
		c.Env = append(os.Environ(), variable+"=1")
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestDeadly") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if !Filtered() && len(DeadlyCalls()) != 0 {
		t.Errorf("without a filter %q kill", DeadlyCalls())
	}
	killing(t, unix.SYS_OPENAT2, unix.SYS_LANDLOCK_CREATE_RULESET)
	if want := []string{"openat2", "landlock_create_ruleset"}; !Filtered() || !slices.Equal(DeadlyCalls(), want) {
		t.Errorf("%q kill, want %q", DeadlyCalls(), want)
	}
	for _, f := range []Feature{Openat2, NewMounts, Landlock} {
		if a := f.Probe(); !a.Killed || a.Version != 0 || a.Call == "" {
			t.Errorf("%s: %+v", f.Name, a)
		}
	}
	if a := Seccomp.Probe(); a.Killed || !Seccomp.Has() {
		t.Errorf("%+v", a)
	}
}

// killing installs a filter for this process that kills what makes one of these calls.
func killing(t *testing.T, calls ...uint32) {
	t.Helper()
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // seccomp_data.nr
	for _, nr := range calls {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: nr},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread() // until the filter is on all threads
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); e != 0 {
		t.Fatal(e)
	}
}
