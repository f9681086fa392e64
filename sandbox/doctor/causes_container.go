package doctor

import "syscall"

// containerCauses are refusals of what contains this process.
//
//nolint:gochecknoglobals // read-only table
var containerCauses = [...]cause{
	{
		// Docker's default filter permits clone with new namespaces only with CAP_SYS_ADMIN,
		// and answers clone3 with ENOSYS (moby/moby#42441, containers/bubblewrap#505).
		ID:     "seccomp-container",
		Steps:  append([]Step{Slave, Tmpfs, Bind, Command, Nested}, cloneSteps...),
		Errnos: []syscall.Errno{eperm, eacces, enosys},
		Fits:   func(k *failure) bool { return k.Facts.outerFilter() && k.Facts.container() != "" },
		Says:   "The container's seccomp filter refuses new namespaces, mount and pivot_root, which sandboxes need.",
		Fixes: []fix{
			{Where: docker, Now: []string{"docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined IMAGE"}, ByUser: true, Note: "Or use a profile that allows clone, unshare, mount, umount2, pivot_root and setns."},
			{Where: podman, Now: []string{"podman run --security-opt seccomp=unconfined IMAGE"}, ByUser: true},
			{Where: kubernetes, Note: "In the pod: securityContext.seccompProfile.type: Unconfined, or a Localhost profile that allows clone, unshare, mount, umount2, pivot_root and setns."},
			{Note: "Start the container with a filter that allows clone, unshare, mount, umount2, pivot_root and setns."},
		},
	},
	{
		// systemd.exec(5), RestrictNamespaces=, SystemCallFilter=.
		ID:     "systemd-namespaces",
		Steps:  append([]Step{Slave, Tmpfs, Bind, Command, Nested}, cloneSteps...),
		Errnos: []syscall.Errno{eperm, eacces, enosys},
		Fits: func(k *failure) bool {
			unit, _ := k.Facts.unit()
			return k.Facts.filtered() && unit != ""
		},
		Says: "The service {unit} runs under a filter that systemd installed: RestrictNamespaces= or SystemCallFilter=.",
		Fixes: []fix{{
			Where: systemd,
			Now:   dropIn("RestrictNamespaces=no"),
			Note:  "A SystemCallFilter= must permit @mount too. To see what the service has now: {systemctl} show -p RestrictNamespaces -p SystemCallFilter -p NoNewPrivileges {unit}",
		}},
	},
	{
		// proc_sys(5) and the kernel's mount_too_revealing: a new proc must not show what the
		// old one hides. ProtectKernelTunables= (systemd.exec(5)) covers /proc/sys.
		ID:     "systemd-proc",
		Steps:  []Step{Proc},
		Errnos: []syscall.Errno{eperm},
		Fits: func(k *failure) bool {
			unit, _ := k.Facts.unit()
			return unit != "" && len(k.Facts.masks()) > 0 && k.Facts.container() == ""
		},
		Says: "The service {unit} covers parts of /proc (ProtectKernelTunables=, ProtectProc= and the like), and the kernel refuses a new proc that would show more: {masks}.",
		Fixes: []fix{{
			Where: systemd,
			Now:   dropIn("ProtectKernelTunables=no"),
			Note:  fallback,
		}},
	},
	{
		// containers/bubblewrap#505, #284; opencontainers/runc#1658.
		ID:     "proc-masked",
		Steps:  []Step{Proc},
		Errnos: []syscall.Errno{eperm, eacces},
		Fits:   func(k *failure) bool { return len(k.Facts.masks()) > 0 },
		Says:   "Parts of /proc are covered here, as in most containers, and the kernel refuses a new proc that would show more: {masks}.",
		Fixes: []fix{
			{Where: docker, Now: []string{"docker run --security-opt systempaths=unconfined IMAGE"}, ByUser: true, Note: fallback},
			{Where: podman, Now: []string{"podman run --security-opt unmask=ALL IMAGE"}, ByUser: true, Note: fallback},
			{Where: kubernetes, Note: "In the pod: securityContext.procMount: Unmasked, with hostUsers: false. " + fallback},
			{Note: fallback},
		},
	},
	{
		// Docker and podman mount /proc/sys read-only; ProtectKernelTunables= too.
		ID:     "proc-sys",
		Steps:  []Step{Limit},
		Errnos: []syscall.Errno{syscall.EROFS, syscall.ENOENT, eacces},
		Says:   "/proc/sys is covered or read-only here, and the limit on user namespaces cannot be set.",
		Fixes: []fix{
			{Where: docker, Now: []string{"docker run --security-opt systempaths=unconfined IMAGE"}, ByUser: true, Note: withoutLimit},
			{Where: podman, Now: []string{"podman run --security-opt unmask=ALL IMAGE"}, ByUser: true, Note: withoutLimit},
			{Where: systemd, Now: dropIn("ProtectKernelTunables=no"), Note: withoutLimit},
			{Note: withoutLimit},
		},
	},
}

