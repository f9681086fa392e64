// Package build puts a sandbox's root file system together. It runs in the sandbox's first
// process, without a Go runtime, and does what the steps of a plan say that concern files
// and mounts; package mounts says what they mean.
//
// # What it works on
//
// A [Root] is one root file system in the making: what stands around it (the frame), the
// engine that mounts with, and the buffers of the functions below. Each function has buffers
// of its own, so that none can overwrite another one's.
//
//	base          a tmpfs that the payload never sees
//	├── oldroot   the host's tree: this process's root while the new root is built
//	└── newroot   the new root, a mount of its own
//
// Sources are host paths that the kernel resolves below the old root; destinations are paths
// that are resolved below newroot ([Root.dest]), by descriptor, so that none leaves it,
// whatever another process renames meanwhile (CVE-2026-87766). What is found is only handled
// by descriptor.
//
// # Engines
//
// With open_tree(2), mount_setattr(2), move_mount(2) (Linux 5.12) and openat2(2) (5.6) a tree
// is cloned, tightened in one call while nobody sees it, and attached. Where one of them is
// missing or refused, mount(2) does the same on a stage that the payload cannot reach, mount
// by mount, guided by mountinfo. Which one is decided by what the calls answer
// ([Root.ChooseEngine]).
//
// # Setuid mode
//
// The process then keeps a few capabilities and raises one around a single call
// (step.State.Privileged). Everything else, every path above all, is done as the user.
//
// The laws of this code are in the documentation of package child.
package build
