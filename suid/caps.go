package suid

import "golang.org/x/sys/unix"

// Kept are the capabilities that the keeper keeps, each for one purpose. All others are dropped before
// it is forked. The broker keeps only CAP_SYS_ADMIN.
const Kept = 1<<unix.CAP_SYS_ADMIN | // namespaces and mounts
	1<<unix.CAP_SYS_CHROOT | // a root that pivot_root(2) can move, if the host's root is rootfs
	1<<unix.CAP_NET_ADMIN | // the loopback interface of a new network namespace
	1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | // the first process's ids, and the maps of its user namespace
	1<<unix.CAP_SYS_PTRACE | // to open the map files in a /proc with hidepid=
	1<<unix.CAP_SETPCAP // to empty the bounding set
