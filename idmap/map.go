package idmap

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// MaxRanges is how many lines the kernel takes in one map (user_namespaces(7)): 340
// since Linux 4.15, 5 before.
const MaxRanges = 340

// MaxText is how long the text of a map may be, in bytes: the kernel takes it in one
// write of less than a page, and a page has 4096 bytes or more.
const MaxText = 4095

// none is (uid_t)-1, which is not an id.
const none = 1<<32 - 1

// Range is one line of a uid_map or gid_map: Count ids from Inside on are those from
// Outside on. Ids are unsigned: directory services hand out those above 2³¹. The zero
// value is not a valid range.
type Range struct {
	Inside, Outside, Count uint32
}

// Map is a whole uid_map or gid_map. The nil Map maps nothing.
type Map []Range

// Single maps one id.
func Single(inside, outside uint32) Map { return Map{{inside, outside, 1}} }

// ParseRange reads INSIDE:OUTSIDE:COUNT. Its errors say what a range looks like.
func ParseRange(s string) (Range, error) {
	fields := strings.Split(s, ":")
	if len(fields) != 3 {
		return Range{}, errors.New(s + ` is not INSIDE:OUTSIDE:COUNT, as in "0:100000:65536"`)
	}
	var r Range
	for i, to := range []*uint32{&r.Inside, &r.Outside, &r.Count} {
		n, ok := number(fields[i])
		if !ok {
			return Range{}, errors.New(s + ": " + strconv.Quote(fields[i]) + " is not a number from 0 to 4294967295")
		}
		*to = n
	}
	return r, r.check()
}

// number reads a decimal number of 32 bits, without a sign.
func number(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && s[0] != '+'
}

func (r Range) check() error {
	switch {
	case r.Count == 0:
		return errors.New(r.String() + " maps no id")
	case ends(r.Inside, r.Count) > none || ends(r.Outside, r.Count) > none:
		return errors.New(r.String() + " goes beyond the highest id, 4294967294")
	}
	return nil
}

// ends returns the first number after a range.
func ends(first, count uint32) uint64 { return uint64(first) + uint64(count) }

// String returns the range as ParseRange takes it.
func (r Range) String() string {
	return dec(r.Inside) + ":" + dec(r.Outside) + ":" + dec(r.Count)
}

func dec(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// within reports whether an id lies in a range of count from first on.
func within(id, first, count uint32) bool {
	return id >= first && uint64(id) < ends(first, count)
}

// Has reports whether an id exists inside.
func (m Map) Has(inside uint32) bool {
	_, ok := m.Outside(inside)
	return ok
}

// Outside returns the id outside that an id inside stands for.
func (m Map) Outside(inside uint32) (uint32, bool) {
	for _, r := range m {
		if within(inside, r.Inside, r.Count) {
			return r.Outside + (inside - r.Inside), true
		}
	}
	return 0, false
}

// Inside returns the id inside that stands for an id outside.
func (m Map) Inside(outside uint32) (uint32, bool) {
	for _, r := range m {
		if within(outside, r.Outside, r.Count) {
			return r.Inside + (outside - r.Outside), true
		}
	}
	return 0, false
}

// Text returns what is written to uid_map or gid_map.
func (m Map) Text() string {
	var out strings.Builder
	for _, r := range m {
		out.WriteString(dec(r.Inside) + " " + dec(r.Outside) + " " + dec(r.Count) + "\n")
	}
	return out.String()
}

// Args returns the numbers of the map as newuidmap(1) and newgidmap(1) take them.
func (m Map) Args() []string {
	var out []string
	for _, r := range m {
		out = append(out, dec(r.Inside), dec(r.Outside), dec(r.Count))
	}
	return out
}

// Identity maps the ids that m has inside to themselves: what a user namespace below
// that of m is given so that nothing changes. The kernel wants each of its ranges within
// one of the upper map, so it has the same lines.
func (m Map) Identity() Map {
	out := make(Map, len(m))
	for i, r := range m {
		out[i] = Range{r.Inside, r.Inside, r.Count}
	}
	return out
}

// Check returns why the kernel would refuse the map: the kernel itself says only EINVAL.
func (m Map) Check() error {
	for i, r := range m {
		if err := r.check(); err != nil {
			return err
		}
		for _, other := range m[:i] {
			switch {
			case overlap(r.Inside, r.Count, other.Inside, other.Count):
				return errors.New(other.String() + " and " + r.String() + " overlap inside: an id would have two meanings")
			case overlap(r.Outside, r.Count, other.Outside, other.Count):
				return errors.New(other.String() + " and " + r.String() + " overlap outside: an id would appear twice")
			}
		}
	}
	switch {
	case len(m) > MaxRanges:
		return errors.New(strconv.Itoa(len(m)) + " ranges are more than the kernel takes in one map, " + strconv.Itoa(MaxRanges))
	case len(m.Text()) > MaxText:
		return errors.New("the " + strconv.Itoa(len(m)) + " ranges make a map of " + strconv.Itoa(len(m.Text())) +
			" bytes, and the kernel takes it in one write of less than a page, " + strconv.Itoa(MaxText))
	}
	return nil
}

func overlap(a, na, b, nb uint32) bool {
	return uint64(a) < ends(b, nb) && uint64(b) < ends(a, na)
}

// Auto maps the ids of sub, which /etc/subuid or /etc/subgid grants: the k-th granted id is k
// in the sandbox, and the caller's own id is inside. There is one exception: if the caller is
// not 0, the granted id whose number the caller takes is 0 (or, if the caller takes none of
// their numbers, the last granted id is 0). So id 0 is always mapped if anything is granted.
func Auto(own, inside uint32, sub []Range) Map {
	m := Map{{inside, own, 1}}
	at := uint64(1)
	zero, have := uint32(0), inside == 0
	for _, r := range sub {
		count := uint32(min(uint64(r.Count), none-min(at, none)))
		if count == 0 {
			continue
		}
		first := uint32(at)
		at += uint64(count)
		if !within(inside, first, count) {
			m = append(m, Range{first, r.Outside, count})
			continue
		}
		before := inside - first
		zero, have = r.Outside+before, true
		m = appendSome(m, Range{first, r.Outside, before})
		m = appendSome(m, Range{inside + 1, zero + 1, count - before - 1})
	}
	switch last := len(m) - 1; {
	case inside == 0:
	case have:
		m = append(m, Range{0, zero, 1})
	case last > 0:
		r := m[last]
		m = append(appendSome(m[:last], Range{r.Inside, r.Outside, r.Count - 1}), Range{0, r.Outside + r.Count - 1, 1})
	}
	slices.SortFunc(m, func(a, b Range) int { return cmp.Compare(a.Inside, b.Inside) })
	return m
}

func appendSome(m Map, r Range) Map {
	if r.Count == 0 {
		return m
	}
	return append(m, r)
}
