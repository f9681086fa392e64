package suid

// The ids that own the user namespaces of setuid mode. No account, group or subordinate range may
// have them; see "The owner of a user namespace" in the package documentation. FreeIPA's subordinate
// ids end just below, at 4294901767. Above is 2³²-2, which some NFS servers use as nobody, and
// 2³²-1, which is not a valid id.
const (
	FirstOwner = 0xffff0008 // 4294901768
	LastOwner  = 0xfffffffc // 4294967292
)

// exclusiveOwners is how many uids have an owner id that no other uid shares: those of accounts of this
// machine (login.defs(5), UID_MAX). All higher uids, including all subordinate ones, share the rest.
const exclusiveOwners = 0xf000

// Owner returns the id that owns the user namespaces of the caller uid.
func Owner(uid uint32) uint32 {
	if uid < exclusiveOwners {
		return FirstOwner + uid
	}
	return FirstOwner + exclusiveOwners + uid%(LastOwner-FirstOwner+1-exclusiveOwners)
}

// Reserved reports whether id must be kept free.
func Reserved(id uint32) bool { return id >= FirstOwner && id <= LastOwner }
