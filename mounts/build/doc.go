// Package build puts a sandbox's root file system together. It runs in the sandbox's first
// process, without a Go runtime, and does what the steps of a plan say that concern files
// and mounts; package mounts says what they mean. It has a function for each such step; what these are
// made of lies in the packages below:
//
//	deny         masks and protections ──▶ placeholder, pattern
//	engine       mounts are made
//	source       what they show is opened
//	resolve      what they are mounted on is found
//	frame        what surrounds the new root
//	mountinfo    mounts, as the kernel lists them
//	pathname     paths, as text
//
// # What it works on
//
// A [Root] is one root file system in the making. It is made of one struct in another: the state of
// the process ([step.State]), the frame, a walk through paths, the engine. Large buffers
// are static memory of the package whose functions use them, so that none can overwrite another one's.
//
//	base          a tmpfs that the payload never sees
//	├── oldroot   the host's tree: this process's root while the new root is built
//	└── newroot   the new root, a mount of its own
//
// Sources are host paths that the kernel resolves below the old root; destinations are paths
// that are resolved below newroot (package resolve), by descriptor, so that none leaves it,
// whatever another process renames meanwhile (CVE-2026-87766). What is found is only handled
// by descriptor.
//
// # Engines
//
// The new engine needs open_tree(2), mount_setattr(2), move_mount(2) (Linux 5.12) and openat2(2) (5.6),
// the classic one mount(2). Which one is decided by what the calls answer
// ([engine.Mounts.ChooseEngine]), before the first mount.
//
// # Calls of newer kernels that are not used
//
// These were tried on Debian's 7.0.13, 7.1.13 and 7.3.4, in emulated machines.
//
// open_tree(OPEN_TREE_NAMESPACE) (Linux 7.0) copies a tree into a new mount namespace. A sandbox
// that begins with a bind of / onto / could then do without the frame: one copy of the tree
// instead of two, and 3 system calls (open_tree, setns, mount_setattr) where there are 24.
// A C program that does nothing else, from the clone to the end of the first process
// (fewest of 120, on 7.3.4): 5.1 ms with the frame and 4.7 without where there are few mounts, 9.4 and 4.9
// with 100 more, 23 and 13 with 600 more. It is not used, for three reasons:
//
//   - On 7.0.13 and 7.1.13 the copy leaves unbindable mounts out, and so shows what they
//     cover; without AT_RECURSIVE it shows what every mount covers. 7.3.4 keeps all covered and
//     refuses the latter (EINVAL), which would tell the kernels apart by one more call.
//     Whether a kernel between these has one fix and not the other is not known, and
//     what must stay hidden cannot depend on that.
//   - Sources must be mounts of the new namespace. They would have to be cloned before the
//     root becomes read-only, and files of the launcher's own (--file, --ro-bind-data)
//     have no tmpfs to lie on: this would be a second frame, with its own faults.
//   - A copy's mount point is the root of the kernel's first file system, which stays
//     below the new root. The frame leaves nothing below it.
//
// statmount(2) by descriptor (STATMOUNT_BY_FD, Linux 7.0) tells what mountinfo does of one mount. Where
// there is that call the new engine works, and that one reads no mountinfo on the way
// to a sandbox: of the calls of a launch none would go.
//
// Landlock's versions 8 to 11 (7.0 to 7.3) bring restrictions for all threads at once, which a
// process with one thread does not need, and rights for sockets by path and for UDP;
// the domain that stands in for a user namespace in setuid mode (package landlock)
// handles as little as it can.
//
// # Setuid mode
//
// The process then has no privilege, and asks the broker (package suid/broker) for each mount by
// descriptors. Everything else, every path above all, is the same.
//
// The laws of this code are in the documentation of package child.
package build
