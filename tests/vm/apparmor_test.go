//go:build vm

package vm_test

import (
	_ "embed"
	"maps"
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
// binds: its user has no other way, unless they may trace the launcher or start it under a filter.
func TestPolicyByAppArmor(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, name := range []string{"trace", "filter"} {
		files[name] = filepath.Join(t.TempDir(), name)
		if err := testbin.C(files[name], "testdata/"+name+".c"); err != nil {
			t.Fatal(err)
		}
	}
	withAppArmor(t, policyScript, files)
}

// withAppArmor runs a script on a kernel with AppArmor, with a parser that knows user namespaces.
func withAppArmor(t *testing.T, script string, files map[string]string) {
	t.Helper()
	foreign := unpacked(t, "apparmor")
	all := map[string]string{"gobwrap": "../../bin/gobwrap", "foreign.tar": foreign}
	maps.Copy(all, files)
	for _, kernel := range vm.Kernels()[1:] { // 6.1's does not mediate user namespaces
		t.Run(kernel, func(t *testing.T) {
			t.Parallel()
			result := boot(t, vm.Machine{
				Kernel:  kernel,
				Script:  parserScript + script,
				Files:   all,
				Params:  "apparmor=1 security=apparmor",
				Modules: []string{"overlay"}, // the doctor asks for it
			})
			if result.Status != 0 || !strings.HasSuffix(strings.TrimSpace(result.Output), "all as it should be") {
				t.Errorf("the script ended with %d:\n%s", result.Status, result.Output)
			}
		})
	}
}
