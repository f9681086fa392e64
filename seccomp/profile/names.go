package profile

import (
	"fmt"

	"github.com/gobwrap/gobwrap/seccomp/bpf"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

// token is libseccomp's name of an architecture.
func token(a bpf.Arch) (libseccomp.ScmpArch, error) {
	return libseccomp.GetArchFromString(a.Name)
}

// Name returns the name of a call, or empty where libseccomp knows none.
func Name(a bpf.Arch, nr uint32) string {
	t, err := token(a)
	if err != nil {
		return ""
	}
	name, err := libseccomp.ScmpSyscall(int32(nr)).GetNameByArch(t)
	if err != nil {
		return ""
	}
	return name
}

// Number returns the number of a call at an entry point. A call that exists elsewhere only has
// none; nor has one of those that 32-bit x86 has twice, as a part of socketcall or ipc, and
// since 4.3 by itself.
func Number(a bpf.Arch, name string) (int32, error) {
	t, err := token(a)
	if err != nil {
		return 0, err
	}
	nr, err := libseccomp.GetSyscallFromNameByArch(name, t)
	if err != nil {
		return 0, fmt.Errorf("%q is not a system call that libseccomp %s knows", name, Library())
	}
	if nr < 0 {
		return 0, fmt.Errorf("%s has no number for %q", a.Name, name)
	}
	return int32(nr), nil
}

// Library returns the version of libseccomp.
func Library() string {
	major, minor, micro := libseccomp.GetLibraryVersion()
	return fmt.Sprintf("%d.%d.%d", major, minor, micro)
}
