package raw

// No runtime. See sandbox/child/doc.go for the laws of this file.

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// LastCap bounds the search for the kernel's highest capability.
const LastCap = 63

// NoMoreThan reports whether this process has no capability but those of p, permitted ones or inheritable.
func NoMoreThan(p uint64) bool {
	permitted, inheritable, ok := Caps()
	return ok && (permitted|inheritable)&^p == 0
}

// Caps reads this process's capabilities.
func Caps() (permitted, inheritable uint64, ok bool) {
	// Version 3 has two words for each set (capget(2)). A pid of 0 is this process.
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	if Errno(Call(unix.SYS_CAPGET, Addr(unsafe.Pointer(&hdr)), Addr(unsafe.Pointer(&have)), 0, 0, 0, 0)) != 0 {
		return 0, 0, false
	}
	return uint64(have[0].Permitted) | uint64(have[1].Permitted)<<32,
		uint64(have[0].Inheritable) | uint64(have[1].Inheritable)<<32, true
}

// CutBounding drops what is not in keep from the bounding set, one capability a call (capabilities(7)).
func CutBounding(keep uint64) unix.Errno {
	e := unix.Errno(0)
	for c := uintptr(0); c <= LastCap && e == 0; c++ {
		if keep>>c&1 == 0 {
			e = Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		}
	}
	if e == unix.EINVAL { // above the kernel's last capability
		return 0
	}
	return e
}

// SetCaps sets the permitted, effective and inheritable sets. The kernel ignores bits of unknown capabilities.
func SetCaps(p, e, i uint64) unix.Errno {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	data[0].Permitted, data[1].Permitted = uint32(p), uint32(p>>32)
	data[0].Effective, data[1].Effective = uint32(e), uint32(e>>32)
	data[0].Inheritable, data[1].Inheritable = uint32(i), uint32(i>>32)
	return Errno(Call(unix.SYS_CAPSET, Addr(unsafe.Pointer(&hdr)), Addr(unsafe.Pointer(&data)), 0, 0, 0, 0))
}
