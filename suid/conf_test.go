package suid_test

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/fence"
)

// readConf is ReadConf of a text and the newline behind it, for a caller with some groups. Both lie behind
// fences.
func readConf(t testing.TB, text string, groups ...uint32) (c suid.Conf, line uint32) {
	t.Helper()
	var ids []byte
	for _, g := range groups {
		ids = binary.NativeEndian.AppendUint32(ids, g)
	}
	var said []suid.Conf
	fence.Around(t, []byte(text+"\n"), func(text []byte) {
		fence.Around(t, ids, func(ids []byte) {
			c = suid.Conf{}
			line = suid.ReadConf(start(text), uintptr(len(text)), start(ids), uintptr(len(ids)/4), &c)
			said = append(said, c)
		})
	})
	for _, other := range said {
		if other != c {
			t.Fatalf("%q is %+v in one place and %+v in another", text, c, other)
		}
	}
	return c, line
}

func start(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// refusing is a Conf that refuses options.
func refusing(t testing.TB, options ...string) suid.Conf {
	t.Helper()
	c := suid.Conf{}
	for _, o := range options {
		c.Refused |= 1 << feature(t, o)
		c.Deny |= denied[o]
	}
	return c
}

// TestConf: what the file can say, to a caller in the groups 0, 100, 1001 and 2³²-2.
func TestConf(t *testing.T) {
	off, other, member := suid.Conf{Deny: suid.DenyAll}, suid.Conf{Deny: suid.DenyOthers}, suid.Conf{Member: true}
	none := suid.Conf{}
	for _, c := range []struct {
		text string
		want suid.Conf
	}{
		{"", none},
		{"\n", none},
		{"\n\n \n\t\n", none},
		{"# a comment", none},
		{"#off", none},
		{" \t# off\n", none},
		{"# with NUL \x00, CR \r and more \xff\n", none},
		{"#", none},

		{"off", off},
		{"off\n", off},
		{"\toff ", off},
		{"off # because", off},
		{"off\t#", off},
		{"off #\x00\r", off},
		{"off\noff\n", off},
		{"\n\n\noff", off},

		{"groups 5", other},
		{"groups 100", member},
		{"groups 5 100", member},
		{"groups\t5\t 100\t", member},
		{"groups 5\ngroups 1001", member},
		{"groups 1001\ngroups 5", member},
		{"groups 5\ngroups 6", other},
		{"groups 5\ngroups 1001\ngroups 6", member},
		{"groups 5\noff\ngroups 100", suid.Conf{Member: true, Deny: suid.DenyAll}},
		{"off\ngroups 5", suid.Conf{Deny: suid.DenyAll | suid.DenyOthers}},
		{"groups 5\noff", suid.Conf{Deny: suid.DenyAll | suid.DenyOthers}},
		{"groups 5\nrefuse --proc\ngroups 100", suid.Conf{Member: true, Refused: refusing(t, "--proc").Refused, Deny: suid.DenyProc}},
		{"groups 1001 1001", member},
		{"groups 0", member},
		{"groups 00", member},
		{"groups 0000000000000000000000000000100", member},
		{"groups 1", other},
		{"groups 10", other},
		{"groups 1000", other},
		{"groups 4294967294", member}, // the last one that there is
		{"groups 4294967293", other},
		{"groups 5 # 100", other},
		{"groups 5 #100", other},

		{"refuse --bind", refusing(t, "--bind")},
		{"refuse --bind --bind", refusing(t, "--bind")},
		{"refuse --bind\nrefuse --proc", refusing(t, "--bind", "--proc")},
		{"  refuse\t--unshare-user  --seccomp  # both\n", refusing(t, "--unshare-user", "--seccomp")},
		{"refuse " + strings.Join(suid.Features(), " "), refusing(t, suid.Features()...)},
		{"refuse " + strings.Join(suid.Features(), "\nrefuse ") + "\n", refusing(t, suid.Features()...)},

		{"groups 100\nrefuse --dev\noff", func() suid.Conf {
			c := refusing(t, "--dev")
			c.Member, c.Deny = true, c.Deny|suid.DenyAll
			return c
		}()},
		{strings.Repeat("# padding\n", suid.MaxConf/10) + "off", off},
	} {
		got, line := readConf(t, c.text, 0, 100, 1001, 1<<32-2)
		if line != 0 || got != c.want {
			t.Errorf("%.60q: %+v, line %d; want %+v", c.text, got, line, c.want)
		}
	}
	if c, line := readConf(t, "groups 0 100"); line != 0 || c != other {
		t.Errorf("a caller without groups: %+v, line %d", c, line)
	}
}

// TestConfRefuses: a line that is not understood is named, by its number.
func TestConfRefuses(t *testing.T) {
	bad := []string{
		"on", "of", "offf", "Off", "OFF", "off off", "off 1", "off#", "off=1", "off;", "off\r", "off\x00", "\x00off", "\x00", "\r",
		"\xef\xbb\xbfoff", "\voff", "\foff", "off\v", "\u00a0off", "--bind", "100", "=",
		"groups", "groups ", "groups\t#5", "groups #", "groups -1", "groups +1", "groups 1,2", "groups 0x64", "groups 1e2", "groups users",
		"groups 100\r", "groups 100\x00", "groups 100#", "groups 1_000", "groups ٣", "groups 100 x", "group 100", "groupss 100",
		"groups x 100", "groups 4294967295 100", "refuse --no --bind", "refuse x --bind --proc",
		"groups 4294967295", "groups 4294967296", "groups 4294967396", "groups 8589934592", "groups 18446744073709551616",
		"groups 18446744073709551716", "groups 99999999999999999999999999", "groups 100 4294967295",
		"refuse", "refuse ", "refuse #--bind", "refuse bind", "refuse -bind", "refuse --bin", "refuse --bindd", "refuse --Bind", "refuse --bind,",
		"refuse --bind=1", "refuse --bind\r", "refuse --bind\x00", "refuse --no-such-option", "refuse --bind --no", "refuse all", "refuse *",
		"refuses --bind", "refuse--bind", "refuse --ro-bind", "refuse --cap-add",
	}
	for _, text := range bad {
		for lines := range 3 {
			before := strings.Repeat("# fine\n", lines)
			for _, after := range []string{"", "\n", "\noff\n", "\nnonsense"} {
				if _, line := readConf(t, before+text+after, 100); line != uint32(lines+1) {
					t.Errorf("%q: line %d, want %d", before+text+after, line, lines+1)
				}
			}
		}
	}
}

// TestConfWordsInPlace: a word that is one in its first bytes or its last is none.
func TestConfWordsInPlace(t *testing.T) {
	for _, word := range append([]string{"off", "groups", "refuse"}, suid.Features()...) {
		for n := range len(word) {
			prefix := ""
			if strings.HasPrefix(word, "--") {
				prefix = "refuse "
			}
			for _, part := range []string{word[:n], word[n+1:], word[:n] + word[n+1:], word[:n] + "\x00" + word[n+1:]} {
				if part == "" || slices.Contains(suid.Features(), part) {
					continue
				}
				if _, line := readConf(t, prefix+part); line != 1 {
					t.Errorf("%q for %q: line %d", part, word, line)
				}
			}
		}
	}
}

// reference reads a conf as ReadConf should, by other means.
func reference(text string, groups []uint32) (c suid.Conf, bad uint32) {
	limited := false
	for n, line := range strings.Split(text, "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if i := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); i >= 0 {
			words = words[:i]
		}
		if len(words) > 0 && !referenceLine(words, groups, &c) {
			return c, uint32(n + 1)
		}
		limited = limited || len(words) > 0 && words[0] == "groups"
	}
	if limited && !c.Member {
		c.Deny |= suid.DenyOthers
	}
	return c, 0
}

func referenceLine(words []string, groups []uint32, c *suid.Conf) bool {
	switch words[0] {
	case "off":
		c.Deny |= suid.DenyAll
		return len(words) == 1
	case "groups":
		for _, w := range words[1:] {
			id, err := strconv.ParseUint(w, 10, 32)
			if err != nil || id == 1<<32-1 {
				return false
			}
			c.Member = c.Member || slices.Contains(groups, uint32(id))
		}
		return len(words) > 1
	case "refuse":
		for _, w := range words[1:] {
			i := slices.Index(suid.Features(), w)
			if i < 0 {
				return false
			}
			c.Refused |= 1 << i
			c.Deny |= denied[w]
		}
		return len(words) > 1
	}
	return false
}
