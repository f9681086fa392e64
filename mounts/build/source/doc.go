// Package source opens what binds and overlays show: host paths, which the kernel follows as the user,
// and descriptors of the caller's. All are opened before the first mount, so that no operation changes
// what a later one finds; where descriptors do not suffice, a source is opened again when it is needed,
// and must then be the same file.
//
// The descriptor of a source stays in its step of the plan. Mounts are copied from it, not from a path,
// so what is bound is what was opened.
//
// The laws of this code are in the documentation of package child.
package source
