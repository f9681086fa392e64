package suid_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/suid"
)

// TestOwner: the owner of a user namespace is an id of the range that is kept free, above
// what FreeIPA grants as subordinate ids, and below 2³²-2. Accounts of the machine share
// theirs with nobody, and no id that can be granted has the same one.
func TestOwner(t *testing.T) {
	const subordinate, local = 4294901767, 61440
	taken := map[uint32]uint32{}
	for uid := range uint32(local) {
		owner := suid.Owner(uid)
		if other, twice := taken[owner]; twice {
			t.Fatalf("uids %d and %d have the owner %d", uid, other, owner)
		}
		taken[owner] = uid
	}
	check := func(uid uint32) {
		owner := suid.Owner(uid)
		if owner <= subordinate || owner >= 1<<32-2 || !suid.Reserved(owner) {
			t.Errorf("uid %d: owner %d", uid, owner)
		}
		if other, twice := taken[owner]; twice && other != uid {
			t.Errorf("uids %d and %d, which is an account's, have the owner %d", uid, other, owner)
		}
	}
	for uid := range uint32(1 << 18) {
		check(uid)
		check(1<<31 - 1<<17 + uid)
		check(1<<32 - 1<<18 + uid)
	}
	for uid := uint64(0); uid < 1<<32; uid += 9973 {
		check(uint32(uid))
	}
	for id, want := range map[uint32]bool{
		0: false, 65534: false, 1 << 31: false, subordinate: false, suid.FirstOwner: true, suid.LastOwner: true,
		suid.LastOwner + 1: false, 1<<32 - 2: false, 1<<32 - 1: false,
	} {
		if suid.Reserved(id) != want {
			t.Errorf("%d: kept free: %v", id, !want)
		}
	}
}
