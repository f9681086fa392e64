//go:build vm

package vm_test

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
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
	if out, err := exec.Command("../../scripts/packages-setup.sh", "apparmor").CombinedOutput(); err != nil {
		t.Fatalf("packages-setup.sh: %v\n%s", err, out)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	// The cache may lie where the guest has a /tmp of its own.
	foreign := filepath.Join(t.TempDir(), "foreign.tar")
	if out, err := exec.Command("tar", "-cf", foreign, "-C", filepath.Join(cache, "gobwrap/packages/apparmor-4"), ".").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	result := boot(t, vm.Machine{
		Kernel:  "6.12",
		Script:  apparmorScript,
		Files:   map[string]string{"gobwrap": "../../bin/gobwrap", "foreign.tar": foreign},
		Params:  "apparmor=1 security=apparmor",
		Modules: []string{"overlay"}, // the doctor asks for it
	})
	if result.Status != 0 || !strings.HasSuffix(strings.TrimSpace(result.Output), "all as it should be") {
		t.Errorf("the script ended with %d:\n%s", result.Status, result.Output)
	}
}
