package plan

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Dump lists the program, a step a line with the option that asked for it:
//
//	7  bind       src=3 dst="/usr" add=ro,nosuid,nodev parents=0700   ; --ro-bind /usr /usr
//
// settings returns the text of an OpSet, whose kinds this package does not know. For nil, and where it returns
// "", the numbers are listed.
func (p *Program) Dump(settings func(kind uint32, values []uint64) string) string {
	var out strings.Builder
	h := p.Header()
	fmt.Fprintf(&out, "namespaces %s\n", Namespaces(h.Clone))
	if f := words(h.Flags, headerFlagNames); f != "" {
		fmt.Fprintf(&out, "flags      %s\n", f)
	}
	for i := range h.Steps {
		line := p.line(i, settings)
		if o := p.Origins[i]; len(o.Words) > 0 {
			line = fmt.Sprintf("%-60s ; %s", line, quoteAll(o.Words))
		}
		fmt.Fprintf(&out, "%s%3d  %s\n", p.phase(h, i), i, line)
	}
	fmt.Fprintf(&out, "argv       %s\n", quoteAll(p.strings(h.Argv, h.Argc)))
	fmt.Fprintf(&out, "tries      %s\n", quoteAll(p.strings(h.Paths, h.Pathc)))
	fmt.Fprintf(&out, "env        %d entries\n", h.Envc)
	// 1 is the default, as with bwrap.
	if h.Failed != 1 {
		fmt.Fprintf(&out, "fails with %d\n", h.Failed)
	}
	if h.Closec > 0 {
		fmt.Fprintf(&out, "closes     %v\n", p.slots(h.Close, h.Closec))
	}
	if h.Syncc > 0 {
		fmt.Fprintf(&out, "keeps      %v\n", p.slots(h.Sync, h.Syncc))
	}
	return out.String()
}

// phase returns a heading in front of the first step of each process.
func (p *Program) phase(h Header, i uint32) string {
	switch {
	// Only plans that enter a namespace before the clone have such steps (FlagJoin).
	case i == 0 && h.Join > 0:
		return "join:\n"
	case i == h.Join:
		return "set-up:\n"
	case i == h.Setup:
		return "payload:\n"
	}
	return ""
}

func (p *Program) line(i uint32, settings func(kind uint32, values []uint64) string) string {
	s := p.Step(i)
	info := &ops[s.Op]
	parts := []string{fmt.Sprintf("%-10s", info.name)}
	if s.Op == OpSet && settings != nil {
		if text := settings(s.A, p.numbers(s.B, s.C)); text != "" {
			return parts[0] + " " + text
		}
	}
	// By index, as the rows of the table name operands.
	operands := [7]uint32{s.A, s.B, s.C, s.D, s.E, s.F, s.G}
	for k, kind := range info.operands {
		if text := p.operand(s, kind, k, operands); text != "" {
			parts = append(parts, info.labels[k]+"="+text)
		}
	}
	for _, f := range stepFlagNames {
		if s.Flags&uint16(f.bit) != 0 {
			parts = append(parts, f.name)
		}
	}
	return strings.TrimRight(strings.Join(parts, " "), " ")
}

func (p *Program) operand(s Step, k kind, at int, operands [7]uint32) string {
	v := operands[at]
	switch k {
	case str, path, host, label:
		// Offset 0 is the empty string, which stands for none.
		if v == 0 {
			return ""
		}
		return strconv.Quote(p.Str(v))
	case fd:
		// B means something only where there is no path.
		if s.Op == OpSource && s.A != 0 {
			return ""
		}
		return strconv.Itoa(int(v))
	case ident:
		// SameID is left out: nothing changes.
		if v != SameID {
			return strconv.FormatUint(uint64(v), 10)
		}
	case num:
		return strconv.Itoa(int(v))
	case source, overlay:
		return strconv.Itoa(int(v))
	case maybeSource:
		if v != 0 {
			return strconv.Itoa(int(v))
		}
	// With a leading 0, as chmod(1) and the options have modes.
	case octal:
		return "0" + strconv.FormatUint(uint64(v), 8)
	case msflags:
		return MountFlags(v)
	case nsflags:
		return Namespaces(v)
	case mask:
		// Printed with the low half in front of it.
		if at%2 == 1 {
			return ""
		}
		return fmt.Sprintf("%#x", uint64(v)|uint64(operands[at+1])<<32)
	// A plus sign, since it is an offset into the arena and not a descriptor.
	case filter:
		return "+" + strconv.Itoa(int(v))
	case mountKind:
		return MountKinds[v]
	case scopes:
		return joinScopes(v)
	case labelKind:
		return [numLabels]string{"exec", "files"}[v]
	case values:
		return fmt.Sprint(p.numbers(v, operands[at+1]))
	// 0 is the kernel's default, and is left out.
	case size:
		if n := uint64(v) | uint64(operands[at+1])<<32; n != 0 {
			return strconv.FormatUint(n, 10)
		}
	}
	return ""
}

// joinScopes lists scopes by the names of --scope.
func joinScopes(bits uint32) string {
	var names []string
	// In the order of the bits.
	for i, name := range [numScopes]string{"abstract-sockets", "signals", "sockets"} {
		if bits>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// numbers returns n numbers of the arena, as far as they lie in it.
func (p *Program) numbers(off, n uint32) (out []uint64) {
	h := p.Header()
	for ; n > 0 && off < h.ArenaLen && h.ArenaLen-off >= 8; n-- {
		out = append(out, binary.NativeEndian.Uint64(p.Bytes[h.Arena+off:]))
		off += 8
	}
	return out
}

func (p *Program) strings(first, n uint32) []string {
	out := make([]string, 0, n)
	for _, off := range p.slots(first, n) {
		out = append(out, p.Str(uint32(off)))
	}
	return out
}

// MountKinds are the file system types of OpMount.
//
//nolint:gochecknoglobals // read-only table
var MountKinds = [numMounts]string{"tmpfs", "devpts", "mqueue"}

// quoteAll joins words, quoting those that a shell would not take as they are.
func quoteAll(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n\"'\\$&|;<>()*?[]#~`") {
			out[i] = strconv.Quote(w)
		}
	}
	return strings.Join(out, " ")
}
