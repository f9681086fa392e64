//go:build vm

package vm_test

import (
	_ "embed"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

//go:embed testdata/hidden.sh
var hiddenScript string

// TestHidden: without a user namespace, too, a bind shows nothing that a mount of the host's
// hides, whether mounts are locked, since root can make a user namespace, or not. The control is
// the kernel's own recursive bind, which leaves unbindable mounts out on these kernels.
func TestHidden(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		program := os.Getenv("GOBWRAP_TEST_PROGRAM")
		if program == "" {
			program = "../../bin/gobwrap"
		}
		result := boot(t, vm.Machine{Kernel: kernel, Script: hiddenScript, Files: map[string]string{"gobwrap": program}})
		if result.Status != 0 {
			t.Fatalf("the script ended with %d:\n%s", result.Status, result.Output)
		}
		const hidden = "cat: /tmp/home/hid/file: No such file or directory"
		want := []string{"bind under"}
		for _, how := range []string{"locked", "unlocked"} {
			want = append(want, how+"-0755 "+hidden, how+"-0 "+hidden, how+"-mounts 1")
		}
		for _, want := range want {
			if !strings.Contains("\n"+result.Output, "\n"+want+"\n") {
				t.Errorf("no line %q in:\n%s", want, result.Output)
			}
		}
	})
}
