package plan

import (
	"strconv"
	"strings"
)

// Sentence says what a step of the program tried, for the message of a fault. It is "" for an
// operation whose row has no sentence.
func (p *Program) Sentence(s Step) string {
	info := &ops[s.Op]
	values := [7]uint32{s.A, s.B, s.C, s.D, s.E, s.F, s.G}
	var out strings.Builder
	for rest := info.fault; ; {
		before, after, found := strings.Cut(rest, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		at := int(after[0] - 'A')
		out.WriteString(p.spoken(info.operands[at], values[at]))
		rest = after[len("A}"):]
	}
}

// spoken returns an operand as a sentence has it.
func (p *Program) spoken(k kind, v uint32) string {
	switch k {
	case source:
		if from := p.Step(v); from.A == 0 {
			return "fd " + strconv.Itoa(int(from.B))
		}
		return p.Str(p.Step(v).A)
	case mountKind:
		return MountKinds[v]
	case labelKind:
		return [numLabels]string{"the command", "files"}[v]
	case octal:
		return "0" + strconv.FormatUint(uint64(v), 8)
	case str, path, host, label:
		return p.Str(v)
	}
	return strconv.FormatUint(uint64(v), 10)
}
