package sandbox

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/internal/doctor"
)

// TestPlainly checks that plainly knows every option of the doctor's attempts, and fills
// the Spec with it.
func TestPlainly(t *testing.T) {
	var tried []string
	doctor.ExamineFor("/proc/self/exe", "new", func(options []string) (string, syscall.Errno, string) {
		s := Spec{}
		if err := plainly(&s, options); err != nil {
			t.Errorf("%q: %v", options, err)
		}
		tried = append(tried, strings.Join(options, " "))
		if slices.Contains(options, "--map-auto") != s.Identity.MapAuto || slices.Contains(options, "--disable-userns") != s.Namespaces.DisableUsers {
			t.Errorf("%q: %+v", options, s)
		}
		return "exec", 0, "ok"
	})
	if len(tried) < 8 { // root's are more
		t.Errorf("%q", tried)
	}
	granted := Spec{} // tried only where the caller has subordinate ids
	if err := plainly(&granted, []string{"--map-auto"}); err != nil || !granted.Identity.MapAuto {
		t.Errorf("--map-auto: %v, %+v", err, granted.Identity)
	}
	for _, options := range [][]string{{"--new-session"}, {"--mode"}, {"--ro-bind", "/x"}, {"x"}} {
		if err := plainly(&Spec{}, options); err == nil {
			t.Errorf("%q is taken", options)
		}
	}
}
