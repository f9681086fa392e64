package hosted

import (
	"os"
	"os/exec"
	"path/filepath"
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
			const pkg = "../tools/inside"
			exe := filepath.Join(t.TempDir(), "inside.test")
			build := exec.Command("go", append(append([]string{"test", "-c", "-o", exe}, c.args...), pkg)...)
			build.Env = append(os.Environ(), "CGO_ENABLED="+c.cgo, "GOFLAGS=")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", build.Args, err, out)
			}
			run := func(more ...string) (string, error) {
				cmd := exec.Command(exe, append([]string{"-test.v"}, more...)...)
				cmd.Dir = pkg
				cmd.Env = append(os.Environ(), "INSIDE_DYNAMIC="+c.dynamic, "GOBWRAP="+built["gobwrap"])
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			out, err := run()
			if err != nil || strings.Count(out, "    --- PASS: TestModes/") != 4 || strings.Contains(out, "--- SKIP") {
				t.Errorf("%v\n%s", err, out)
			}
			t.Setenv("INSIDE_FAILS", "1")
			if out, err := run("-test.run=^TestFails$"); err == nil || strings.Count(out, "this is wrong in mode ") != 3 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
