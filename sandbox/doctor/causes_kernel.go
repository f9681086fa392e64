package doctor

import (
	"slices"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/kernel"
	"golang.org/x/sys/unix"
)

const (
	eperm  = syscall.EPERM
	eacces = syscall.EACCES
	einval = syscall.EINVAL
	enosys = syscall.ENOSYS
)

// cloneSteps are the steps that make namespaces.
//
//nolint:gochecknoglobals // read-only table
var cloneSteps = []Step{UserNS, MountNS, PIDNS, NetNS, IPCNS, UTSNS, CgroupNS}

// platformCauses are kernels that are not Linux, or hardly: they explain everything else.
//
//nolint:gochecknoglobals // read-only table
var platformCauses = [...]cause{
	{
		// Microsoft's "Comparing WSL Versions": the first one translates system calls.
		ID:        "wsl1",
		Fits:      func(k *failure) bool { return k.Step != Setuid && k.Facts.wsl1() },
		SetuidToo: true,
		Says:      "This is the first version of the Windows Subsystem for Linux, which has no namespaces.",
		Fixes: []fix{{
			Now: []string{"wsl.exe --set-version \"$WSL_DISTRO_NAME\" 2"}, ByUser: true,
			Note: "The second version is a Linux kernel.",
		}},
	},
	{
		// gVisor's compatibility guide; google/gvisor#14451.
		ID:        "gvisor",
		Fits:      func(k *failure) bool { return k.Step != Landlock && k.Step != Setuid && k.Facts.gvisor() },
		SetuidToo: true,
		Says:      "This runs on gVisor, whose kernel lacks parts of Linux.",
		Fixes: []fix{
			{Where: docker, Now: []string{"docker run --runtime=runc IMAGE"}, ByUser: true},
			{Where: kubernetes, Note: "Leave runtimeClassName out of the pod, or choose one that does not use gVisor."},
			{Note: "Start the outer sandbox with another runtime than runsc, or with a newer version."},
		},
	},
}

// processCauses come from how this process was started, or from what it runs in. They show at
// the first step that is affected.
//
//nolint:gochecknoglobals // read-only table
var processCauses = [...]cause{
	{
		// seccomp(2), SECCOMP_RET_KILL_PROCESS. systemd.exec(5): SystemCallFilter= kills unless
		// SystemCallErrorNumber= is given.
		ID:        "filter-kills",
		Fits:      func(k *failure) bool { return k.Killed },
		SetuidToo: true,
		Says:      "A seccomp filter kills the process that makes these calls: {calls}.",
		Fixes: []fix{
			{
				Where: systemd, Now: dropIn("SystemCallFilter=@mount @process"),
				Note: "SystemCallErrorNumber=EPERM makes the filter refuse instead of kill. To see what the service has now: {systemctl} show -p SystemCallFilter -p SystemCallErrorNumber {unit}",
			},
			{Note: "Let the filter permit these calls, or answer with an error (SECCOMP_RET_ERRNO) instead of killing."},
		},
	},
	{
		ID:        "proc-missing",
		Steps:     []Step{Command, Setuid},
		Errnos:    []syscall.Errno{syscall.ENODEV, syscall.ENOENT, syscall.ENOTDIR},
		Fits:      func(k *failure) bool { return k.Facts.noProc() },
		SetuidToo: true,
		Says:      "There is no proc on /proc. Sandboxes need one: id maps are written there, and the launcher finds its own files there.",
		Fixes:     []fix{{Now: []string{"mount -t proc proc /proc"}, Note: "Inside another sandbox: start the outer one with --proc /proc."}},
	},
	{
		// The id maps are files of /proc (user_namespaces(7)). --ro-bind / / without --proc binds
		// the host's proc read-only with the rest, bubblewrap's as ours.
		ID:     "proc-read-only",
		Steps:  []Step{IDMaps, Nested, Ranges},
		Errnos: []syscall.Errno{syscall.EROFS},
		Says:   "/proc is read-only here, but the id maps of a new user namespace must be written there.",
		Fixes: []fix{
			{Where: systemd, Now: dropIn("ReadWritePaths=/proc")},
			{Note: "Inside another sandbox: start the outer one with --proc /proc. Otherwise, as root: mount -o remount,rw /proc"},
		},
	},
}

