//go:build !nosetuid

package suid

// Built reports whether the setuid mode is in this binary: see the build tag nosetuid.
const Built = true
