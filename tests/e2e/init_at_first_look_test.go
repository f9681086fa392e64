package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// The payload asks about the lock once, as the first thing it does, and finds it held by
// another process. Each launch has a file of its own, since an earlier init may hold its
// lock a moment longer.
func TestLockIsHeldAtTheFirstLook(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		dir := who.scratch(t)
		n := 0
		look := func(options ...string) string {
			t.Helper()
			lock := fmt.Sprint("lock", n)
			n++
			path := filepath.Join(dir, lock)
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			who.own(t, path)
			for i, word := range options {
				options[i] = strings.ReplaceAll(word, "LOCK", "/w/"+lock)
			}
			args := append(box(append([]string{"--bind", dir, "/w"}, options...)...), "/h/probe", "locked", "/w/"+lock)
			o := launch{who: who, wrap: e.Wrap, args: args}.run(t)
			if o.Status != "0" || o.Stderr != "" {
				t.Fatalf("%q: %s", options, o)
			}
			return o.Stdout
		}
		for name, options := range map[string][]string{"no PID namespace": nil, "a PID namespace": {"--unshare-pid"}, "all namespaces": all()} {
			for range harness.Times(10, 100) {
				if got := look(slices.Concat(options, []string{"--lock-file", "LOCK"})...); !strings.HasPrefix(got, "locked: read ") {
					t.Fatalf("%s: the payload finds %q", name, got)
				}
			}
			if got := look(slices.Clone(options)...); got != "locked: no 0\n" {
				t.Errorf("%s: without --lock-file the payload finds %q: the test cannot fail", name, got)
			}
		}
	})
}

// The payload reads the capabilities of PID 1 as the first thing it does. They are gone,
// whatever the payload itself keeps.
func TestInitHasNoCapabilitiesAtTheFirstLook(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		options, own := []string{"--unshare-pid", "--proc", "/proc"}, "CapEff:\t0000000000002000\n"
		if who.setuid { // where --cap-add is refused
			own = "CapEff:\t0000000000000000\n"
		} else {
			options = append(options, "--cap-drop", "ALL", "--cap-add", "CAP_NET_RAW")
		}
		for range harness.Times(10, 100) {
			args := append(box(options...), "/h/probe", "show", "/proc/1/status", "show", "/proc/self/status")
			o := launch{who: who, wrap: e.Wrap, args: args}.run(t)
			first, second, both := strings.Cut(strings.TrimPrefix(o.Stdout, "Name:"), "\nName:")
			if o.Status != "0" || o.Stderr != "" || !both {
				t.Fatal(o)
			}
			for _, kind := range []string{"CapInh", "CapPrm", "CapEff", "CapAmb"} {
				if !strings.Contains(first, kind+":\t0000000000000000\n") {
					t.Fatalf("PID 1 has capabilities:\n%s", first)
				}
			}
			// The control, except in setuid mode: capabilities are seen where there are some.
			if !strings.Contains(second, own) {
				t.Fatalf("the payload lacks %q:\n%s", own, second)
			}
		}
	})
}
