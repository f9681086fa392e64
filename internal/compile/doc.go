// Package compile turns what is wanted (package flat) on this machine ([Facts]) into a
// plan. All decisions that can be taken before the fork are taken here.
//
// It is pure: the same input and the same facts make the same bytes. It needs no Go
// runtime: it works on buffers that the caller hands in, allocates nothing, stores no
// pointer, and makes no system call.
//
//	flat.Spec, items, text ──Run(Facts)──▶ steps, slots, arena ──Layout──▶ plan
package compile