const withoutLimit = "Or leave out --disable-userns, and refuse clone and unshare with --seccomp."

const fallback = "Without changing the system: use --fallback-proc=bind, which binds the outer proc, or --fallback-proc=none, which leaves the directory empty."

// dropIn sets something in a unit for good (systemd.unit(5)), and starts it again.
func dropIn(setting string) []string {
	return []string{
		"mkdir -p {dropins}/{unit}.d",
		`printf '[Service]\n` + setting + `\n' > {dropins}/{unit}.d/gobwrap.conf`,
		"{systemctl} daemon-reload",
		"{systemctl} restart {unit}",
	}
}

// setuidCauses are why a binary that is installed for setuid mode does not have it.
//
//nolint:gochecknoglobals // read-only table
var setuidCauses = [...]cause{
	{
		// execve(2): set-id bits have no effect with no_new_privs, on a nosuid mount, and if
		// the owner has no id in the caller's user namespace.
		ID:    "setuid-no-new-privs",
		Steps: []Step{Setuid},
		Fits:  func(k *failure) bool { return !k.Facts.Binary.Keeper && k.Facts.noNewPrivs() },
		Says:  "Set-user-id has no effect here: the process runs with no_new_privs.",
		Fixes: []fix{
			{Where: docker, Note: "Start the container without --security-opt no-new-privileges."},
			{Where: kubernetes, Note: "In the pod: securityContext.allowPrivilegeEscalation: true."},
			{Where: systemd, Now: dropIn("NoNewPrivileges=no"), Note: "Other settings imply it, such as SystemCallFilter= and RestrictNamespaces= for a service that does not run as root (systemd.exec(5))."},
			{Note: "Start this without it; setpriv --no-new-privs, a sandbox or an agent may have set it."},
		},
	},
	{
		ID:    "setuid-nosuid",
		Steps: []Step{Setuid},
		Fits:  func(k *failure) bool { return !k.Facts.Binary.Keeper && k.Facts.Binary.Nosuid },
		Says:  "The binary is on the mount {mount}, which is nosuid: set-user-id has no effect there.",
		Fixes: []fix{{
			Now:  []string{"mount -o remount,suid {mount}"},
			Note: "It is better to install the binary on another mount. To make the change permanent, remove nosuid from the mount's line in /etc/fstab.",
		}},
	},
	{
		ID:    "setuid-conf",
		Steps: []Step{Setuid},
		Fits:  func(k *failure) bool { return k.Facts.Binary.Keeper && k.Errno == 0 },
		Says:  "Setuid mode is restricted by /etc/gobwrap/setuid.conf, or others than root can change that file.",
		Fixes: []fix{{Now: []string{"cat /etc/gobwrap/setuid.conf"}}},
	},
	{
		ID:    "policy",
		Fits:  func(k *failure) bool { return k.Facts.policed() && k.Errno == 0 && !k.Killed },
		Says:  "The administrator's policy does not permit what was tried: /etc/gobwrap/policy.conf.",
		Fixes: []fix{{Now: []string{"cat /etc/gobwrap/policy.conf"}, ByUser: true, Note: "A launch that does as the file says works."}},
	},
	{
		ID:    "setuid-in-userns",
		Steps: []Step{Setuid},
		Fits:  func(k *failure) bool { return k.Facts.inUserNS() },
		Says:  "This runs in a user namespace, a container or a sandbox, where root is not the root of the machine: a setuid binary does not have enough privilege there.",
		Fixes: []fix{{Note: "Allow user namespaces inside, or start this outside."}},
	},
	{
		ID:    "setuid-privilege",
		Steps: []Step{Setuid},
		Says:  "Setuid mode does not have enough privilege here: root lacks capabilities, or a filter or a security module restricts it.",
		Fixes: []fix{{Note: "In a container, give it CAP_SYS_ADMIN and a filter that allows mount."}},
	},
}
