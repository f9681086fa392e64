package profile

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// document is a profile as it is written. Its fields shadow those of the specification
// that Docker extended.
type document struct {
	specs.LinuxSeccomp

	ArchMap      []archs `json:"archMap"`
	Syscalls     []rule  `json:"syscalls"`
	DefaultErrno string  `json:"defaultErrno"`
}

// archs is an architecture, with those whose calls its kernel takes as well.
type archs struct {
	Arch specs.Arch   `json:"architecture"`
	Subs []specs.Arch `json:"subArchitectures"`
}

// rule says what happens to some calls, under conditions on their arguments, and
// whether it counts at all.
type rule struct {
	specs.LinuxSyscall

	Name     string    `json:"name"` // Docker, before it had names
	Errno    string    `json:"errno"`
	Comment  string    `json:"comment"`
	Includes condition `json:"includes"`
	Excludes condition `json:"excludes"`
}

// condition is about the target. An empty one says nothing.
type condition struct {
	Caps      []string `json:"caps"`
	Arches    []string `json:"arches"` // GOARCH's names
	MinKernel *Kernel  `json:"minKernel"`
}

// Kernel is a version of Linux, as far as profiles look.
type Kernel struct{ Major, Minor int }

// ParseKernel reads what uname(2) calls a release, or the first two numbers of it.
func ParseKernel(release string) (Kernel, error) {
	major, rest, _ := strings.Cut(release, ".")
	minor := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	x, err := strconv.ParseUint(major, 10, 15)
	y, err2 := strconv.ParseUint(minor, 10, 15)
	if err != nil || err2 != nil {
		return Kernel{}, fmt.Errorf("%q is not a kernel version", release)
	}
	return Kernel{int(x), int(y)}, nil
}

// AtLeast reports whether k is no older than o.
func (k Kernel) AtLeast(o Kernel) bool {
	return k.Major > o.Major || k.Major == o.Major && k.Minor >= o.Minor
}

// UnmarshalJSON reads "4.8".
func (k *Kernel) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("minKernel: %s is not a string such as \"4.8\"", text)
	}
	if s == "" { // as Docker has it: any
		return nil
	}
	v, err := ParseKernel(s)
	if err == nil && strconv.Itoa(v.Major)+"."+strconv.Itoa(v.Minor) != s {
		err = fmt.Errorf("%q is more than two numbers", s)
	}
	if err != nil {
		return fmt.Errorf("minKernel: %w", err)
	}
	*k = v
	return nil
}
