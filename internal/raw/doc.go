// Package raw makes system calls where there is no Go runtime: in the launcher, and in every
// process of a sandbox before its exec. It is used with a runtime too, by tests.
//
// A call returns what the kernel returned; [Errno] takes a failure out of it. Strings are C
// strings: an address, and a NUL at the end. Nothing here allocates, stores a pointer, or
// keeps anything from one call to the next.
//
// A raw result that is a failure is higher than every other one, and the errno of a success is 0. So max
// combines raw results as well as errnos: it is a failure if one of them is. Several callers use
// it for this, where it does not matter which failure is reported.
//
// The laws of such code are in the documentation of package child.
package raw
