package sandbox_test

import (
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/sandboxtest"
)

// TestProbe: what works here is found to work, by launches of this program's own.
func TestProbe(t *testing.T) {
	sandboxtest.Modes(t, func(t *testing.T, m sandboxtest.Mode) {
		d := sandbox.Probe()
		if m.Name != "setuid" && d.Mode != "direct" {
			t.Fatalf("mode %q: %s", d.Mode, d)
		}
		ok := 0
		for _, s := range d.Steps {
			if s.State == "ok" {
				ok++
			}
			if (s.State == "failed") != (s.Err != nil) {
				t.Errorf("%+v", s)
			}
		}
		if ok < 15 || !strings.Contains(d.String(), "\nMode: direct: ") {
			t.Errorf("%d steps work:\n%s", ok, d)
		}
	})
	f := sandbox.Features()
	if f.MountEngine == "" || f.Modes[0] != "direct" {
		t.Errorf("%+v", f)
	}
}
