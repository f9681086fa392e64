// Package vm runs scripts on Debian's own kernels: a machine of QEMU's, emulated in
// software, whose root file system is the host's, shared read-only.
//
// What a sandbox may do is decided by the kernel, and the kernel that the tests happen
// to run on is only one. Here the others are booted, with sysctls and security modules
// set as distributions set them. scripts/vm-setup.sh fetches kernels and QEMU. The
// tests are in tests/vm, with the build tag vm:
//
//	go test -tags vm ./tests/vm
//	go run ./tests/tools/boot -kernel 6.12 -- COMMAND…
//
// # A machine
//
//	host                                      guest
//	virtiofsd, in a mount namespace ───────▶  /, read-only
//	where everything is read-only
//	initramfs, made by Boot: guest/init.c,    loads modules, mounts /proc, /sys, /dev and a
//	modules, Machine.Files                    tmpfs over /tmp, /run, /var/tmp; runs the script
//	console ◀───────────────────────────────  ttyS0
//	Result.Output ◀─────────────────────────  ttyS1
//	Result.Status ◀─────────────────────────  ttyS2
//
// The kernel is entered at its PVH entry point, already decompressed, and does not test
// its ciphers: a boot takes about 4 seconds instead of 8.
//
// # Models
//
// guest/lsm.c, in the guest /run/vm/lsm, runs a command while a BPF program answers as
// the kernel of another distribution would:
//
//	/run/vm/lsm ubuntu COMMAND…    user namespaces of unprivileged makers give no capabilities
//	/run/vm/lsm strict COMMAND…    user namespaces give no capabilities, whichever user makes them
//	/run/vm/lsm eperm COMMAND…     nobody may make a user namespace: EPERM
//	/run/vm/lsm eacces COMMAND…    the same with EACCES
package vm
