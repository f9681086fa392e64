package hosted

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSandboxtest: package sandboxtest works in test binaries that are linked with C, or with
// the race detector, as in others.
func TestSandboxtest(t *testing.T) {
	for _, c := range []struct {
		name, cgo, dynamic string
		args               []string
	}{
		{"plain", "0", "0", nil},
		{"cgo", "1", "1", nil},
		{"race", "1", "1", []string{"-race"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := func(more ...string) (string, error) {
				cmd := exec.Command("go", append(append([]string{"test", "-count=1", "-v"}, c.args...), more...)...)
				cmd.Env = append(os.Environ(), "CGO_ENABLED="+c.cgo, "GOFLAGS=", "INSIDE_DYNAMIC="+c.dynamic, "GOBWRAP="+built["gobwrap"])
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			out, err := run("../tools/inside")
			if err != nil || strings.Count(out, "    --- PASS: TestModes/") != 4 || strings.Contains(out, "--- SKIP") {
				t.Errorf("%v\n%s", err, out)
			}
			t.Setenv("INSIDE_FAILS", "1")
			if out, err := run("-run=^TestFails$", "../tools/inside"); err == nil || strings.Count(out, "this is wrong in mode ") != 3 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
