//go:build !race && !msan && !asan

package child

// No runtime. See doc.go for the laws of this file.
// Runs in: no process; it is a constant.

// Instrumented reports whether the compiler has put calls of a detector's into all code,
// which cannot run without the runtime: such a host must not start itself.
const Instrumented = false
