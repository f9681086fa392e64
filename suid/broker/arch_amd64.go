package broker

import "golang.org/x/sys/unix"

// arch is what seccomp_data.arch says for system calls of this program. The x32 ABI has the same
// value, but its call numbers have bit 30 set and equal none in the list.
const arch = unix.AUDIT_ARCH_X86_64
