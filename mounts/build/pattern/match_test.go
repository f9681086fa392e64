package pattern_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/mounts/build/pattern"
)

// TestMatch: what a component of a pattern matches.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "ab", false},
		{"ab", "a", false},
		{"*", "a", true},
		{"*", ".env", true},
		{"*", "-", true},
		{"*.pem", "x.pem", true},
		{"*.pem", ".pem", true},
		{"*.pem", "x.pem.pem", true},
		{"*.pem", "x.pemx", false},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "abbbc", true},
		{"a*b*c", "acb", false},
		{"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
		{"?", "a", true},
		{"?", "é", true},
		{"?", "€", true},
		{"?", "😀", true},
		{"??", "é", false},
		{"??", "\xe9x", true},
		{"?", "", false},
		{"?", "\xff", true},
		{"?", "\xc3", true},
		{".env.?*", ".env.local", true},
		{".env.?*", ".env.", false},
		{"[abc]", "b", true},
		{"[abc]", "d", false},
		{"[a-c]x", "bx", true},
		{"[!a-c]", "b", false},
		{"[^a-c]", "d", true},
		{"[!a]", "é", true},
		{"[à-ü]", "é", true},
		{"[à-ü]", "e", false},
		{"[]]", "]", true},
		{"[]a]", "a", true},
		{"[!]]", "]", false},
		{"[a-]", "-", true},
		{"[-a]", "-", true},
		{"[*]", "*", true},
		{"[*]", "a", false},
		{"[\\]]", "]", true},
		{"[a\\-c]", "b", false},
		{"[\x80-\xff]", "\xe9", true},
		{"[!a]", "\xe9", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\\é", "é", true},
		{"a\\b", "ab", true},
		{"id_[re]*", "id_rsa", true},
		{"id_[re]*", "id_ed25519.pub", true},
		{"id_[re]*", "id_dsa", false},
	} {
		if got := pattern.Match(c.pattern, c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}

// FuzzMatch: nothing outside of pattern and name is read, and a character that is not special
// matches itself.
func FuzzMatch(f *testing.F) {
	f.Add("*[a-z]?\\x", "name")
	f.Add("[", "\xe9")
	f.Fuzz(func(t *testing.T, text, name string) {
		pattern.Match(text, name)
		escaped := ""
		for _, c := range []byte(name) {
			if c == 0 {
				return
			}
			if c < 0x80 {
				escaped += "\\"
			}
			escaped += string([]byte{c})
		}
		if !pattern.Match(escaped, name) || !pattern.Match("*", name) || !pattern.Match(escaped+"*", name) {
			t.Fatalf("%q does not match itself, %q", name, escaped)
		}
	})
}

// TestMaxWild: a search has a bit for each component that a pattern may have.
func TestMaxWild(t *testing.T) {
	if pattern.MaxComponents-1 < flat.MaxWild {
		t.Errorf("%d components, %d bits", flat.MaxWild, pattern.MaxComponents)
	}
}
