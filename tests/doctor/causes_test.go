package doctor_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func (w world) run(t *testing.T) {
	t.Run(w.name, func(t *testing.T) {
		t.Parallel()
		w.check(t)
	})
}

const minimal = "--ro-bind / / -- true"

// Nothing is in the way: every step works, for a user and for root.
func TestNothingInTheWay(t *testing.T) {
	t.Parallel()
	world{name: "user", mode: "direct", says: "the kernel permits user namespaces to this user"}.run(t)
	world{name: "root", root: true, mode: "direct", says: "the caller is root"}.run(t)
	world{name: "few descriptors", setup: "ulimit -Sn 64", mode: "direct"}.run(t)
	world{
		name: "installed for nothing", setup: `install -m 4755 "$gobwrap" "$dir/suid"; gobwrap=$dir/suid`, mode: "direct",
		says: "Direct mode works, so the set-user-id bit is not needed: chmod 0755 ",
	}.run(t)
}

// The limits of namespaces(7), which root of a user namespace can set for it.
func TestLimits(t *testing.T) {
	t.Parallel()
	const limit = "max-namespaces"
	world{
		name: "user", userns: true, setup: "sysctl -qw user.max_user_namespaces=0",
		status: 4, causes: map[string]string{"user-namespace": limit}, says: "user.max_user_namespaces is too small",
		fix: printed, launch: minimal, hint: "As root: sysctl -w user.max_user_namespaces=15000",
	}.run(t)
	world{
		name: "mnt", userns: true, setup: "sysctl -qw user.max_mnt_namespaces=0",
		status: 4, causes: map[string]string{"mount-namespace": limit}, fix: printed, launch: minimal, hint: "sysctl -w user.max_mnt_namespaces=15000",
	}.run(t)
	for kind, step := range map[string]string{"pid": "pid-namespace", "net": "net-namespace", "ipc": "ipc-namespace", "uts": "uts-namespace", "cgroup": "cgroup-namespace"} {
		world{
			name: kind, userns: true, setup: "sysctl -qw user.max_" + kind + "_namespaces=0", mode: "direct",
			causes: map[string]string{step: limit}, says: "Options that will not work:\n  --unshare-" + kind,
			fix: printed, launch: "--unshare-" + kind + " " + minimal, hint: "sysctl -w user.max_" + kind + "_namespaces=15000",
		}.run(t)
	}
}

// Inside of sandboxes: too deep, or in one that forbids a further one.
func TestNestedTooDeep(t *testing.T) {
	t.Parallel()
	const cause, hint = "nested-too-deep", "Start the outer sandbox without --disable-userns"
	world{
		name: "--disable-userns", status: 4, causes: map[string]string{"user-namespace": cause}, launch: minimal, hint: hint,
		setup: `plain=$as; as="$as $gobwrap --unshare-user --disable-userns --dev-bind / / --"`,
		fix:   `as="$plain $gobwrap --unshare-user --dev-bind / / --"`,
	}.run(t)
	world{
		name: "deep", root: true, mode: "direct", causes: map[string]string{"user-namespace": cause},
		setup: `for i in $(seq 33); do as="$as unshare -Ur"; done`, launch: "--unshare-user " + minimal, hint: hint,
	}.run(t)
}

// Parts of proc are covered, as in containers.
func TestMaskedProc(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"none", "bind"} {
		world{
			name: value, setup: "mount -t tmpfs -o ro masked /proc/driver", mode: "direct", causes: map[string]string{"proc": "proc-masked"},
			says: "would show more: /proc/driver.", launch: "--ro-bind / / --unshare-pid --proc /proc -- true", hint: "--fallback-proc=" + value,
			fix: `launch="--fallback-proc=` + value + ` $launch"`, warns: "No new proc on /newroot/proc",
		}.run(t)
	}
	world{
		name: "read-only sys", setup: "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys", mode: "direct",
		causes: map[string]string{"proc": "proc-masked", "user-namespace-limit": "proc-sys"},
		launch: "--unshare-user --disable-userns " + minimal, hint: "leave out --disable-userns",
		fix: `launch="--unshare-user --ro-bind / / true"`,
	}.run(t)
}

// There is no proc, or one that cannot be written to: the id maps are files of it.
func TestProcMissing(t *testing.T) {
	t.Parallel()
	// Below the suite's proc lies the machine's.
	const noProc = `while umount -l /proc 2>/dev/null; do :; done; [ ! -e /proc/self ]`
	for _, root := range []bool{false, true} {
		world{
			name: fmt.Sprint("none, root ", root), root: root, setup: noProc, status: 4, causes: map[string]string{"command": "proc-missing"},
			says: "Mode: none: nothing can be started without a proc at /proc.\nBinary: unknown, because there is no proc at /proc.\n", lacks: "chown",
			fix: printed, launch: minimal, hint: "needs the host's proc mounted on /proc",
		}.run(t)
	}
	world{
		name: "read-only, as in a sandbox without --proc", status: 4, causes: map[string]string{"id-maps": "proc-read-only"}, lacks: "chown",
		setup: `plain=$as; as="$as $gobwrap --ro-bind / / --dev /dev --"`, says: "start the outer one with --proc /proc",
		fix: `as="$plain $gobwrap --ro-bind / / --dev /dev --proc /proc --"`, launch: minimal, hint: "/proc is read-only here",
	}.run(t)
	world{
		name: "read-only", status: 4, causes: map[string]string{"id-maps": "proc-read-only"}, says: "mount -o remount,rw /proc",
		setup: `mount -o remount,bind,ro /proc`, fix: "mount -o remount,rw /proc", launch: minimal, hint: "as root: mount -o remount,rw /proc",
	}.run(t)
}

