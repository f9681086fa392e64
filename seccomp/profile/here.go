package profile

import (
	"fmt"
	"runtime"

	"github.com/gobwrap/gobwrap/internal/profiles"
	"golang.org/x/sys/unix"
)

// A program that contains this package compiles the profiles of package sandbox by itself.
func init() {
	profiles.Compile = func(name string, text []byte, caps []string) ([]byte, error) {
		t, err := Here(caps...)
		if err != nil {
			return nil, err
		}
		p, err := Parse(name, text)
		if err != nil {
			return nil, err
		}
		return Compile(t, p)
	}
}

// Here returns a Target of this machine, for a command with these capabilities ("CAP_KILL").
func Here(caps ...string) (Target, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return Target{}, fmt.Errorf("uname: %w", err)
	}
	kernel, err := ParseKernel(unix.ByteSliceToString(name.Release[:]))
	return Target{Arch: runtime.GOARCH, Caps: caps, Kernel: kernel}, err
}
