//go:build vm

package vm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

// eachKernel runs a test on each kernel.
func eachKernel(t *testing.T, test func(t *testing.T, kernel string)) {
	for _, kernel := range vm.Kernels() {
		t.Run(kernel, func(t *testing.T) {
			t.Parallel() // one machine does not keep two processors busy
			test(t, kernel)
		})
	}
}

// boot runs the machine, which has to come to its end.
func boot(t *testing.T, m vm.Machine) vm.Result {
	t.Helper()
	result, err := vm.Boot(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %.1f s, boots: %d", m.Kernel, result.Took.Seconds(), result.Boots)
	return result
}

// TestBoot: bytes and status arrive as they are, processes left behind do not keep the
// machine, and the host's files are safe from it.
func TestBoot(t *testing.T) {
	t.Parallel()
	eachKernel(t, func(t *testing.T, kernel string) {
		result := boot(t, vm.Machine{Kernel: kernel, Script: `
			uname -r
			printf 'a\r\n\000\377\n'
			echo error >&2
			mount -o remount,rw /
			mkdir /var/lib/written-by-a-guest 2>&1
			sleep 1000 &
			kill -s USR1 $$`})
		release, rest, _ := strings.Cut(result.Output, "\n")
		if !strings.HasPrefix(release, kernel+".") {
			t.Errorf("it runs %q", release)
		}
		want := "a\r\n\x00\xff\nerror\nmkdir: cannot create directory '/var/lib/written-by-a-guest': Read-only file system\n"
		if rest != want {
			t.Errorf("output %q, want %q", rest, want)
		}
		if result.Status != 128+10 {
			t.Errorf("status %d, want 138", result.Status)
		}
	})
}

// TestBootFailures: a machine that does not do its work is an error that shows why.
func TestBootFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		machine vm.Machine
		want    []string
	}{
		{"a kernel that is not there", vm.Machine{Kernel: "2.4"}, []string{`no kernel "2.4"`, "run scripts/vm-setup.sh"}},
		{"a module that is not there", vm.Machine{Kernel: "6.1", Modules: []string{"nonsense"}}, []string{`no module "nonsense"`}},
		{"a panic", vm.Machine{Kernel: "6.12", Params: "rdinit=/nothing"}, []string{"without the script's status", "the console's last lines", "Kernel panic"}},
		{"too long", vm.Machine{Kernel: "6.12", Timeout: 2 * time.Second}, []string{"not ended after 2s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			result, err := vm.Boot(context.Background(), c.machine)
			if err == nil {
				t.Fatalf("no error, but %+v", result)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in the error:\n%v", want, err)
				}
			}
			if took := time.Since(begin); took > 10*time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}
