package seccomp_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp"
)

// TestBuiltin: every profile has a filter for every architecture, and every filter that
// was made is one of these. What they answer is tested in package profile.
func TestBuiltin(t *testing.T) {
	made := map[string]string{}
	entries, err := os.ReadDir("builtin")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".bpf"); ok {
			text, err := os.ReadFile("builtin/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			made[name] = string(text)
		}
	}
	for _, name := range seccomp.Builtins() {
		for _, arch := range []string{"amd64", "arm64"} {
			bpf, ok := seccomp.Builtin(name, arch)
			if err := seccomp.Check(bpf); !ok || err != nil {
				t.Errorf("%s for %s: %v, %v", name, arch, ok, err)
			}
			if made[name+"-"+arch] != string(bpf) {
				t.Errorf("%s for %s is not its file", name, arch)
			}
			delete(made, name+"-"+arch)
		}
	}
	for name := range made {
		t.Errorf("builtin/%s.bpf is used by nobody", name)
	}
	if !slices.IsSorted(seccomp.Builtins()) {
		t.Errorf("%v: not in order", seccomp.Builtins())
	}
}

func TestNoBuiltin(t *testing.T) {
	for _, c := range [][2]string{{"", "amd64"}, {"Default", "amd64"}, {"default", "386"}, {"default", ""}, {"./default", "amd64"}} {
		if bpf, ok := seccomp.Builtin(c[0], c[1]); ok || bpf != nil {
			t.Errorf("%q for %q: there", c[0], c[1])
		}
	}
}
