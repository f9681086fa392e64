package sandbox

import (
	"strconv"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/procfs"
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
	users := procfs.Text(passwdFile)
	h.UserName = idmap.UserName(users, h.UID)
	if name, _ := get(h.Env, "LOGNAME"); h.UserName == "" && !idmap.KnowsUser(users, name) {
		h.UserName = name // a directory service's, perhaps; newuidmap will know
	}
	h.SubUID, h.SubGID = procfs.Text(subUIDFile), procfs.Text(subGIDFile)
}

// names returns what a line of /etc/subuid may call the caller; the first is for people.
func (h *facts) names() []string {
	number := dec(h.UID)
	if h.UserName == "" {
		return []string{number}
	}
	return []string{h.UserName, number}
}

func dec(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
