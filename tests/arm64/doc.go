// Package arm64 runs the programs for arm64 on another machine: by QEMU's translation of
// single programs, and, with the build tag vm, on Debian's kernel for arm64 in an emulated
// machine. QEMU refuses clone with a namespace (EINVAL), so launches need the machine.
package arm64
