package idmap

import (
	"cmp"
	"slices"
	"strings"
)

// SubIDs reads the text of /etc/subuid or /etc/subgid (subuid(5)): the ranges that are granted
// to a user, in their order, as Range.Outside and Range.Count. A line names its user by login
// name or by number; names are all that fit. Malformed lines are skipped, as newuidmap(1)
// does.
func SubIDs(text string, names ...string) []Range {
	var out []Range
	for line := range strings.Lines(text) {
		who, r, ok := subLine(line)
		if ok && slices.Contains(names, who) && !slices.Contains(out, r) { // by name and by number, for instance
			out = append(out, r)
		}
	}
	return out
}

// subLine reads one line, NAME:FIRST:COUNT.
func subLine(line string) (who string, r Range, ok bool) {
	fields := strings.Split(strings.TrimSpace(line), ":")
	if len(fields) != 3 || fields[0] == "" || strings.HasPrefix(fields[0], "#") {
		return "", Range{}, false
	}
	first, ok1 := number(fields[1])
	count, ok2 := number(fields[2])
	return fields[0], Range{Outside: first, Count: count}, ok1 && ok2 && count > 0 && ends(first, count) <= none
}

// Missing returns the first range of m that grants do not contain. The caller's own id needs no grant
// (newuidmap(1)). Adjacent grants count as one.
func (m Map) Missing(own uint32, grants []Range) (Range, bool) {
	sorted := slices.Clone(grants)
	slices.SortFunc(sorted, func(a, b Range) int { return cmp.Compare(a.Outside, b.Outside) })
	for _, r := range m {
		if (r.Outside != own || r.Count != 1) && !granted(r, sorted) {
			return r, true
		}
	}
	return Range{}, false
}

func granted(r Range, sorted []Range) bool {
	need := uint64(r.Outside)
	for _, g := range sorted {
		if uint64(g.Outside) <= need {
			need = max(need, ends(g.Outside, g.Count))
		}
	}
	return need >= ends(r.Outside, r.Count)
}

// firstSub is where useradd(8) begins to grant ids (SUB_UID_MIN, login.defs(5)), and
// blockSub how many it grants.
const (
	firstSub = 100_000
	blockSub = 65_536
)

// FreeRange returns the first range that the text of /etc/subuid or /etc/subgid does not grant
// yet, or the last range of all if every one is granted.
func FreeRange(text string) Range {
	var taken []Range
	for line := range strings.Lines(text) {
		if _, r, ok := subLine(line); ok {
			taken = append(taken, r)
		}
	}
	slices.SortFunc(taken, func(a, b Range) int { return cmp.Compare(a.Outside, b.Outside) })
	first := uint64(firstSub)
	for _, r := range taken {
		if uint64(r.Outside) >= first+blockSub {
			break
		}
		first = max(first, ends(r.Outside, r.Count))
	}
	return Range{Outside: uint32(min(first, none-blockSub)), Count: blockSub}
}

// KnowsUser reports whether the text of /etc/passwd has a login name.
func KnowsUser(passwd, name string) bool {
	return strings.HasPrefix(passwd, name+":") || strings.Contains(passwd, "\n"+name+":")
}

// UserName returns the login name of a user in the text of /etc/passwd (passwd(5)); "" if
// there is none.
func UserName(passwd string, uid uint32) string {
	for line := range strings.Lines(passwd) {
		if fields := strings.Split(line, ":"); len(fields) > 3 && fields[2] == dec(uid) {
			return fields[0]
		}
	}
	return ""
}
