package broker

import "golang.org/x/sys/unix"

// arch is what seccomp_data.arch says for system calls of this program.
const arch = unix.AUDIT_ARCH_AARCH64
