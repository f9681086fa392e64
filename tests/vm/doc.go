// Package vm runs the launcher on Debian's kernels, in the machines of tests/lib/vm. The
// tests have the build tag vm.
package vm
