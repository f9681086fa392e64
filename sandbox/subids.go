package sandbox

import (
	"strconv"
	"syscall"

	"github.com/gobwrap/gobwrap/idmap"
)

// The files of shadow that grant ids (subuid(5), subgid(5)). Where a directory service
// grants them instead (nsswitch.conf(5), subid), --map-auto knows nothing; --uid-map does
// not need to.
const (
	passwdFile = "/etc/passwd"
	subUIDFile = "/etc/subuid"
	subGIDFile = "/etc/subgid"
)

// readSubIDs reads what the system grants to the caller.
func (h *facts) readSubIDs() {
	users := readWhole(passwdFile)
	h.UserName = idmap.UserName(users, h.UID)
	if name, _ := get(h.Env, "LOGNAME"); h.UserName == "" && !idmap.KnowsUser(users, name) {
		h.UserName = name // a directory service's, perhaps; newuidmap will know
	}
	h.SubUID, h.SubGID = readWhole(subUIDFile), readWhole(subGIDFile)
}

// names are what a line of /etc/subuid may call the caller; the first is for people.
func (h *facts) names() []string {
	number := dec(h.UID)
	if h.UserName == "" {
		return []string{number}
	}
	return []string{h.UserName, number}
}

func dec(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// maxFile bounds the files read here, in bytes.
const maxFile = 16 << 20

// readWhole reads a file; "" for one that cannot be read.
func readWhole(path string) string {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = syscall.Close(fd) }()
	var out []byte
	buf := make([]byte, 64<<10)
	for len(out) < maxFile {
		n, err := syscall.Read(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		out = append(out, buf[:n]...)
	}
	return string(out)
}
