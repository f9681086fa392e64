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
		Says:   "The container's seccomp filter forbids what sandboxes are made with: new namespaces, mount, pivot_root.",
		Fixes: []fix{
			{Where: docker, Now: []string{"docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined IMAGE"}, ByUser: true, Note: "Or give a profile that allows clone, unshare, mount, umount2, pivot_root and setns."},
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
		Says: "The service {unit} runs under a filter of systemd's: RestrictNamespaces= or SystemCallFilter=.",
		Fixes: []fix{{
			Where: systemd,
			Now:   dropIn("RestrictNamespaces=no"),
			Note:  "A SystemCallFilter= has to permit @mount too. What the service has now: {systemctl} show -p RestrictNamespaces -p SystemCallFilter -p NoNewPrivileges {unit}",
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
		Says: "The service {unit} covers parts of /proc (ProtectKernelTunables=, ProtectProc= and their like), and the kernel refuses a new proc that would show more: {masks}.",
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

const withoutLimit = "Or leave --disable-userns out, and refuse clone and unshare to the command with --seccomp."

const fallback = "Or let --proc be something else: --fallback-proc=bind binds the outer proc, --fallback-proc=none leaves the directory empty."

// dropIn sets something in a unit for good (systemd.unit(5)), and starts it again.
func dropIn(setting string) []string {
	return []string{
		"mkdir -p {dropins}/{unit}.d",
		`printf '[Service]\n` + setting + `\n' > {dropins}/{unit}.d/gobwrap.conf`,
		"{systemctl} daemon-reload",
		"{systemctl} restart {unit}",
	}
}

// setuidCauses are why a binary that is installed for the setuid mode does not have it.
//
//nolint:gochecknoglobals // read-only table
var setuidCauses = [...]cause{
	{
		// execve(2): set-id bits do not count with no_new_privs, on a nosuid mount, and
		// where the owner has no id in the caller's user namespace.
		ID:    "setuid-no-new-privs",
		Steps: []Step{Setuid},
		Fits:  func(k *failure) bool { return !k.Facts.Binary.Keeper && k.Facts.noNewPrivs() },
		Says:  "Set-id bits do not count here: the process runs with no_new_privs.",
		Fixes: []fix{
			{Where: docker, Note: "Start the container without --security-opt no-new-privileges."},
			{Where: kubernetes, Note: "In the pod: securityContext.allowPrivilegeEscalation: true."},
			{Where: systemd, Now: dropIn("NoNewPrivileges=no"), Note: "Other settings imply it, such as SystemCallFilter= and RestrictNamespaces= for a service that is not root's (systemd.exec(5))."},
			{Note: "Whoever set it (setpriv --no-new-privs, a sandbox, an agent) has to start this without."},
		},
	},
	{
		ID:    "setuid-nosuid",
		Steps: []Step{Setuid},
		Fits:  func(k *failure) bool { return !k.Facts.Binary.Keeper && k.Facts.Binary.Nosuid },
		Says:  "Set-id bits do not count on the mount {mount}, where the binary lies: it is mounted nosuid.",
		Fixes: []fix{{
			Now:  []string{"mount -o remount,suid {mount}"},
			Note: "Better install the binary on another mount. For good: take nosuid out of the mount's line in /etc/fstab.",
		}},
	},
	{
		ID:    "setuid-conf",
		Steps: []Step{Setuid},
		Fits:  func(k *failure) bool { return k.Facts.Binary.Keeper && k.Errno == 0 },
		Says:  "The setuid mode is restricted here, or its configuration is not root's alone: /etc/gobwrap/setuid.conf.",
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
		Says:  "This runs in a user namespace, a container or a sandbox, where root is not the machine's: a setuid binary has not enough privilege there.",
		Fixes: []fix{{Note: "Allow user namespaces inside, or start this outside."}},
	},
	{
		ID:    "setuid-privilege",
		Steps: []Step{Setuid},
		Says:  "The setuid mode has not enough privilege here: root lacks capabilities, or a filter or a security module refuses what root may.",
		Fixes: []fix{{Note: "In a container give it CAP_SYS_ADMIN and a filter that allows mount."}},
	},
}
