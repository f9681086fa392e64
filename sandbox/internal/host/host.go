package host

import (
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/sandbox/child"
)

// Read reads what every plan depends on. What cannot be read counts as not there.
func Read() front.Facts {
	h := front.Facts{
		SameFile: SameFile,
		UID:      uint32(syscall.Getuid()),
		GID:      uint32(syscall.Getgid()),
		Env:      child.Environ(),
		// Permitted and not effective ones: what is permitted can be raised.
		Caps: Permitted(),
		// Standard output alone decides whether a small /dev has a console, as with bwrap.
		Tty:      IsTerminal(1),
		Filtered: kernel.Filtered(),
	}
	// Empty on an error: the directory has been removed, or lies outside of this root.
	h.Cwd, _ = syscall.Getwd()
	return h
}

// Exists reports whether something is at a path.
func Exists(path string) bool {
	var st syscall.Stat_t
	return syscall.Stat(path, &st) == nil
}

// Zero reports whether the file holds the number 0.
func Zero(path string) bool { return procfs.Word(path) == "0" }

// SameFile reports whether two paths lead to the same file.
func SameFile(a, b string) bool {
	var x, y syscall.Stat_t
	return syscall.Stat(a, &x) == nil && syscall.Stat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}

// The files of shadow that grant ids (subuid(5), subgid(5)). Where a directory service
// grants them instead (nsswitch.conf(5), subid), --map-auto knows nothing; --uid-map does
// not need to.
const (
	passwdFile = "/etc/passwd"
	subUIDFile = "/etc/subuid"
	subGIDFile = "/etc/subgid"
)

// ReadSubIDs reads what the system grants to the caller.
func ReadSubIDs(h *front.Facts) {
	users := procfs.Text(passwdFile)
	h.UserName = idmap.UserName(users, h.UID)
	if name, _ := front.Getenv(h.Env, "LOGNAME"); h.UserName == "" && !idmap.KnowsUser(users, name) {
		h.UserName = name // a directory service's, perhaps; newuidmap will know
	}
	h.SubUID, h.SubGID = procfs.Text(subUIDFile), procfs.Text(subGIDFile)
}

// Names returns what a line of /etc/subuid may call the caller; the first is for people.
func Names(h *front.Facts) []string {
	// subuid(5) permits both, a login name or a number.
	number := Decimal(h.UID)
	if h.UserName == "" {
		return []string{number}
	}
	return []string{h.UserName, number}
}

// Decimal formats an id.
func Decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// SubHint says how to grant a range, as subuid(5) does. newuidmap serves only users that have
// a name.
func SubHint(h *front.Facts, kind string, r idmap.Range) string {
	name := h.UserName
	if name == "" {
		if h.UID != 0 {
			return NameHint(h)
		}
		name = "root"
	}
	return `add the line "` + name + ":" + Decimal(r.Outside) + ":" + Decimal(r.Count) + `" to /etc/sub` + kind + ", as root"
}

// NameHint says what is missing for a caller that has no user name.
func NameHint(h *front.Facts) string {
	return "there is no user " + Decimal(h.UID) + " (getent passwd " + Decimal(h.UID) + "), and newuidmap serves only users with a name"
}

// NamesFD reports whether a host path goes through a descriptor of the process that looks
// it up, which is the launcher, and has descriptors of its own.
func NamesFD(path string) (n int, ok bool) {
	// Without "//" and "/./", which do not change where a path leads.
	clean := tree.BoxPath(path)
	for _, dir := range []string{"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"} {
		if rest, found := strings.CutPrefix(clean, dir); found && strings.HasPrefix(path, "/") {
			number, _, _ := strings.Cut(rest, "/")
			n, err := strconv.Atoi(number)
			return n, err == nil
		}
	}
	return 0, false
}