// knobCauses are settings that the administrator can change.
//
//nolint:gochecknoglobals // read-only table
var knobCauses = [...]cause{
	{
		// Debian's and linux-hardened's patch (Debian wiki, "Release notes" of 11: the
		// default became 1). containers/bubblewrap#324, #485.
		ID:     "userns-clone-off",
		Steps:  []Step{UserNS},
		Errnos: []syscall.Errno{eperm},
		Fits:   func(k *failure) bool { return k.Facts.sysctl("kernel.unprivileged_userns_clone") == "0" },
		Says:   "User namespaces are for root only: kernel.unprivileged_userns_clone is 0.",
		Fixes: []fix{
			{
				Where: nixos, Now: []string{"sysctl -w kernel.unprivileged_userns_clone=1"},
				Note: "In configuration.nix: security.unprivilegedUsernsClone = true;",
			},
			setSysctl("kernel.unprivileged_userns_clone=1"),
		},
	},
	{
		// namespaces(7), "The /proc/sys/user directory"; Linux 4.9, before that EUSERS. DISA's
		// STIGs for RHEL 8 and 9 set it to 0 (RHEL-08-040284, RHEL-09-213105).
		ID:     "max-namespaces",
		Steps:  append([]Step{Nested, SetuidUser}, cloneSteps...),
		Errnos: []syscall.Errno{syscall.ENOSPC, syscall.EUSERS},
		Fits: func(k *failure) bool {
			limit := k.Facts.sysctl("user.max_" + namespaceKind(k.Step) + "_namespaces")
			return limit == "0" || !k.Facts.inUserNS()
		},
		Says:  "The limit on {kind} namespaces is reached: user.max_{kind}_namespaces is too small.",
		Fixes: []fix{setSysctl("user.max_{kind}_namespaces=15000")},
	},
	{
		// user_namespaces(7): 32 levels since Linux 3.11. The limits of every namespace
		// further out count too, and bubblewrap's --disable-userns sets one of them.
		ID:     "nested-too-deep",
		Steps:  append([]Step{Nested}, cloneSteps...),
		Errnos: []syscall.Errno{syscall.ENOSPC, syscall.EUSERS},
		Says:   "This runs inside a user namespace that permits no further one: an outer sandbox was started with --disable-userns, or user namespaces are nested 32 deep.",
		Fixes:  []fix{{Note: "Start the outer sandbox without --disable-userns (Flatpak: with --allow=devel, or through flatpak-spawn --host), or nest fewer of them."}},
	},
	{
		// ALT's kernels; its package bubblewrap sets the same (bubblewrap.spec, 90-bwrap.conf).
		ID:     "alt-userns-restrict",
		Steps:  []Step{UserNS},
		Errnos: []syscall.Errno{eperm},
		Fits:   func(k *failure) bool { return k.Facts.sysctl("kernel.userns_restrict") == "1" },
		Says:   "User namespaces are for root only: kernel.userns_restrict is 1.",
		Fixes:  []fix{setSysctl("kernel.userns_restrict=0")},
	},
	{
		// Red Hat's kernel 3.10 (solution 3141761; Charliecloud's README.EL7): to 7.3 the
		// module parameter, to 7.5 the second one as well, then user.max_user_namespaces.
		ID:     "rhel7",
		Steps:  []Step{UserNS, MountNS},
		Errnos: []syscall.Errno{eperm, einval},
		Fits: func(k *failure) bool {
			line := k.Facts.word("/proc/cmdline")
			return k.Facts.el7() && (!strings.Contains(line, "user_namespace.enable=1") || !strings.Contains(line, "namespace.unpriv_enable=1") ||
				k.Facts.word("/sys/module/user_namespace/parameters/enable") == "N")
		},
		Says: "User namespaces are switched off in the kernel of Red Hat Enterprise Linux 7.",
		Fixes: []fix{{
			Now: []string{
				`grubby --args="user_namespace.enable=1 namespace.unpriv_enable=1" --update-kernel=ALL`,
				"echo user.max_user_namespaces=15000 >> /etc/sysctl.d/90-gobwrap.conf",
				"reboot",
			},
			Note: "This needs a reboot. Without one, only setuid mode works.",
		}},
	},
}

