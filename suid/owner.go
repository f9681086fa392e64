package suid

// The ids that --unshare-user rests on. No account, group or subordinate range may have
// them; see "The owner of a user namespace" in the package documentation. Below them lies
// what FreeIPA hands out as subordinate ids (up to 4294901767), above them 2³²-2, which is
// NFS's nobody in places, and 2³²-1, which is no id.
const (
	FirstOwner = 0xffff0008 // 4294901768
	LastOwner  = 0xfffffffc // 4294967292

	// NoOnesRoot is who root of a user namespace is outside, where a devpts needs one and the
	// user is 65534, who stands for root otherwise. It owns no namespace.
	NoOnesRoot = 0xfffffffd // 4294967293
)

// ownOwners is how many uids have an owner id to themselves: those of accounts of this
// machine (login.defs(5), UID_MAX). The uids from there on, which include all that are
// granted as subordinate ids, share the rest.
const ownOwners = 0xf000

// Owner is the id under which the keeper creates a user namespace for the caller uid.
func Owner(uid uint32) uint32 {
	if uid < ownOwners {
		return FirstOwner + uid
	}
	return FirstOwner + ownOwners + uid%(LastOwner-FirstOwner+1-ownOwners)
}

// Reserved reports whether id is one that nobody may have.
func Reserved(id uint32) bool { return id >= FirstOwner && id <= NoOnesRoot }
