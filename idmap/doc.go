// Package idmap knows who a process is inside: the maps of its user namespaces, what
// /etc/subuid and /etc/subgid grant for them, and its capabilities.
//
// It is a leaf: it turns facts and wishes into the exact texts and masks that the
// steps of a plan carry, and touches nothing.
package idmap
