// Package flat is a sandbox's description without pointers: what a command line or a
// sandbox.Spec asks for, in the form that the compiler reads.
//
// A [Spec] holds what can be said once; everything that is said in an order, or more than
// once, is an [Item] in a list that keeps the order. All strings lie in one [Text]; a
// [Word] is the place of one.
//
// The package's functions need no Go runtime: they allocate nothing, store no pointer and
// call nothing but each other, so that a launcher can use them before, and instead of, the
// runtime's start. See package sandbox/child for the rules of such code.
package flat
