package sandbox

import (
	"errors"

	"github.com/gobwrap/gobwrap/internal/tree"
	"golang.org/x/sys/unix"
)

// hollowCaps returns the warning for capabilities that were added and do not count for the
// sandbox's own namespaces, or nil. Set-up needs root for a devpts, and --disable-userns sets
// its limit above the payload; and CAP_SYS_ADMIN must not unmount masks. All of them put the payload
// into a user namespace below the one that owns the others (user_namespaces(7)).
func hollowCaps(s *wanted, h facts) error {
	uids, gids, err := who(s, &h)
	if !wantsUser(s, &h) || h.Setuid || s.Identity.ranges() || s.Report.UserBlockFD.Given() || wantedCaps(s, &h) == 0 || err != nil {
		return nil
	}
	added := false
	for _, e := range s.Identity.Caps {
		added = added || !e.Drop
	}
	otherID := hasDev(s) && (uids.inside != 0 || gids.inside != 0)
	switch {
	case !added:
		return nil
	case s.Namespaces.DisableUsers:
		return errors.New("with Namespaces.DisableUsers the capabilities of Identity.Caps do not count for the sandbox's network, mounts and other namespaces")
	case wantedCaps(s, &h)>>unix.CAP_SYS_ADMIN&1 != 0 && s.has(tree.Denies):
		return errors.New("with mounts.Mask or mounts.Protect, and CAP_SYS_ADMIN, the capabilities of Identity.Caps do not count for the sandbox's network and other namespaces")
	case otherID:
		return errors.New("with mounts.Dev and a uid or gid other than 0 the capabilities of Identity.Caps do not count for the sandbox's network, mounts and other namespaces (Identity.UID and GID)")
	}
	return nil
}
