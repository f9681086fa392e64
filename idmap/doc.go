// Package idmap handles the ids of a process in a sandbox: the maps of its user namespaces,
// what /etc/subuid and /etc/subgid grant for them, and its capabilities.
//
// It only computes: its results are the texts and masks that the steps of a plan contain.
package idmap
