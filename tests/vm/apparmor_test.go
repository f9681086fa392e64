//go:build vm

package vm_test

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

//go:embed testdata/apparmor.sh
var apparmorScript string

// TestAppArmor: a kernel with AppArmor takes the profile that --doctor=apparmor prints;
// a launcher that may make no user namespace may, with it, and its command may not, nor use
// a capability. (That those without a profile may not is Ubuntu's own change; here another
// profile forbids it.)
func TestAppArmor(t *testing.T) {
	t.Parallel()
	for _, kernel := range vm.Kernels()[1:] { // 6.1's does not mediate user namespaces
		t.Run(kernel, func(t *testing.T) {
			t.Parallel()
			testAppArmor(t, kernel)
		})
	}
}

func testAppArmor(t *testing.T, kernel string) {
	foreign := unpacked(t, "apparmor")
	result := boot(t, vm.Machine{
		Kernel:  kernel,
		Script:  apparmorScript,
		Files:   map[string]string{"gobwrap": "../../bin/gobwrap", "foreign.tar": foreign},
		Params:  "apparmor=1 security=apparmor",
		Modules: []string{"overlay"}, // the doctor asks for it
	})
	if result.Status != 0 || !strings.HasSuffix(strings.TrimSpace(result.Output), "all as it should be") {
		t.Errorf("the script ended with %d:\n%s", result.Status, result.Output)
	}
}
