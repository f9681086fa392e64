package doctor_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// image enters a root of its own with few things in it, and does the rest of the world there:
// so what the host has in its root, such as a container's marker, is not seen. The launcher
// itself makes it, for root, which keeps its capabilities.
const image = `
	if [ -z "${inside:-}" ]; then
		printf '%s\n' "$script" >"$dir/script"
		exec env inside=1 "$gobwrap" --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
			--ro-bind /etc /etc --bind /tmp /tmp --bind /proc /proc --dev-bind /dev /dev --dir /run -- sh -eu "$dir/script"
	fi
`

var noClone = fmt.Sprintf("%d:0=0x10000000/0x10000000", unix.SYS_CLONE)

// contained puts a filter around PID 1 of a PID namespace of its own, as a container has it.
func contained(errno, rule string) string {
	return `printf '#!/bin/sh\n"$@"\n' >"$dir/init"; chmod 755 "$dir/init"; as="$enosys -e ` + errno + ` -n ` + rule + ` -- unshare --pid --fork --mount-proc $dir/init $as"`
}

// Docker's filter and capabilities, with its marker: what is printed is for docker.
func TestContainer(t *testing.T) {
	t.Parallel()
	const drop = `as="setpriv --bounding-set=-sys_admin --inh-caps=-all $as"; `
	const hint = "docker run --security-opt seccomp=unconfined"
	world{
		name: "user", setup: image + "touch /.dockerenv; plain=$as; " + drop + contained("EPERM", noClone),
		status: 4, causes: map[string]string{"user-namespace": "seccomp-container"}, says: "  To fix it (docker):\n    " + hint,
		fix: "as=$plain", launch: minimal, hint: hint,
	}.run(t)
	world{
		name: "podman", setup: image + "touch /run/.containerenv; " + contained("ENOSYS", noClone),
		status: 4, causes: map[string]string{"user-namespace": "seccomp-container"}, says: "podman run --security-opt seccomp=unconfined IMAGE",
	}.run(t)
	world{
		name: "marker alone", setup: image + "touch /.dockerenv; mount -t tmpfs -o ro masked /proc/driver",
		mode: "direct", causes: map[string]string{"proc": "proc-masked"}, says: "  Without changing the system: use --fallback-proc=bind",
	}.run(t)
	world{
		name: "a filter that is not the container's", setup: image + "touch /.dockerenv; plain=$as; " + filter("EPERM", noClone),
		status: 4, causes: map[string]string{"user-namespace": "filter"}, says: "This process runs under a seccomp filter", lacks: "docker",
		fix: "as=$plain", launch: minimal, hint: "seccomp filter",
	}.run(t)
	// Root without CAP_SYS_ADMIN makes a user namespace without being asked, where that is
	// permitted.
	world{name: "root without CAP_SYS_ADMIN", root: true, setup: image + drop, mode: "direct", says: "the kernel permits user namespaces to this user"}.run(t)
	world{
		name: "root without anything", root: true, setup: image + "plain=$as; " + drop + filter("EPERM", noClone),
		status: 4, causes: map[string]string{"user-namespace": "no-sys-admin"}, says: "Root lacks CAP_SYS_ADMIN here",
		fix: "as=$plain", launch: minimal, hint: "Give it CAP_SYS_ADMIN, or allow user namespaces.",
	}.run(t)
}

// A seccomp filter whose origin is not known.
func TestFilter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule   string
		causes map[string]string
	}{
		"clone": {noClone, map[string]string{"user-namespace": "filter"}},
		"mount": {fmt.Sprint(unix.SYS_MOUNT), map[string]string{"slave": "filter"}},
		"pivot": {fmt.Sprint(unix.SYS_PIVOT_ROOT), map[string]string{"tmpfs": "filter"}},
	} {
		world{
			name: name, setup: image + "plain=$as; " + filter("EPERM", c.rule), status: 4, causes: c.causes,
			says: "This process runs under a seccomp filter", fix: "as=$plain", launch: minimal, hint: "seccomp filter",
		}.run(t)
	}
	world{
		name: "loopback", setup: image + "plain=$as; " + filter("EPERM", fmt.Sprintf("%d:1=%d", unix.SYS_IOCTL, unix.SIOCSIFFLAGS)), mode: "direct",
		causes: map[string]string{"loopback": "filter"}, fix: "as=$plain", launch: "--unshare-net " + minimal, hint: "seccomp filter",
	}.run(t)
}

// A filter that kills: the doctor outlives it and names the calls.
func TestFilterThatKills(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call   uint
		status int
		mode   string
		step   string
	}{
		"mount":                   {unix.SYS_MOUNT, 4, "", "command"},
		"pivot_root":              {unix.SYS_PIVOT_ROOT, 4, "", "command"},
		"open_tree":               {unix.SYS_OPEN_TREE, 4, "", "command"},
		"mount_setattr":           {unix.SYS_MOUNT_SETATTR, 4, "", "command"},
		"openat2":                 {unix.SYS_OPENAT2, 4, "", "command"},
		"landlock_create_ruleset": {unix.SYS_LANDLOCK_CREATE_RULESET, 0, "direct", "landlock"},
	} {
		w := world{
			name: name, setup: "plain=$as; " + filter("KILL", fmt.Sprint(c.call)), status: c.status, mode: c.mode,
			causes: map[string]string{c.step: "filter-kills"}, says: "A seccomp filter kills the process that makes these calls: " + name + ".",
			lacks: "4755",
		}
		if c.status != 0 {
			w.fix, w.launch, w.hint = "as=$plain", minimal, "--doctor names the calls that it kills"
		}
		w.run(t)
	}
}