// setSysctl returns the fix that most of them have in common (sysctl.d(5)).
func setSysctl(setting string) fix {
	return fix{
		Now:  []string{"sysctl -w " + setting},
		Boot: []string{"echo " + setting + " >> /etc/sysctl.d/90-gobwrap.conf"},
	}
}

// overlaysSince is the release since which overlays may be mounted in user namespaces (commit
// 459c7c565ac3); Ubuntu's and Debian's kernels could before.
const overlaysSince = "5.11"

// landlockFor says what Landlock is needed for.
const landlockFor = "Direct mode works without it, but the command can then signal the caller's process group (use --new-session or --foreground). Setuid mode needs it: without Landlock, only a user namespace, where root may make one, " +
	"keeps the command from tracing the caller's processes outside. Programs that restrict themselves may need it too."

// kernelCauses are what a kernel was built without, or is too old for.
//
//nolint:gochecknoglobals // read-only table
var kernelCauses = [...]cause{
	{
		// The stubs of include/linux/*_namespace.h answer EINVAL. containers/bubblewrap#139,
		// #689 (Gentoo).
		ID:     "kernel-without-namespace",
		Steps:  cloneSteps,
		Errnos: []syscall.Errno{einval},
		Fits:   func(k *failure) bool { return !k.Facts.hasNamespaces(k.Step) },
		Says:   "This kernel was built without {option}.",
		Fixes: []fix{
			{Where: gentoo, Note: "Set {option}=y in the kernel's configuration (make menuconfig: General setup, Namespaces support), build and boot it. Without CONFIG_USER_NS, use setuid mode."},
			{Note: "Boot a kernel that has {option}=y. Without CONFIG_USER_NS, use setuid mode."},
		},
	},
	{
		// QEMU's user mode runs a program of another architecture by translation and knows no
		// clone with a namespace.
		ID:        "emulated",
		Steps:     cloneSteps,
		Errnos:    []syscall.Errno{einval},
		Fits:      func(k *failure) bool { return k.Facts.hasNamespaces(k.Step) && !k.Facts.filtered() },
		SetuidToo: true,
		Says:      "The kernel has {kind} namespaces, but clone answers EINVAL, as in an emulator that translates single programs (QEMU's user mode).",
		Fixes:     []fix{{Note: "Use a binary for this machine's architecture, or emulate a whole machine.", ByUser: true}},
	},
	{
		// prctl(2), PR_SET_SECCOMP: EINVAL without the option.
		ID:     "kernel-without-seccomp",
		Steps:  []Step{Seccomp},
		Errnos: []syscall.Errno{einval, enosys},
		Says:   "This kernel was built without CONFIG_SECCOMP_FILTER.",
		Fixes:  []fix{{Note: "Boot a kernel that has CONFIG_SECCOMP_FILTER=y."}},
	},
	{
		ID:     "overlay-module",
		Steps:  []Step{Overlay},
		Errnos: []syscall.Errno{syscall.ENODEV},
		Says:   "The kernel does not support overlays: the module is not loaded, or was not built.",
		Fixes:  []fix{{Now: []string{"modprobe overlay"}, Boot: []string{"echo overlay >> /etc/modules-load.d/gobwrap.conf"}}},
	},
	{
		ID:     "overlay-old",
		Steps:  []Step{Overlay},
		Errnos: []syscall.Errno{eperm},
		Fits:   func(k *failure) bool { return k.Facts.before(overlaysSince) },
		Says:   "Before Linux " + overlaysSince + " overlays are for root only.",
		Fixes:  []fix{{Note: "Boot a newer kernel, or copy the files to a --tmpfs."}},
	},
	{
		// landlock(7): ENOSYS without the code, EOPNOTSUPP if it was not switched on.
		ID:     "landlock-off",
		Steps:  []Step{Landlock},
		Errnos: []syscall.Errno{syscall.EOPNOTSUPP},
		Says:   "Landlock is built in, but was not enabled at boot. " + landlockFor,
		Fixes:  []fix{{Note: "Add landlock to the kernel parameter lsm= (its current value is in /sys/kernel/security/lsm)."}},
	},
	{
		ID:     "landlock-missing",
		Steps:  []Step{Landlock},
		Errnos: []syscall.Errno{enosys},
		Says:   "There is no Landlock: the kernel is older than " + kernel.Landlock.Since + ", or built without CONFIG_SECURITY_LANDLOCK, or a filter hides it. " + landlockFor,
	},
	{
		// clone(2): EPERM in a chroot, since Linux 3.9. containers/bubblewrap#135, #689. For
		// root it is pivot_root that fails (pivot_root(2)).
		ID:     "chroot",
		Steps:  []Step{UserNS, Slave, Tmpfs, Command},
		Errnos: []syscall.Errno{eperm, einval},
		Fits:   func(k *failure) bool { return k.Facts.chrooted() },
		Says:   "This runs in a chroot, where the kernel permits no user namespaces, and no change of the root either unless the root of the chroot is a mount point.",
		Fixes:  []fix{{Now: []string{enterRoot}, Note: "Enter the directory DIR with this command, or with systemd-nspawn -D DIR, instead of chroot DIR."}},
	},
}

