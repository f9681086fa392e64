package doctor

import (
	"os"
	"strings"
	"testing"
)

// TestAppArmorIsThePackages: the profile that is printed and the one that is shipped have
// the same rules.
func TestAppArmorIsThePackages(t *testing.T) {
	text, err := os.ReadFile("../../packaging/apparmor/gobwrap")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, found := strings.Cut(string(text), "\n\n")
	if !found || rules != appArmorRules {
		t.Error("packaging/apparmor/gobwrap has other rules")
	}
	if printed := appArmor("/opt/a b/gobwrap"); strings.Contains(printed, "@BINDIR@") ||
		strings.Count(printed, `"/opt/a b/gobwrap"`) != 2 || !strings.HasSuffix(printed, "\n}\n") {
		t.Errorf("the path is not where it belongs:\n%s", printed)
	}
}
