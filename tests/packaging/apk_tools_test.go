//go:build apktools

package packaging

import (
	"os/exec"
	"testing"
)

// TestApkTools installs and removes the packages with apk itself, which Debian does not have:
// make test-apk builds it.
func TestApkTools(t *testing.T) {
	if out, err := exec.Command("../../scripts/packages-setup.sh", "apk-tools").CombinedOutput(); err != nil {
		t.Fatalf("packages-setup.sh: %v\n%s", err, out)
	}
	scenario(t, all(t), "apk-tools")
}
