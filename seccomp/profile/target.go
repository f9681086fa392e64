package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwrap/gobwrap/seccomp/bpf"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Target is what conditions are about.
type Target struct {
	Arch   string   // GOARCH's name of the machine: amd64 or arm64
	Caps   []string // the command's capabilities, "CAP_…"; "ALL" for all
	Kernel Kernel
}

// machine is what there is to know about a kind of kernel.
type machine struct {
	native specs.Arch
	others []specs.Arch // whose calls it may take too
	entry  map[specs.Arch]bpf.Arch
}

func machineOf(goarch string) (machine, error) {
	switch goarch {
	case "amd64":
		return machine{
			specs.ArchX86_64,
			[]specs.Arch{specs.ArchX86, specs.ArchX32},
			map[specs.Arch]bpf.Arch{specs.ArchX86_64: bpf.X86_64, specs.ArchX86: bpf.X86, specs.ArchX32: bpf.X32},
		}, nil
	case "arm64":
		return machine{
			specs.ArchAARCH64,
			[]specs.Arch{specs.ArchARM},
			map[specs.Arch]bpf.Arch{specs.ArchAARCH64: bpf.AArch64, specs.ArchARM: bpf.ARM},
		}, nil
	}
	return machine{}, fmt.Errorf("no filters are made for %q (want amd64 or arm64)", goarch)
}

// archNative is podman's name for the target's own architecture.
const archNative specs.Arch = "SCMP_ARCH_NATIVE"

// architectures returns those that the filter covers: the target's own and the others that the profile
// lists. foreign are listed architectures that the target's kernel does not have.
func (d *document) architectures(m machine) (all, foreign []specs.Arch, err error) {
	listed := d.Architectures
	for _, a := range d.ArchMap {
		if a.Arch == m.native {
			listed = a.Subs
		}
	}
	all = []specs.Arch{m.native}
	for _, a := range listed {
		switch {
		case a == archNative || slices.Contains(all, a):
		case slices.Contains(m.others, a):
			all = append(all, a)
		default:
			foreign = append(foreign, a)
		}
	}
	if len(foreign) > 0 && len(foreign) == len(d.Architectures) {
		return nil, nil, fmt.Errorf("the profile is for other architectures than %s: %v", m.native, foreign)
	}
	return all, foreign, nil
}

// applies reports whether a rule counts for the target; if not, why.
func (t Target) applies(r *rule) (why string, ok bool) {
	if x := r.Excludes; slices.Contains(x.Arches, t.Arch) {
		return "excluded on " + t.Arch, false
	} else if i := slices.IndexFunc(x.Caps, t.has); i >= 0 {
		return "excluded with " + x.Caps[i], false
	} else if x.MinKernel != nil && t.Kernel.AtLeast(*x.MinKernel) {
		return fmt.Sprintf("excluded from Linux %d.%d on", x.MinKernel.Major, x.MinKernel.Minor), false
	}
	n := r.Includes
	if len(n.Arches) > 0 && !slices.Contains(n.Arches, t.Arch) {
		return "only on " + strings.Join(n.Arches, ", "), false
	}
	for _, c := range n.Caps {
		if !t.has(c) {
			return "only with " + c, false
		}
	}
	if n.MinKernel != nil && !t.Kernel.AtLeast(*n.MinKernel) {
		return fmt.Sprintf("only from Linux %d.%d on", n.MinKernel.Major, n.MinKernel.Minor), false
	}
	return "", true
}

func (t Target) has(capability string) bool {
	return slices.Contains(t.Caps, capability) || slices.Contains(t.Caps, "ALL")
}
