package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// MaxSize bounds a profile, in bytes. Those that engines bring have some 20,000.
const MaxSize = 1 << 20

// Profile is a profile in which nothing is wrong, whatever it is compiled for.
type Profile struct {
	name  string
	doc   document
	extra []string // keys that no engine knows
}

// Parse reads a profile. It refuses what every engine refuses: unknown actions, operators and
// architectures, and impossible arguments and error numbers. Like engines, it ignores unknown keys;
// see [Profile.Notes]. Error messages begin with name, which may be empty.
func Parse(name string, text []byte) (*Profile, error) {
	p := Profile{name: name}
	if err := p.doc.read(text); err != nil {
		return nil, p.about(err)
	}
	p.extra = unknownKeys(text)
	return &p, nil
}

// about adds the profile's name to an error.
func (p *Profile) about(err error) error {
	if p.name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", p.name, err)
}

func (d *document) read(text []byte) error {
	if len(text) > MaxSize {
		return fmt.Errorf("the profile is larger than %d bytes", MaxSize)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("the profile is empty")
	}
	j := json.NewDecoder(bytes.NewReader(text))
	if err := j.Decode(d); err != nil {
		return worded(text, err)
	}
	if _, err := j.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%sthere is more after the profile", line(text, j.InputOffset()))
	}
	return d.settle()
}

// worded says where a text is not a profile.
func worded(text []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the profile is cut off")
	case errors.As(err, &syntax):
		return fmt.Errorf("%snot JSON: %w", line(text, syntax.Offset), err)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("the profile is not a JSON object, but: %s", kind.Value)
	case errors.As(err, &kind):
		field := fieldOf(kind.Field)
		return fmt.Errorf("%s%s: %s, where a %s is wanted", line(text, kind.Offset), field, kind.Value, wanted(kind.Type.Kind().String()))
	}
	return err
}

// fieldOf returns the name of a field of the profile. Embedded types are Go's affair, and
// where in a list it is only releases since 1.27 say.
func fieldOf(name string) string {
	parts := slices.DeleteFunc(strings.Split(name, "."), func(part string) bool {
		_, err := strconv.Atoi(part)
		return err == nil || part == "LinuxSeccomp" || part == "LinuxSyscall"
	})
	return strings.Join(parts, ".")
}

// wanted is the JSON name of a Go kind.
func wanted(kind string) string {
	switch kind {
	case "uint", "uint64":
		return "number from 0 to 2^64-1"
	case "slice":
		return "list"
	case "struct":
		return "object"
	}
	return kind
}

func line(text []byte, offset int64) string {
	return fmt.Sprintf("line %d: ", 1+bytes.Count(text[:min(int(offset), len(text))], []byte{'\n'}))
}

// settle checks a document, and brings what can be written in two ways into one.
func (d *document) settle() error {
	if d.DefaultAction == "" {
		return errors.New("defaultAction is missing")
	}
	var err error
	if d.DefaultErrnoRet, err = errno(d.DefaultErrno, d.DefaultErrnoRet); err != nil {
		return fmt.Errorf("defaultErrno: %w", err)
	}
	if err := checkAction(d.DefaultAction, d.DefaultErrnoRet); err != nil {
		return fmt.Errorf("defaultAction: %w", err)
	}
	if len(d.Architectures) > 0 && len(d.ArchMap) > 0 {
		return errors.New("architectures and archMap cannot be combined")
	}
	all := slices.Clone(d.Architectures)
	for _, a := range d.ArchMap {
		all = append(append(all, a.Arch), a.Subs...)
	}
	for _, a := range all {
		if !strings.HasPrefix(string(a), "SCMP_ARCH_") || !knownArch(a) {
			return fmt.Errorf("unknown architecture %q", a)
		}
	}
	for i := range d.Syscalls {
		if err := d.Syscalls[i].settle(); err != nil {
			return fmt.Errorf("syscalls[%d]: %w", i, err)
		}
	}
	return nil
}

func (r *rule) settle() error {
	switch {
	case r.Name != "" && len(r.Names) > 0:
		return errors.New("name and names cannot be combined")
	case r.Name != "":
		r.Names = []string{r.Name}
	case len(r.Names) == 0 || slices.Contains(r.Names, ""):
		return errors.New("a call without a name")
	}
	var err error
	if r.ErrnoRet, err = errno(r.Errno, r.ErrnoRet); err != nil {
		return fmt.Errorf("errno: %w", err)
	}
	if r.Action == "" {
		return errors.New("action is missing")
	}
	if err := checkAction(r.Action, r.ErrnoRet); err != nil {
		return fmt.Errorf("action: %w", err)
	}
	for i, a := range r.Args {
		if a.Index > 5 {
			return fmt.Errorf("args[%d]: index %d: a call has the arguments 0 to 5", i, a.Index)
		}
		if _, ok := compareOp(a.Op); !ok {
			return fmt.Errorf("args[%d]: unknown operator %q", i, a.Op)
		}
	}
	return nil
}

// errno returns the error number of a rule: podman's name for it, or the specification's number. If both
// are given, the name counts, as in podman.
func errno(name string, number *uint) (*uint, error) {
	if name == "" {
		return number, nil
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		number := uint(n)
		return &number, nil
	}
	for n := range uint(256) {
		if unix.ErrnoName(unix.Errno(n)) == name {
			return &n, nil
		}
	}
	return nil, fmt.Errorf("unknown name %q", name)
}

// maxErrno is the largest error number that libseccomp takes, one less than the kernel's
// (MAX_ERRNO, linux/err.h).
const maxErrno = 4094

// checkAction checks an action and the number that goes with it. With an action that
// has none, a number is an error: "the runtime MUST print and error and fail".
func checkAction(a specs.LinuxSeccompAction, number *uint) error {
	limit := uint(0)
	switch a {
	case specs.ActErrno:
		limit = maxErrno
	case specs.ActTrace:
		limit = 1<<16 - 1
	case specs.ActNotify:
		return errors.New("SCMP_ACT_NOTIFY is not supported: it asks a process outside, and there is none")
	case specs.ActKill, specs.ActKillProcess, specs.ActKillThread, specs.ActTrap, specs.ActAllow, specs.ActLog:
		if number != nil {
			return fmt.Errorf("%s does not take errnoRet", a)
		}
	default:
		return fmt.Errorf("unknown action %q", a)
	}
	if number != nil && *number > limit {
		return fmt.Errorf("errnoRet %d: at most %d", *number, limit)
	}
	return nil
}
