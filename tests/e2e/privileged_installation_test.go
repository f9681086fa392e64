package e2e_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// privileged copies the launcher into a directory that goes with the test, and gives
// the copy to an owner, with a mode and with capabilities. Nothing privileged is left
// behind.
func privileged(t *testing.T, owner int, mode uint32, caps uint32) string {
	t.Helper()
	dir := root.scratch(t)
	path := filepath.Join(dir, "gobwrap")
	if out, err := exec.Command("cp", gobwrap, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := unix.Chown(path, owner, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	if caps != 0 { // struct vfs_cap_data: revision 2, effective; permitted and inheritable, by halves
		var data []byte
		for _, word := range []uint32{0x02000001, caps, 0, 0, 0} {
			data = binary.LittleEndian.AppendUint32(data, word)
		}
		if err := unix.Setxattr(path, "security.capability", data, 0); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestPrivilegedInstallationIsRefused: a binary that is privileged in another way than
// setuid root, and no more, does nothing, whatever the command line says.
func TestPrivilegedInstallationIsRefused(t *testing.T) {
	t.Parallel()
	const fix = ": install it with mode 0755, or owned by root with mode 4755, without group bits and capabilities"
	for _, c := range []struct {
		name       string
		owner      int
		mode, caps uint32
		sense      string
	}{
		{"2755", 0, 0o2755, 0, "this binary is set-group-id, which is not supported"},
		{"6755", 0, 0o6755, 0, "this binary is set-group-id, which is not supported"},
		{"another user", 12346, 0o4755, 0, "this binary is set-user-id, but does not belong to root, which is not supported"},
		{"capability", 0, 0o0755, 1 << unix.CAP_SYS_ADMIN, "this binary has file capabilities, which are not supported"},
		{"capability-and-bit", 0, 0o4755, 1 << unix.CAP_CHOWN, "this binary has file capabilities, which are not supported"},
		{"writable", 0, 0o4775, 0, "it is not clear how it is installed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := privileged(t, c.owner, c.mode, c.caps)
			for _, args := range [][]string{
				{"--ro-bind", "/", "/", "echo", "ran"}, {"--mode", "setuid", "--ro-bind", "/", "/", "echo", "ran"}, {"--version"}, {},
			} {
				o := launch{who: user, args: append([]string{path}, args...)}.run(t)
				o.Refused(t, c.sense+fix)
				if o.Stdout != "" {
					t.Errorf("%q: %s", args, o)
				}
			}
		})
	}
}

// TestSetuidInstallation: setuid root makes no difference where user namespaces work.
// Where they do not, or where that is asked for, the command gets no user namespace and
// no privilege either.
func TestSetuidInstallation(t *testing.T) {
	t.Parallel()
	here, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		t.Fatal(err)
	}
	const ids = "Uid:\t12345\t12345\t12345\t12345\nGid:\t12345\t12345\t12345\t12345\n"
	const caps = "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n" +
		"CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n"
	for _, c := range []struct {
		name  string
		front []string
		mode  []string
		host  bool // the command's user namespace is the host's
	}{
		{"auto", nil, nil, false},
		{"direct", nil, []string{"--mode", "direct"}, false},
		{"setuid", nil, []string{"--mode", "setuid"}, true},
		{"fallback", append(noUserns(), probe, "become", "12345", "exec"), nil, true},
	} {
		who := user
		if c.front != nil {
			who = root
		}
		args := slices.Concat([]string{installed}, c.mode, []string{"--ro-bind", "/", "/", "sh", "-c", "readlink /proc/self/ns/user; grep -E '^(Uid|Gid|Cap|NoNewPrivs)' /proc/self/status"})
		o := launch{who: who, wrap: c.front, args: args}.run(t)
		where, status, _ := strings.Cut(o.Stdout, "\n")
		if o.Status != "0" || o.Stderr != "" || status != ids+caps || (where == here) != c.host {
			t.Errorf("%s: our user namespace is %s: %s", c.name, here, o)
		}
	}
}

// TestSetuidModeIsNotHad: without the bit, where it does not count, for root, and where
// root is not almighty, there is no setuid mode, and the launcher says so.
func TestSetuidModeIsNotHad(t *testing.T) {
	t.Parallel()
	const sense = "--mode setuid: this binary was not started set-user-id root"
	stepDown := []string{"--reuid", "12345", "--regid", "12345", "--clear-groups", "--"}
	copied := filepath.Join(root.scratch(t), "copy")
	nosuid := "mkdir -p " + copied + "; mount -t tmpfs -o nosuid none " + copied + "; cp -p " + installed + " " + copied
	for _, c := range []struct {
		name    string
		who     identity
		wrap    []string
		program string
		host    string
		sense   string
	}{
		{"plain", user, nil, gobwrap, "", sense},
		{"caller's own", user, nil, privileged(t, 12345, 0o4755, 0), "", sense},
		{"by root", root, nil, installed, "", sense},
		{"no-new-privs", user, []string{"setpriv", "--no-new-privs", "--"}, installed, "", sense},
		{"nosuid", user, nil, copied + "/gobwrap", nosuid, sense},
		{"no-admin", root, append([]string{"setpriv", "--bounding-set", "-sys_admin"}, stepDown...), installed, "", "setuid mode failed"},
		{"no-setpcap", root, append([]string{"setpriv", "--bounding-set", "-setpcap"}, stepDown...), installed, "", "setuid mode failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rest := box()[1:]
			args := slices.Concat([]string{c.program, "--mode", "setuid"}, rest, []string{"/h/probe", "echo", "in"})
			launch{who: c.who, wrap: c.wrap, host: c.host, args: args}.run(t).Refused(t, c.sense)
			args = slices.Concat([]string{c.program}, rest, []string{"/h/probe", "echo", "in"})
			launch{who: c.who, wrap: c.wrap, host: c.host, args: args}.run(t).OK(t, "in\n")
		})
	}
	// Where there is no second way, the refusal of the first is the word.
	o := launch{who: user, wrap: noUserns(), args: append(box(), "/h/probe", "echo", "in")}.run(t)
	o.Refused(t, "No permissions to create a new namespace")
	args := slices.Concat([]string{installed, "--mode", "direct"}, box()[1:], []string{"/h/probe", "echo", "in"})
	o = launch{who: root, wrap: append(noUserns(), probe, "become", "12345", "exec"), args: args}.run(t)
	o.Refused(t, "No permissions to create a new namespace")
}

// TestCallerWithSeveralIDs: who calls with different real and effective ids keeps the
// lesser, for good. What is installed setuid root cannot tell then whose ids these are.
func TestCallerWithSeveralIDs(t *testing.T) {
	t.Parallel()
	for _, ids := range [][]string{
		{"--ruid", "0", "--euid", "12345", "--rgid", "0", "--egid", "12345"},
		{"--ruid", "12345", "--euid", "0", "--rgid", "12345", "--egid", "0"},
		{"--ruid", "12345", "--euid", "12346", "--rgid", "12345", "--egid", "12346"},
		{"--ruid", "12345", "--euid", "12345", "--rgid", "12345", "--egid", "42"},
	} {
		wrap := append(append([]string{"setpriv"}, ids...), "--clear-groups", "--")
		o := launch{who: root, wrap: wrap, args: []string{gobwrap, "--ro-bind", "/", "/", "sh", "-c", "grep -E '^(Uid|Gid|CapPrm)' /proc/self/status"}}.run(t)
		want := "Uid:\t12345\t12345\t12345\t12345\nGid:\t12345\t12345\t12345\t12345\nCapPrm:\t0000000000000000\n"
		if o.Status != "0" || o.Stdout != want {
			t.Errorf("%v: %v", ids, o)
		}
		o = launch{who: root, wrap: wrap, args: []string{installed, "--ro-bind", "/", "/", "echo", "ran"}}.run(t)
		o.Refused(t, "it is not clear how it is installed")
	}
}
