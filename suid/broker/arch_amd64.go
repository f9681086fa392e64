package broker

import "golang.org/x/sys/unix"

// arch is what seccomp_data says of a call by this program's own entry point. Numbers of the
// x32 ABI are above those of all calls.
const arch = unix.AUDIT_ARCH_X86_64
