package bpf

import "golang.org/x/sys/unix"

// Arch is a way into the kernel: what a filter finds in Data.Arch, and a bit that is
// set in all of its numbers.
type Arch struct {
	Name  string // libseccomp's name
	Audit uint32
	Bit   uint32
}

// X32Bit is set in the numbers of the x32 calls (__X32_SYSCALL_BIT); these have the
// x86-64 value in Data.Arch.
const X32Bit = 0x40000000

// The entry points of the kernels that gobwrap runs on. An amd64 kernel may have the
// first three, an arm64 kernel the others.
//
//nolint:gochecknoglobals // read-only values
var (
	X86_64  = Arch{Name: "x86_64", Audit: unix.AUDIT_ARCH_X86_64}
	X86     = Arch{Name: "x86", Audit: unix.AUDIT_ARCH_I386}
	X32     = Arch{Name: "x32", Audit: unix.AUDIT_ARCH_X86_64, Bit: X32Bit}
	AArch64 = Arch{Name: "aarch64", Audit: unix.AUDIT_ARCH_AARCH64}
	ARM     = Arch{Name: "arm", Audit: unix.AUDIT_ARCH_ARM}
)

// ParseArch reads libseccomp's name of an entry point, or Go's.
func ParseArch(name string) (Arch, bool) {
	switch name {
	case "x86_64", "amd64":
		return X86_64, true
	case "x86", "386":
		return X86, true
	case "x32":
		return X32, true
	case "aarch64", "arm64":
		return AArch64, true
	case "arm":
		return ARM, true
	}
	return Arch{}, false
}

// archOf finds the entry point of a call; false for any other.
func archOf(audit, nr uint32) (Arch, bool) {
	for _, a := range []Arch{X32, X86_64, X86, AArch64, ARM} {
		if a.Audit == audit && nr&a.Bit == a.Bit {
			return a, true
		}
	}
	return Arch{}, false
}
