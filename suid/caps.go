package suid

import "golang.org/x/sys/unix"

// Kept is what the keeper keeps of root's capabilities, permitted; none is effective
// but around a single call. What is not here is gone before the keeper reads anything.
const Kept = 1<<unix.CAP_SYS_ADMIN | // clone into namespaces, mount and its kin, pivot_root, sethostname in a new UTS namespace
	1<<unix.CAP_SYS_CHROOT | // chroot into the old root, and into the frame before the last pivot_root
	1<<unix.CAP_NET_ADMIN | // the loopback interface of a new network namespace
	1<<unix.CAP_DAC_READ_SEARCH | // /proc/self/fdinfo/N of an undumpable process, before 5.14 (mount_unsafe.go)
	KeptForUser

// KeptForUser is what of it serves --unshare-user alone: to create the namespace under
// another id, to write its maps, and to reach their files in a /proc that hides processes
// (hidepid=). The sandbox's first process never has it.
const KeptForUser = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_SYS_PTRACE
