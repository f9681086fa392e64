package broker

import "golang.org/x/sys/unix"

// arch is what seccomp_data says of a call by this program's own entry point.
const arch = unix.AUDIT_ARCH_AARCH64
