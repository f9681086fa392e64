package flat_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/internal/flat"
)

func TestIsBelowRoot(t *testing.T) {
	for path, want := range map[string]bool{
		"/a": true, "//a/": true, "/.a": true, "/./a": true, "/..": true,
		"": false, "/": false, "//": false, "/./": false, "a": false, "./a": false, ".": false,
	} {
		if got := flat.IsBelowRoot([]byte(path)); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestIsPattern(t *testing.T) {
	for _, p := range []string{
		"/r/**/.env", "/r/*", "/r/a?c", "/r/[a-z]x", "/r/[!a]", "/r/[]a]", "/r/[^]a]", `/r/\*`, `/r/[\]]`, "/r/**", "/r/x", "//r//*/./y", `/r/\**`, "/r/[*][?]", "/r/[[]",
	} {
		if !flat.IsPattern([]byte(p)) {
			t.Errorf("%s is refused", p)
		}
	}
	for _, p := range []string{
		"", "/", "r/*", "*", "/*", "/**/x", "/?/x", "/[a]/x", `/\r/x`, "/r/../*", "/r/**x", "/r/x**", "/r/***", "/r/[a", "/r/[]", "/r/[!]", `/r/x\`, "/r/[[:alpha:]]", "/r/[a\\]", "/r/a/**b/c",
	} {
		if flat.IsPattern([]byte(p)) {
			t.Errorf("%s is taken", p)
		}
	}
	long := "/r"
	for range flat.MaxWild {
		long += "/*"
	}
	if !flat.IsPattern([]byte(long)) || flat.IsPattern([]byte(long+"/a")) {
		t.Error("the number of components")
	}
}