// enterRoot is chroot for a directory DIR by pivot_root(8), in a mount namespace of its own. umount
// and the launcher need a proc.
const enterRoot = `unshare --mount sh -c 'mount --rbind DIR DIR && cd DIR && mkdir -p proc && mount --rbind /proc proc && pivot_root . . && umount -l . && exec chroot . sh'`

// toolCauses are programs that are not installed.
//
//nolint:gochecknoglobals // read-only table
var toolCauses = [...]cause{
	{
		// newuidmap(1), newgidmap(1): Debian has them in a package of their own, most others in
		// that of useradd.
		ID:    "newuidmap-missing",
		Steps: []Step{Ranges},
		Fits:  func(k *failure) bool { return k.Errno == 0 && !k.Killed },
		Says:  "/etc/subuid and /etc/subgid grant ranges of ids to this user, but newuidmap and newgidmap, which map them, are not installed.",
		Fixes: []fix{
			{Where: debian, Now: []string{"apt install uidmap"}},
			{Where: fedora, Now: []string{"dnf install shadow-utils"}},
			{Where: suse, Now: []string{"zypper install shadow"}},
			{Where: alpine, Now: []string{"apk add shadow-subids"}},
			{Where: arch, Now: []string{"pacman -S shadow"}},
			{Where: alt, Now: []string{"apt-get install shadow-submap"}},
			{Note: "Install the package that has newuidmap(1)."},
		},
	},
}

// lastCauses are tried when nothing else has fitted.
//
//nolint:gochecknoglobals // read-only table
var lastCauses = [...]cause{
	{
		ID:     "no-sys-admin",
		Steps:  append([]Step{Slave, Tmpfs}, cloneSteps...),
		Errnos: []syscall.Errno{eperm},
		Fits:   func(k *failure) bool { return k.Facts.UID == 0 && !k.Facts.hasCap(unix.CAP_SYS_ADMIN) },
		Says:   "Root lacks CAP_SYS_ADMIN here, and may not make a user namespace either.",
		Fixes: []fix{
			{Where: docker, Now: []string{"docker run --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined IMAGE"}, ByUser: true},
			{Where: podman, Now: []string{"podman run --cap-add SYS_ADMIN IMAGE"}, ByUser: true},
			{Note: "Give it CAP_SYS_ADMIN, or allow user namespaces."},
		},
	},
	{
		ID: "filter",
		Fits: func(k *failure) bool {
			switch k.Errno {
			case eperm, eacces, enosys:
				return k.Facts.filtered()
			case einval: // the kernel's own answer to other steps
				return k.Facts.filtered() && slices.Contains(cloneSteps, k.Step)
			}
			return false
		},
		Says:  "This process runs under a seccomp filter, which probably refuses this.",
		Fixes: []fix{{Note: "Start it outside of the sandbox, container or service that it is in, or let the filter allow clone, unshare, mount, umount2, pivot_root and setns."}},
	},
	{
		ID:     "refused",
		Steps:  []Step{UserNS},
		Errnos: []syscall.Errno{eperm, eacces},
		Says:   "The kernel refuses user namespaces to this process, and the reason cannot be seen from here. It may be a chroot onto a mount point, or a security module.",
		Fixes: []fix{{
			Now:  []string{"dmesg | tail", "ausearch -m avc -ts recent"},
			Note: "These may show the reason. If this is a chroot, enter its directory DIR as root with: " + enterRoot,
		}},
	},
}
