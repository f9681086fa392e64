package sandbox_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox"
	"golang.org/x/sys/unix"
)

// TestReportFDs: a descriptor that cannot be written is an error that names the field.
func TestReportFDs(t *testing.T) {
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	for field, where := range map[string]func(*sandbox.Report) *sandbox.FD{
		"Report.InfoFD":       func(r *sandbox.Report) *sandbox.FD { return &r.InfoFD },
		"Report.JSONStatusFD": func(r *sandbox.Report) *sandbox.FD { return &r.JSONStatusFD },
	} {
		for _, standard := range []bool{false, true} {
			c := sandbox.Command("true")
			c.Spec = host()
			*where(&c.Spec.Report) = sandbox.SetFD(0)
			if !standard {
				*where(&c.Spec.Report) = c.Pass(null)
			}
			if err := c.Run(); !errors.Is(err, unix.EBADF) || !strings.Contains(err.Error(), field) {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}
