package profile

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/gobwrap/gobwrap/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// apiLevel is what libseccomp takes the kernel to be able to, instead of asking the one
// that runs: the same profile has the same filter everywhere. Level 3 (Linux 4.14) has
// SECCOMP_RET_LOG and SECCOMP_RET_KILL_PROCESS.
const apiLevel = 3

// Compile makes a filter for t of the rules that count. Of several profiles the first
// answer counts that is not to allow, as if their filters were installed one after
// another.
func Compile(t Target, profiles ...*Profile) ([]byte, error) {
	filters := make([][]byte, 0, len(profiles))
	for i, p := range profiles {
		f, err := p.compile(t)
		if err == nil && i < len(profiles)-1 {
			f, err = passOn(f)
		}
		if err != nil {
			return nil, p.about(err)
		}
		filters = append(filters, f)
	}
	code := bytes.Join(filters, nil)
	if t.Arch == "amd64" {
		code = append(guard(), code...)
	}
	return code, seccomp.Check(code)
}

// compile makes a filter of one profile.
func (p *Profile) compile(t Target) ([]byte, error) {
	m, err := machineOf(t.Arch)
	if err != nil {
		return nil, err
	}
	archs, _, err := p.doc.architectures(m)
	if err != nil {
		return nil, err
	}
	if err := libseccomp.SetAPI(apiLevel); err != nil {
		return nil, fmt.Errorf("libseccomp: %w", err)
	}
	base := action(p.doc.DefaultAction, p.doc.DefaultErrnoRet)
	f, err := libseccomp.NewFilter(base)
	if err != nil {
		return nil, fmt.Errorf("libseccomp: %w", err)
	}
	defer f.Release()
	if err := settle(f, m, archs); err != nil {
		return nil, fmt.Errorf("libseccomp: %w", err)
	}
	for i := range p.doc.Syscalls {
		r := &p.doc.Syscalls[i]
		if _, ok := t.applies(r); !ok || action(r.Action, r.ErrnoRet) == base {
			continue
		}
		if err := add(f, r); err != nil {
			return nil, fmt.Errorf("syscalls[%d]: %w", i, err)
		}
	}
	code, err := export(f)
	if err != nil {
		return nil, fmt.Errorf("libseccomp: %w", err)
	}
	return code, nil
}

// settle gives an empty filter its architectures and attributes.
func settle(f *libseccomp.ScmpFilter, m machine, archs []specs.Arch) error {
	for _, a := range archs {
		if err := f.AddArch(native(a)); err != nil {
			return fmt.Errorf("%s: %w", a, err)
		}
	}
	// libseccomp starts with the architecture that it runs on.
	here, err := libseccomp.GetNativeArch()
	if err != nil {
		return err
	}
	if here != native(m.native) {
		if err := f.RemoveArch(here); err != nil {
			return err
		}
	}
	return f.SetBadArchAction(libseccomp.ActKillProcess)
}

// add hands a rule to libseccomp, call by call.
func add(f *libseccomp.ScmpFilter, r *rule) error {
	do := action(r.Action, r.ErrnoRet)
	together, err := conditions(r)
	if err != nil {
		return err
	}
	for _, name := range r.Names {
		nr, err := libseccomp.GetSyscallFromName(name)
		if err != nil {
			continue // unknown; see Notes
		}
		if len(r.Args) == 0 {
			err = f.AddRule(nr, do)
		}
		for _, c := range together {
			if err == nil {
				err = f.AddRuleConditional(nr, do, c)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: libseccomp: %w", name, err)
		}
	}
	return nil
}

// conditions returns the rules that a rule with arguments means: one, or one for each
// condition where two are on the same argument.
func conditions(r *rule) ([][]libseccomp.ScmpCondition, error) {
	all := make([]libseccomp.ScmpCondition, 0, len(r.Args))
	for i, a := range r.Args {
		op, _ := compareOp(a.Op)
		c, err := libseccomp.MakeCondition(a.Index, op, a.Value, a.ValueTwo)
		if err != nil {
			return nil, fmt.Errorf("args[%d]: %w", i, err)
		}
		all = append(all, c)
	}
	switch {
	case len(all) == 0:
		return nil, nil
	case !r.sameArgument():
		return [][]libseccomp.ScmpCondition{all}, nil
	}
	each := make([][]libseccomp.ScmpCondition, len(all))
	for i := range all {
		each[i] = all[i : i+1]
	}
	return each, nil
}

// sameArgument reports whether two conditions are on the same argument.
func (r *rule) sameArgument() bool {
	seen := [6]bool{}
	for _, a := range r.Args {
		if seen[a.Index] {
			return true
		}
		seen[a.Index] = true
	}
	return false
}

// export takes the instructions out of libseccomp, which writes to files only.
func export(f *libseccomp.ScmpFilter) ([]byte, error) {
	fd, err := unix.MemfdCreate("filter", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	file := os.NewFile(uintptr(fd), "filter")
	defer func() { _ = file.Close() }()
	if err := f.ExportBPF(file); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}
