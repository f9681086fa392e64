package idmap

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import "strings"

// Caps is a set of capabilities; bit n stands for number n of capabilities(7).
type Caps uint64

// RangeCaps are the capabilities that root of several ids needs: to give files away, to read
// and change files of other ids, to switch to other ids, and to send signals. They apply in
// the user namespace only, and to ids that it maps (user_namespaces(7)). None of them permits
// mounts or network access.
const RangeCaps Caps = 1<<chown | 1<<dacOverride | 1<<fowner | 1<<fsetid | 1<<kill | 1<<setgid | 1<<setuid |
	1<<sysChroot | 1<<setfcap

// Numbers of capabilities(7).
const (
	chown       = 0
	dacOverride = 1
	fowner      = 3
	fsetid      = 4
	kill        = 5
	setgid      = 6
	setuid      = 7
	sysChroot   = 18
	setfcap     = 31
)

// AllCaps holds every capability, those of later kernels too; the kernel ignores
// the bits that it does not know.
const AllCaps = ^Caps(0)

// ParseCap reads a capability as capabilities(7) names it, "CAP_NET_RAW" in any
// case, or its number (decimal, 0x or 0 prefixed), or "ALL". It needs no Go runtime.
func ParseCap(s []byte) (Caps, bool) {
	if sameName(s, "all") {
		return AllCaps, true
	}
	if len(s) > 0 && s[0] >= '0' && s[0] <= '9' {
		return capNumber(s)
	}
	const prefix = "cap_"
	if len(s) < len(prefix) || !sameName(s[:len(prefix)], prefix) {
		return 0, false
	}
	for n := range capNames {
		if sameName(s[len(prefix):], capNames[n]) {
			return 1 << n, true
		}
	}
	return 0, false
}

// sameName compares s, in any case, with a name in small letters.
func sameName(s []byte, name string) bool {
	if len(s) != len(name) {
		return false
	}
	for i, c := range s {
		if small(c) != name[i] {
			return false
		}
	}
	return true
}

// small is c in small letters, of the ASCII ones: no locale counts.
func small(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// capNumber reads a number as C does: 0x for hexadecimal, 0 for octal.
func capNumber(s []byte) (Caps, bool) {
	base := uint(10)
	if len(s) > 1 && s[0] == '0' {
		base, s = 8, s[1:] // "0" itself is one too
		if small(s[0]) == 'x' {
			base, s = 16, s[1:]
		}
	}
	n := uint(0)
	for _, c := range s {
		d := uint(c) - '0'
		if c = small(c); c >= 'a' && c <= 'f' {
			d = uint(c) - 'a' + 10
		} else if c < '0' || c > '9' {
			return 0, false
		}
		if d >= base || n >= 64 {
			return 0, false
		}
		n = base*n + d
	}
	return 1 << (n & 63), len(s) > 0 && n < 64
}

// Names returns the capabilities of a set as capabilities(7) has them, in order, as far as
// they have names.
func (c Caps) Names() (names []string) {
	for n, name := range capNames {
		if c>>n&1 != 0 {
			names = append(names, "CAP_"+strings.ToUpper(name))
		}
	}
	return names
}

// Halves splits a set for the operands of a step.
func (c Caps) Halves() (low, high uint32) { return uint32(c), uint32(c >> 32) }

// capNames are the capabilities by number, without "CAP_". A test compares them with
// gocapability's, whose package reads /proc at every start and so stays out of the launcher.
//
//nolint:gochecknoglobals // read-only table
var capNames = [...]string{
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
}
