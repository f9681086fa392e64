package profile

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// This file is the dictionary: the specification's words and libseccomp's.

// knownArch reports whether an architecture exists, be it another machine's.
func knownArch(a specs.Arch) bool {
	if a == archNative {
		return true
	}
	_, err := libseccomp.GetArchFromString(strings.TrimPrefix(string(a), "SCMP_ARCH_"))
	return err == nil
}

// native is libseccomp's token for one of a machine's architectures.
func native(a specs.Arch) libseccomp.ScmpArch {
	switch a {
	case specs.ArchX86_64:
		return libseccomp.ArchAMD64
	case specs.ArchX86:
		return libseccomp.ArchX86
	case specs.ArchX32:
		return libseccomp.ArchX32
	case specs.ArchAARCH64:
		return libseccomp.ArchARM64
	case specs.ArchARM:
		return libseccomp.ArchARM
	default:
		return libseccomp.ArchInvalid
	}
}

// action is libseccomp's form of an action that checkAction has taken. Without a number,
// an error is EPERM.
func action(a specs.LinuxSeccompAction, number *uint) libseccomp.ScmpAction {
	code := int16(unix.EPERM)
	if number != nil {
		code = int16(*number) // sixteen bits, whatever their sign
	}
	switch a {
	case specs.ActKillProcess:
		return libseccomp.ActKillProcess
	case specs.ActTrap:
		return libseccomp.ActTrap
	case specs.ActErrno:
		return libseccomp.ActErrno.SetReturnCode(code)
	case specs.ActTrace:
		return libseccomp.ActTrace.SetReturnCode(code)
	case specs.ActAllow:
		return libseccomp.ActAllow
	case specs.ActLog:
		return libseccomp.ActLog
	default: // SCMP_ACT_KILL and SCMP_ACT_KILL_THREAD
		return libseccomp.ActKillThread
	}
}

func compareOp(o specs.LinuxSeccompOperator) (libseccomp.ScmpCompareOp, bool) {
	switch o {
	case specs.OpNotEqual:
		return libseccomp.CompareNotEqual, true
	case specs.OpLessThan:
		return libseccomp.CompareLess, true
	case specs.OpLessEqual:
		return libseccomp.CompareLessOrEqual, true
	case specs.OpEqualTo:
		return libseccomp.CompareEqual, true
	case specs.OpGreaterEqual:
		return libseccomp.CompareGreaterEqual, true
	case specs.OpGreaterThan:
		return libseccomp.CompareGreater, true
	case specs.OpMaskedEqual:
		return libseccomp.CompareMaskedEqual, true
	default:
		return libseccomp.CompareInvalid, false
	}
}
