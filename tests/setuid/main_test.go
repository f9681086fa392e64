package setuid_test

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
var (
	base      string
	gobwrap   string // mode 0755
	installed string // the same, mode 4755
	witness   string
	probe     string
)

// me is the attacker's uid and gid.
const me = 12345

func TestMain(m *testing.M) {
	if len(os.Args) > 4 && os.Args[1] == crippled {
		cripple(os.Args[2], os.Args[3], os.Args[4:]) // does not return
	}
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "setuid:", err)
		os.Exit(2)
	}
	before := mounts()
	code := harness.Run(m)
	if after := mounts(); after != before {
		fmt.Fprintf(os.Stderr, "setuid: the host's mounts have changed:\n%s", difference(before, after))
		code = max(code, 1)
	}
	os.Exit(code)
}

func prepare() (err error) {
	base, err = harness.SetUp(map[string]string{
		"gcc": "gcc and libc6-dev", "unshare": "util-linux", "prlimit": "util-linux", "setpriv": "util-linux",
		"mount": "mount", "setcap": "libcap2-bin", "strace": "strace",
	})
	if err != nil {
		return err
	}
	program := os.Getenv("GOBWRAP_TEST_PROGRAM")
	if program == "" {
		program = "../../bin/gobwrap"
	}
	bin := func(name string) string { return filepath.Join(base, "bin", name) }
	gobwrap, installed, witness, probe = bin("gobwrap"), filepath.Join(base, "su", "gobwrap"), bin("witness"), bin("probe")
	return errors.Join(
		harness.AdoptOrphans(), testbin.Copy(gobwrap, program, "0755"), testbin.Copy(installed, program, "4755"),
		testbin.C(witness, "testdata/witness.c"), testbin.C(bin("ids"), "testdata/ids.c"), testbin.Helper(probe),
	)
}

// mounts are the host's.
func mounts() string {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	return string(text)
}
