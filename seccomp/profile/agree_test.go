package profile

import (
	"os"
	"slices"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/seccomp/bpf"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestFiltersAgreeWithTheirRules compares each filter with a reading of its profile that
// knows neither libseccomp nor BPF: for every number of a call, at every entry point, and
// for the arguments at which rules part.
func TestFiltersAgreeWithTheirRules(t *testing.T) {
	for _, c := range []struct {
		file string
		caps []string
	}{
		{"../builtin/default.json", nil},
		{"../builtin/default.json", []string{"CAP_SYS_ADMIN", "CAP_AUDIT_WRITE", "CAP_SYS_CHROOT"}},
		{"../builtin/default.json", []string{"ALL"}},
		{"../testdata/docker.json", nil},
		{"../testdata/docker.json", []string{"CAP_SYS_ADMIN"}},
		{"../testdata/docker.json", []string{"ALL"}},
		{"../builtin/strict.json", nil},
		{"../builtin/no-tty-injection.json", nil},
		{"../builtin/no-unix-sockets.json", nil},
		{"../builtin/no-userns.json", nil},
	} {
		p := parseFile(t, c.file)
		for _, arch := range []string{"amd64", "arm64"} {
			target := Target{Arch: arch, Caps: c.caps, Kernel: Kernel{6, 1}}
			code, err := Compile(target, p)
			if err != nil {
				t.Fatal(err)
			}
			if n := compare(t, p, target, load(t, code)); n < 1000 {
				t.Errorf("%s: only %d calls", c.file, n)
			}
		}
	}
}

// compare asks both about all that matters.
func compare(t *testing.T, p *Profile, target Target, filter bpf.Program) (asked int) {
	t.Helper()
	m, err := machineOf(target.Arch)
	if err != nil {
		t.Fatal(err)
	}
	listed, _, err := p.doc.architectures(m)
	if err != nil {
		t.Fatal(err)
	}
	for a, entry := range m.entry {
		for nr := range uint32(600) {
			nr |= entry.Bit
			name := Name(entry, nr)
			for _, args := range p.doc.partings(name) {
				d := bpf.Data{NR: int32(nr), Arch: entry.Audit, Args: args}
				want := p.doc.says(target, name, args, entry)
				if !slices.Contains(listed, a) {
					want = unix.SECCOMP_RET_KILL_PROCESS
				}
				if nr >= 512 && nr < 548 && entry == bpf.X86_64 {
					want = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
				}
				asked++
				if got := filter.Run(d); got != want {
					t.Fatalf("%s for %v: %s of %s (%d), %#x: %s, want %s", p.name, target, name, entry.Name, nr, args, bpf.Answer(got), bpf.Answer(want))
				}
			}
		}
	}
	return asked
}

// partings are arguments on all sides of what the rules for a call compare with.
func (d *document) partings(name string) [][6]uint64 {
	all := [][6]uint64{{}, {1, 1, 1, 1, 1, 1}}
	for _, r := range d.Syscalls {
		if !slices.Contains(r.Names, name) {
			continue
		}
		for _, a := range r.Args {
			for _, base := range all[:min(len(all), 30)] {
				for _, v := range []uint64{a.Value, a.Value + 1, a.Value - 1, a.ValueTwo, a.ValueTwo + 1, ^a.Value, a.Value | 1<<32, a.ValueTwo | 1<<63} {
					args := base
					args[a.Index] = v
					all = append(all, args)
				}
			}
		}
	}
	return all
}

// says is what a document means for one call.
func (d *document) says(target Target, name string, args [6]uint64, entry bpf.Arch) uint32 {
	base := answer(d.DefaultAction, d.DefaultErrnoRet)
	var rules []*rule
	for i := range d.Syscalls {
		r := &d.Syscalls[i]
		if _, ok := target.applies(r); ok && slices.Contains(r.Names, name) && answer(r.Action, r.ErrnoRet) != base {
			rules = append(rules, r)
		}
	}
	for _, r := range rules {
		if len(r.Args) == 0 {
			return answer(r.Action, r.ErrnoRet)
		}
	}
	for _, r := range rules {
		if r.holds(args, entry) {
			return answer(r.Action, r.ErrnoRet)
		}
	}
	return base
}

func (r *rule) holds(args [6]uint64, entry bpf.Arch) bool {
	any, all := false, true
	for _, a := range r.Args {
		v, x, y := args[a.Index], a.Value, a.ValueTwo
		if entry == bpf.X86 || entry == bpf.ARM || entry == bpf.X32 {
			v, x, y = v&0xffffffff, x&0xffffffff, y&0xffffffff
		}
		ok := map[specs.LinuxSeccompOperator]bool{
			specs.OpEqualTo: v == x, specs.OpNotEqual: v != x, specs.OpLessThan: v < x, specs.OpLessEqual: v <= x,
			specs.OpGreaterThan: v > x, specs.OpGreaterEqual: v >= x, specs.OpMaskedEqual: v&x == y&x,
		}[a.Op]
		any, all = any || ok, all && ok
	}
	if r.sameArgument() {
		return any
	}
	return all
}

// answer is the kernel's number for an action.
func answer(a specs.LinuxSeccompAction, number *uint) uint32 {
	data := uint32(unix.EPERM)
	if number != nil {
		data = uint32(*number)
	}
	return map[specs.LinuxSeccompAction]uint32{
		specs.ActAllow: unix.SECCOMP_RET_ALLOW, specs.ActErrno: unix.SECCOMP_RET_ERRNO | data, specs.ActTrace: unix.SECCOMP_RET_TRACE | data,
		specs.ActKill: 0, specs.ActKillThread: 0, specs.ActKillProcess: unix.SECCOMP_RET_KILL_PROCESS,
		specs.ActTrap: unix.SECCOMP_RET_TRAP, specs.ActLog: unix.SECCOMP_RET_LOG,
	}[a]
}

// TestStrictIsBoth: what the launcher contains for strict, which is made
// of two profiles, agrees with both.
func TestStrictIsBoth(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		target := Target{Arch: arch}
		code, _ := seccomp.Builtin("strict", arch)
		strict := load(t, code)
		var parts []bpf.Program
		for _, file := range []string{"../builtin/no-tty-injection.json", "../builtin/strict.json"} {
			code, err := Compile(target, parseFile(t, file))
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, load(t, code))
		}
		m, _ := machineOf(arch)
		for _, entry := range m.entry {
			for nr := range uint32(600) {
				for _, request := range []uint64{0, 0x5412, 0x541c, 0x541d, 0x700005412} {
					d := bpf.Data{NR: int32(nr | entry.Bit), Arch: entry.Audit, Args: [6]uint64{0, request}}
					want := parts[0].Run(d)
					if want == unix.SECCOMP_RET_ALLOW {
						want = parts[1].Run(d)
					}
					if got := strict.Run(d); got != want {
						t.Fatalf("%s %d %#x: %s, want %s", entry.Name, nr, request, bpf.Answer(got), bpf.Answer(want))
					}
				}
			}
		}
	}
}

// TestPublishedProfiles: podman's and Docker's default profiles, as they are published,
// are taken whole; what is left out of them is listed.
func TestPublishedProfiles(t *testing.T) {
	for _, file := range []string{"../builtin/default.json", "../testdata/docker.json"} {
		info, err := os.Stat(file)
		if err != nil || info.Size() < 10000 {
			t.Fatalf("%s: %v", file, err)
		}
		p := parseFile(t, file)
		if len(p.extra) > 0 {
			t.Errorf("%s has unknown keys: %v", file, p.extra)
		}
		notes, err := p.Notes(Target{Arch: "amd64", Kernel: Kernel{6, 1}})
		if err != nil || len(notes) < 10 {
			t.Errorf("%s: %v, %v", file, notes, err)
		}
	}
}
