package doctor

import "strings"

// AppArmor returns a profile for the running program, at its path, on machines where AppArmor
// permits user namespaces only to programs whose profile allows them (apparmor.d(5),
// "userns"). The launcher may do everything. What it runs has no capabilities and cannot make
// user namespaces; otherwise the profile would give every user what the machine refuses them.
func AppArmor() string { return appArmor(here(selfExe).Binary.Path) }

func appArmor(path string) string {
	return `# Lets gobwrap make user namespaces; what it runs gets no capabilities. As root:
#
#   ` + quoteShell(path) + ` --doctor=apparmor > /etc/apparmor.d/gobwrap
#   apparmor_parser -r /etc/apparmor.d/gobwrap
#
# The service apparmor loads it at every boot. It is attached to the path of the binary:
# when that moves, make it anew.

` + strings.ReplaceAll(appArmorRules, "@BINDIR@/gobwrap", quoteProfile(path))
}

// appArmorRules is packaging/apparmor/gobwrap, without its first comment.
const appArmorRules = `abi <abi/4.0>,
include <tunables/global>

# The launcher makes namespaces, and mounts. The command is executed with no_new_privs,
# which permits only a transition that adds a profile: no program that is bound to one of
# the paths below takes another way out of a sandbox.
profile gobwrap @BINDIR@/gobwrap flags=(attach_disconnected, mediate_deleted) {
  userns,
  capability,
  mount, umount, pivot_root,
  network, unix, signal, ptrace, dbus, mqueue, io_uring,
  /{,**} rwlkm,

  /** pix -> &gobwrap//&gobwrap_payload,

  # Outside of sandboxes: for several ids, and for --doctor, which starts the launcher.
  /usr/bin/newuidmap ux,
  /usr/bin/newgidmap ux,
  @BINDIR@/gobwrap px -> gobwrap_again,

  include if exists <local/gobwrap>
}

# The launcher when it has started itself.
profile gobwrap_again flags=(attach_disconnected, mediate_deleted) {
  userns,
  capability,
  mount, umount, pivot_root,
  network, unix, signal, ptrace, dbus, mqueue, io_uring,
  /{,**} rwlkm,

  /** pix -> &gobwrap_again//&gobwrap_payload,
  /usr/bin/newuidmap ux,
  /usr/bin/newgidmap ux,

  include if exists <local/gobwrap>
}

# The command, and all that it starts.
profile gobwrap_payload flags=(attach_disconnected, mediate_deleted) {
  network, unix, signal, ptrace, dbus, mqueue, io_uring,
  /{,**} rwlkm,

  /** pix -> &gobwrap_payload,

  include if exists <local/gobwrap_payload>
}
`

// quoteProfile quotes a path for the attachment of a profile: it is not read as a pattern, and
// a space does not end it.
func quoteProfile(path string) string {
	var out strings.Builder
	for _, c := range []byte(path) {
		if strings.IndexByte(`\*?[]{}^"@`, c) >= 0 {
			out.WriteByte('\\')
		}
		out.WriteByte(c)
	}
	if strings.ContainsAny(path, " \t#,") {
		return `"` + out.String() + `"`
	}
	return out.String()
}
