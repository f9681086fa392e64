package doctor

import "strings"

// AppArmor is a profile that lets this binary make user namespaces where AppArmor gives
// them only to programs whose profile says so (apparmor.d(5), "userns"; Ubuntu's own
// profiles for browsers are the same). It confines nothing.
func AppArmor(b Binary) string {
	return `# Lets gobwrap make user namespaces. As root:
#
#   ` + quoteShell(b.Path) + ` --doctor=apparmor > /etc/apparmor.d/gobwrap
#   apparmor_parser -r /etc/apparmor.d/gobwrap
#
# The service apparmor loads it at every boot. It is attached to the path of the binary:
# when that moves, make it anew.

abi <abi/4.0>,
include <tunables/global>

profile gobwrap ` + quoteProfile(b.Path) + ` flags=(unconfined) {
  userns,

  include if exists <local/gobwrap>
}
`
}

// quoteProfile is a path as a profile's attachment: what would be a pattern is not one,
// and a space does not end it.
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
