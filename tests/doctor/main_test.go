package doctor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// The programs, in a directory that everybody can reach.
var base, gobwrap, enosys string

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "doctor:", err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func prepare() (err error) {
	base, err = harness.SetUp(map[string]string{
		"gcc": "gcc and libc6-dev", "unshare": "util-linux", "setpriv": "util-linux", "sysctl": "procps", "mount": "mount",
	})
	if err != nil {
		return err
	}
	gobwrap, enosys = filepath.Join(base, "gobwrap"), filepath.Join(base, "enosys")
	return errors.Join(testbin.Launcher(gobwrap), testbin.Helper(enosys))
}
