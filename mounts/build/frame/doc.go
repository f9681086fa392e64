// Package frame makes what surrounds the new root until the old one is left: a tmpfs that the payload
// never sees, with the old root set aside and an empty directory for the new one (package build has
// the picture). It also keeps the files of set-up's own that lie there, and knows mounts by their
// ids.
//
// It makes the first mounts of a launch and the last. In setuid mode it asks the broker for both
// (package suid/broker), and for a request of any kind ([Frame.Ask]).
//
// A [Frame] is the innermost part of a root in the making: packages resolve and engine add theirs
// around it by embedding, so that all of what a process writes lies in one place.
//
// The laws of this code are in the documentation of package child.
package frame