// In a chroot nobody can make a user namespace, and root cannot change the root.
func TestChroot(t *testing.T) {
	t.Parallel()
	const setup = `
		mkdir "$dir/root" "$dir/root/usr" "$dir/root/proc" "$dir/root/dev" "$dir/root/tmp"
		for l in bin lib lib64 sbin; do ln -s usr/$l "$dir/root/$l"; done
		for d in usr tmp; do mount --rbind /$d "$dir/root/$d"; done
		mount --rbind /proc "$dir/root/proc"; mount --rbind /dev "$dir/root/dev"
		plain=$as; as="chroot $dir/root $as"`
	// The printed command with the directory's name, and our launch in place of a shell.
	const fix = `
		umount -l "$dir/root/proc" # a proc that nobody has mounted there is mounted
		fix=$(sed -n 's/^    //p' "$dir/text.out" | sed "s|DIR|$dir/root|g; s|exec chroot . sh|exec chroot . $plain $gobwrap $launch|")
		cat >"$dir/run" <<END
$fix
END
		as="sh"; gobwrap=$dir/run`
	world{
		name: "user", setup: setup, status: 4, causes: map[string]string{"user-namespace": "chroot"}, lacks: "4755",
		fix: fix, launch: minimal, hint: "This runs in a chroot",
	}.run(t)
	world{
		name: "root", root: true, setup: setup, status: 4, causes: map[string]string{"user-namespace": "chroot", "slave": "chroot"},
		fix: fix, launch: minimal, hint: "This runs in a chroot",
	}.run(t)
	// Where the chroot's root is a mount point, root needs no user namespace, and neither
	// does setuid mode.
	const mounted = `mkdir "$dir/root"; mount -t tmpfs root "$dir/root"; mkdir() { command mkdir -p "$@"; };` + setup
	const inside = `; cp "$gobwrap" "$dir/root/suid"; chmod 4755 "$dir/root/suid"; gobwrap=/suid`
	world{
		name: "root, a mount point", root: true, setup: mounted, mode: "direct", causes: map[string]string{"user-namespace": "refused"},
		says: "If this is a chroot, enter its directory DIR",
	}.run(t)
	world{
		name: "user, a mount point, setuid", setup: mounted + inside, status: 3, mode: "setuid",
		causes: map[string]string{"user-namespace": "refused", "setuid-user-namespace": ""},
	}.run(t)
}

// filter makes the launcher's calls fail as another kernel does.
func filter(errno, rule string) string { return `as="$as $enosys -e ` + errno + ` -n ` + rule + ` --"` }

// mountsOf are rules for mount(2) with a name of the launcher's as its source, by the address
// of the constant: filters cannot read strings.
func mountsOf(t *testing.T, source string) (rules []string) {
	t.Helper()
	file, err := elf.Open(gobwrap)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	section := file.Section(".rodata")
	data, err := section.Data()
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; ; at++ {
		next := bytes.Index(data[at:], []byte(source+"\x00"))
		if next < 0 {
			break
		}
		at += next
		rules = append(rules, fmt.Sprintf("%d:0=%#x", unix.SYS_MOUNT, section.Addr+uint64(at)))
	}
	if len(rules) == 0 {
		t.Fatalf("the launcher has no constant %q", source)
	}
	return rules
}

// What kernels were built without.
func TestKernelLacks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step, option string
		flag         uint
		w            world
	}{
		{"user-namespace", "CONFIG_USER_NS", unix.CLONE_NEWUSER, world{status: 4}},
		{"mount-namespace", "CONFIG_NAMESPACES", unix.CLONE_NEWNS, world{status: 4}},
		{"pid-namespace", "CONFIG_PID_NS", unix.CLONE_NEWPID, world{mode: "direct"}},
		{"net-namespace", "CONFIG_NET_NS", unix.CLONE_NEWNET, world{mode: "direct"}},
		{"ipc-namespace", "CONFIG_IPC_NS", unix.CLONE_NEWIPC, world{mode: "direct"}},
		{"uts-namespace", "CONFIG_UTS_NS", unix.CLONE_NEWUTS, world{mode: "direct"}},
		{"cgroup-namespace", "CONFIG_CGROUPS", unix.CLONE_NEWCGROUP, world{mode: "direct"}},
	} {
		w := c.w
		w.name, w.causes = c.option, map[string]string{c.step: "filter"} // the kernel has it, its files say
		w.setup = filter("EINVAL", fmt.Sprintf("%d:0=%#x/%#x", unix.SYS_CLONE, c.flag, c.flag))
		w.run(t)
	}
	for _, c := range []struct{ errno, rule, step, cause string }{
		{"EINVAL", fmt.Sprintf("%d:0=%d", unix.SYS_PRCTL, unix.PR_SET_SECCOMP), "seccomp", "kernel-without-seccomp"},
		{"19", strings.Join(mountsOf(t, "overlay"), " -n "), "overlay", "overlay-module"}, // ENODEV
		{"ENOSYS", fmt.Sprint(unix.SYS_LANDLOCK_CREATE_RULESET), "landlock", "landlock-missing"},
		{"EOPNOTSUPP", fmt.Sprint(unix.SYS_LANDLOCK_CREATE_RULESET), "landlock", "landlock-off"},
	} {
		world{name: c.cause, setup: filter(c.errno, c.rule), mode: "direct", causes: map[string]string{c.step: c.cause}}.run(t)
	}
	world{name: "openat2", setup: filter("ENOSYS", fmt.Sprint(unix.SYS_OPENAT2)), mode: "direct", says: "A filter refuses openat2"}.run(t)
}
