//go:build vm

package vm_test

import (
	_ "embed"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

//go:embed testdata/parser.sh
var parserScript string

//go:embed testdata/apparmor.sh
var apparmorScript string

//go:embed testdata/policy.sh
var policyScript string

// TestAppArmor: a kernel with AppArmor takes the profile that --doctor=apparmor prints;
// a launcher that may make no user namespace may, with it, and its command may not, nor use
// a capability. (That those without a profile may not is Ubuntu's own change; here another
// profile forbids it.)
func TestAppArmor(t *testing.T) {
	t.Parallel()
	withAppArmor(t, apparmorScript, nil)
}

// TestPolicyByAppArmor: where AppArmor gives user namespaces to the launcher alone, policy.conf
// binds: its user has no other way, unless they may trace the launcher.
func TestPolicyByAppArmor(t *testing.T) {
	t.Parallel()
	tracer := filepath.Join(t.TempDir(), "trace")
	if err := testbin.C(tracer, "testdata/trace.c"); err != nil {
		t.Fatal(err)
	}
	withAppArmor(t, policyScript, map[string]string{"trace": tracer})
}

// withAppArmor runs a script on a kernel with AppArmor, with a parser that knows user namespaces.
func withAppArmor(t *testing.T, script string, files map[string]string) {
	t.Helper()
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
	all := map[string]string{"gobwrap": "../../bin/gobwrap", "foreign.tar": foreign}
	maps.Copy(all, files)
	result := boot(t, vm.Machine{
		Kernel:  "6.12",
		Script:  parserScript + script,
		Files:   all,
		Params:  "apparmor=1 security=apparmor",
		Modules: []string{"overlay"}, // the doctor asks for it
	})
	if result.Status != 0 || !strings.HasSuffix(strings.TrimSpace(result.Output), "all as it should be") {
		t.Errorf("the script ended with %d:\n%s", result.Status, result.Output)
	}
}
