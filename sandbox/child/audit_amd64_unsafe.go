//go:build amd64

package child

// No runtime. See doc.go for the laws of this file.

import "golang.org/x/sys/unix"

// auditArch is how the kernel tells filters which table the number of a call is of.
const auditArch = unix.AUDIT_ARCH_X86_64
