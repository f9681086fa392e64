//go:build amd64

package pid1

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: init.

import "golang.org/x/sys/unix"

// auditArch is how the kernel tells filters which table the number of a call is of.
const auditArch = unix.AUDIT_ARCH_X86_64
