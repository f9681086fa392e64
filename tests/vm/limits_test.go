//go:build vm

package vm_test

import (
	_ "embed"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

//go:embed testdata/limits.sh
var limitsScript string

// TestLimits: commands that run away, in cgroups of version 2: --cgroup without a PID namespace and
// with one, and gobwrap-limit in front of both modes. Nothing is left of any, and the reports say
// how each ended.
func TestLimits(t *testing.T) {
	t.Parallel()
	program := os.Getenv("GOBWRAP_TEST_PROGRAM")
	if program == "" {
		program = "../../bin/gobwrap"
	}
	result := boot(t, vm.Machine{Kernel: "6.12", Script: limitsScript, Files: map[string]string{"gobwrap": program, "gobwrap-limit": "../../bin/gobwrap-limit"}})
	if result.Status != 0 {
		t.Fatalf("the script ended with %d:\n%s", result.Status, result.Output)
	}
	// What it was, status, how it ended, how often memory was short, how many processes are left.
	ends := map[string]string{
		"hog": "137 oom 1 0", "bomb": "137 timeout 0 0", "ignorer": "137 timeout 0 0", "daemon": "143 timeout 0 0", "stopped": "137 timeout 0 0", "failed": "3 exit 0 0",
	}
	var want []string
	for _, row := range []string{"cgroup-none", "cgroup-pid", "limit-plain", "limit-setuid"} {
		for _, what := range []string{"hog", "bomb", "ignorer", "daemon", "stopped", "failed"} {
			end := ends[what]
			if strings.HasPrefix(row, "limit") { // the launcher knows of no cgroup
				fields := strings.Fields(strings.Replace(end, "oom", "signal", 1))
				end = fields[0] + " " + fields[1] + "  " + fields[3]
			}
			want = append(want, row+"-"+what+" "+end)
		}
		if strings.HasPrefix(row, "limit") {
			want = append(want, row+" directories 1")
		}
	}
	want = append(want, "files 67108864 0 60 80000 100000 ", "root 4 0", "refused 125 not-run 1", "setuid 1 not-run 1", "busy 1 not-run 1", "")
	if have := strings.Split(result.Output, "\n"); strings.Join(have, "\n") != strings.Join(want, "\n") {
		t.Errorf("it said\n%s\nwant\n%s", result.Output, strings.Join(want, "\n"))
	}
}

//go:embed testdata/scope.sh
var scopeScript string

// TestScope: where systemd has the cgroups, gobwrap-limit gets a scope with the limits from it.
func TestScope(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		t.Fatal("there is no systemd here, which the guest has from this machine (scripts/vm-setup.sh)")
	}
	result := boot(t, vm.Machine{Kernel: "6.12", Script: scopeScript, Files: map[string]string{"gobwrap-limit": "../../bin/gobwrap-limit"}})
	if want := "/system.slice/gobwrap 67108864 0 60 80000 100000\nstatus 7, 1\n"; result.Status != 0 || result.Output != want {
		t.Errorf("status %d, it said\n%s\nwant\n%s", result.Status, result.Output, want)
	}
}
