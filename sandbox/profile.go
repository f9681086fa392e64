package sandbox

import (
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/sandbox/internal/compiler"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
)

// compileProfiles puts BPF in the place of the profiles of s. The Cmd keeps what has been
// compiled, so that it happens once. The compiler runs with the caller's privileges and no
// others.
func (c *Cmd) compileProfiles(s *wanted, h facts) error {
	s.Lockdown.Filters = slices.Clone(s.Lockdown.Filters)
	caps := wantedCaps(s, &h).Names()
	for i := range s.Lockdown.Filters {
		f := &s.Lockdown.Filters[i]
		if f.Profile == "" || len(f.BPF) > 0 {
			continue
		}
		key := strings.Join(append([]string{f.Profile}, caps...), "\x00")
		bpf, ok := c.profiles[key]
		if !ok {
			var err error
			if bpf, err = compiler.Compile(c.Launcher, f.Profile, caps); err != nil {
				name := s.name(at("Lockdown.Filters", i))
				return &SetupError{Stage: "options", Field: name, Path: f.Profile, Err: fault.Because(name+" "+f.Profile+": "+err.Error(), err)}
			}
			if c.profiles == nil {
				c.profiles = map[string][]byte{}
			}
			c.profiles[key] = bpf
		}
		f.BPF, f.Profile = bpf, ""
	}
	return nil
}
