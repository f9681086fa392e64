// Package ranges holds tests of sandboxes with several ids: --uid-map, --gid-map,
// --map-auto, --map-root-user, --keep-groups.
//
// They run as root in a mount namespace of their own, whose /etc is a copy with users that
// the tests need: one to whom /etc/subuid and /etc/subgid grant ids, one without, one
// without a name, one with a further group. The host's /etc stays as it is, and the real
// newuidmap and newgidmap (Debian's uidmap) read the copy. Cases that need another /etc, or
// another newuidmap, run in a further mount namespace.
//
// What happened to files is looked at from outside, where their owners have other numbers.
//
// GOBWRAP_TEST_ENGINE=new, classic or refused restricts the tests of the file tree to one
// mount engine, as in tests/e2e, whose helpers in C the tests use.
package ranges
