// Package mountinfo reads what the kernel says about mounts in text: /proc/self/mountinfo, and the
// mnt_id of /proc/self/fdinfo (proc(5)). It changes nothing.
//
// Where mount(2) is all there is, this is the only way to learn which mounts a recursive bind has
// copied and which flags of theirs are locked. The text is hostile in part: every user may choose
// the names of mount points in a user namespace of their own, and may change what is mounted while
// it is read. So the parser takes nothing for granted but what the kernel escapes.
//
// The laws of this code are in the documentation of package child.
package mountinfo
