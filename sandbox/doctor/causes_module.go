package doctor

import (
	"strings"
	"syscall"
)

// stubProfile is what Ubuntu's AppArmor calls a process that has made a user namespace
// without the right to use it.
const stubProfile = "unprivileged_userns"

// useSteps are the steps that use what a user namespace gives.
//
//nolint:gochecknoglobals // read-only table
var useSteps = []Step{UserNS, IDMaps, MountNS, PIDNS, NetNS, IPCNS, UTSNS, CgroupNS, Slave, Tmpfs, Bind, Command, Proc, Devpts, Overlay, Loopback, Nested}

// moduleCauses are refusals of security modules.
//
//nolint:gochecknoglobals // read-only table
var moduleCauses = [...]cause{
	{
		// packaging/apparmor/gobwrap.
		ID:     "apparmor-below-gobwrap",
		Steps:  useSteps,
		Errnos: []syscall.Errno{eperm, eacces},
		Fits:   func(k *failure) bool { return strings.Contains(k.Facts.label(), "gobwrap_payload") },
		Says:   "This runs inside gobwrap, and the AppArmor profile for gobwrap denies capabilities and user namespaces there.",
		Fixes:  []fix{{Note: "Start it outside of gobwrap, or add what it needs (userns, capability, mount, umount, pivot_root) to /etc/apparmor.d/local/gobwrap_payload, which applies to everything that runs in a sandbox."}},
	},
	{
		// Ubuntu's profile bwrap-userns-restrict (25.04: loaded by default): what runs below
		// bwrap has no capability in user namespaces. igo95862/bubblejail#179.
		ID:     "apparmor-below-bwrap",
		Steps:  useSteps,
		Errnos: []syscall.Errno{eperm, eacces},
		Fits:   func(k *failure) bool { return strings.Contains(k.Facts.label(), "unpriv_bwrap") },
		Says:   "This runs below /usr/bin/bwrap, and the AppArmor profile bwrap-userns-restrict denies capabilities there.",
		Fixes:  []fix{{Note: "Start it outside of bwrap. A further rule cannot allow what a profile denies; you would have to change the profile unpriv_bwrap in /etc/apparmor.d/bwrap-userns-restrict."}},
	},
	{
		// Ubuntu 23.10 and later (its security team's SE045): clone succeeds and the profile
		// unprivileged_userns takes the capabilities; without that profile clone is EACCES.
		// google/nsjail#236, anthropic-experimental/sandbox-runtime#74.
		ID:     "apparmor-userns",
		Steps:  useSteps,
		Errnos: []syscall.Errno{eperm, eacces},
		Fits: func(k *failure) bool {
			return k.Facts.UID != 0 && k.Facts.container() == "" &&
				(k.Facts.sysctl("kernel.apparmor_restrict_unprivileged_userns") == "1" || k.Facts.label() == stubProfile)
		},
		Says: "AppArmor permits user namespaces only to programs with a profile that allows them (kernel.apparmor_restrict_unprivileged_userns is 1), and this binary has none. A profile for /usr/bin/bwrap does not apply to other paths.",
		Fixes: []fix{{
			Now:  []string{"{exe} --doctor=apparmor > /etc/apparmor.d/gobwrap", "apparmor_parser -r /etc/apparmor.d/gobwrap"},
			Note: "The profile is loaded at every boot. To lift the restriction for all programs instead: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
		}},
	},
	{
		// Docker's default profile denies mount; containerd's and CRI-O's are copies.
		// openai/codex#15434, #23468.
		ID:     "apparmor-container",
		Steps:  []Step{IDMaps, Slave, Tmpfs, Bind, Command, ReadOnly, Proc, Devpts, Overlay, Nested},
		Errnos: []syscall.Errno{eacces},
		Fits: func(k *failure) bool {
			l := k.Facts.label()
			return l == "docker-default" || l == "cri-containerd.apparmor.d" || l == "crio-default" || strings.HasPrefix(l, "containers-default")
		},
		Says: "The container's AppArmor profile forbids mounting.",
		Fixes: []fix{
			{Where: docker, Now: []string{"docker run --security-opt apparmor=unconfined --security-opt seccomp=unconfined IMAGE"}, ByUser: true},
			{Where: podman, Now: []string{"podman run --security-opt apparmor=unconfined IMAGE"}, ByUser: true},
			{Where: kubernetes, Note: "In the pod: securityContext.appArmorProfile.type: Unconfined."},
			{Note: "Start the container without its AppArmor profile."},
		},
	},
	{
		// containers/bubblewrap#284.
		ID:     "selinux-container",
		Errnos: []syscall.Errno{eacces},
		Fits:   func(k *failure) bool { return strings.Contains(k.Facts.label(), ":container_t:") },
		Says:   "The SELinux label of this container, container_t, does not permit this.",
		Fixes: []fix{
			{Where: docker, Now: []string{"docker run --security-opt label=disable IMAGE"}, ByUser: true},
			{Where: podman, Now: []string{"podman run --security-opt label=disable IMAGE"}, ByUser: true},
			{Note: "Start the container without SELinux labels (label=disable), or as spc_t."},
		},
	},
	{
		// Linux 6.2 (SELinux's class user_namespace); secureblue's FAQ, secureblue#1760.
		ID:     "selinux-userns",
		Steps:  []Step{UserNS},
		Errnos: []syscall.Errno{eacces},
		Fits:   func(k *failure) bool { return k.Facts.enforcing() },
		Says:   "The SELinux policy does not permit this program's domain to make user namespaces (class user_namespace, permission create).",
		Fixes: []fix{
			{Where: secure, Now: []string{"ujust set-unconfined-userns on"}, Note: "This weakens the system for every program of the unconfined domain; setuid mode opens less."},
			{
				Now:  []string{"ausearch -m avc -c gobwrap --raw | audit2allow -M gobwrap", "semodule -i gobwrap.pp"},
				Note: "Read gobwrap.te before you load it: it permits what was denied.",
			},
		},
	},
}
