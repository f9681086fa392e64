// Package profiles joins package sandbox and package seccomp/profile, which contains C: a
// program that links the latter compiles profiles by itself, and others need
// gobwrap-seccomp for it.
package profiles

// Compile makes a filter for this machine from the text of a profile. Error messages begin with name. It
// is nil in programs without package seccomp/profile.
//
//nolint:gochecknoglobals // set before main
var Compile func(name string, text []byte, caps []string) ([]byte, error)
