// Package resolve follows destinations: paths below the new root, which never leave it while it is
// built, whatever another process renames meanwhile (CVE-2026-87766). It opens what a path leads to,
// and makes it if it is missing and is to be made; it mounts nothing.
//
// The quick way is openat2(2) (since 5.6) with RESOLVE_IN_ROOT. The careful way walks down one
// component at a time with O_NOFOLLOW, keeps the directories that it came through open, and
// takes ".." to mean the one before: no rename can make it climb above the root. It serves
// kernels and filters without openat2, and makes what is missing on either. Package deny walks by
// the same means where it has something to do on the way.
//
// What is found is handled by descriptor from then on (O_PATH, open(2)): no path is looked up twice.
//
// The laws of this code are in the documentation of package child.
package resolve
