// Package engine makes mounts, and changes their flags. It knows descriptors, not paths: what is bound
// and where has been opened by others.
//
// There are two engines. With the new calls a tree is cloned, tightened in one call while nobody sees it, and
// attached. Where one of them is missing or refused, mount(2) does the same on a stage that the payload cannot
// reach, mount by mount, guided by mountinfo. In setuid mode the broker makes the mounts (package suid/broker),
// with one request, or, where flags are changed mount by mount, with two and one more for each mount that
// mountinfo shows. What is decided here is decided without privilege.
//
// A mount is never visible with more rights than it is to have, and no flag that a mount has is taken
// away: the kernel would refuse the latter in a user namespace (mount_namespaces(7), "locked"), and
// root, whom it would not refuse, must not get less of a sandbox.
//
// The laws of this code are in the documentation of package child.
package engine
