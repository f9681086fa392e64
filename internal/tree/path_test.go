package tree_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/tree"
)

func TestBoxPath(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "//": "/", "": "/", ".": "/", "/.": "/", "a": "/a", "a/": "/a", "/a//b/": "/a/b", "./a/./b": "/a/b",
		"..": "/..", "/a/../b": "/a/../b", "a/..": "/a/..", "/...": "/...", "/a/.b": "/a/.b", "/ ": "/ ", "/a\nb": "/a\nb",
	} {
		if got := tree.BoxPath(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// FuzzBoxPath: a path inside is absolute, stays as it is when it is cleaned again, and has the
// components of what was given.
func FuzzBoxPath(f *testing.F) {
	f.Add("a//b/./c/..")
	f.Fuzz(func(t *testing.T, in string) {
		out := tree.BoxPath(in)
		if out == "" || out[0] != '/' || tree.BoxPath(out) != out || strings.Contains(out, "//") {
			t.Fatalf("%q is %q", in, out)
		}
		part := func(s string) bool { return s == "" || s == "." }
		a, b := slices.DeleteFunc(strings.Split(in, "/"), part), slices.DeleteFunc(strings.Split(out, "/"), part)
		if !slices.Equal(a, b) {
			t.Fatalf("%q is %q: other components", in, out)
		}
	})
}
