package suid

import "golang.org/x/sys/unix"

// Kept is what the keeper keeps of root's capabilities until it is the broker, which has
// CAP_SYS_ADMIN. What is not here is gone before the keeper is forked.
const Kept = 1<<unix.CAP_SYS_ADMIN | // namespaces, mount and its kin
	1<<unix.CAP_SYS_CHROOT | // to stand on a mount that pivot_root(2) can move, where the root is none
	1<<unix.CAP_NET_ADMIN | // the loopback interface of a new network namespace
	1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | // the first process's ids, and the maps of its user namespace
	1<<unix.CAP_SYS_PTRACE | // the files of these maps, in a /proc that hides processes (hidepid=)
	1<<unix.CAP_SETPCAP // to empty the bounding set
