package e2e_test

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// The programs, in a directory that everybody can reach.
var (
	base      string
	gobwrap   string
	installed string // a copy, setuid root
	probe     string
	enosys    string
	inject    string
	fusefs    string
	autofs    string
	rootfs    string
	defy      string

	// The code in which the acting side makes its system calls.
	rawLow, rawHigh uint64
)

const (
	control = "/usr/bin/bwrap"
	raw     = "github.com/gobwrap/gobwrap/internal/raw.Call"
)

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(2)
	}
	os.Exit(harness.Run(m))
}

func prepare() (err error) {
	base, err = harness.SetUp(map[string]string{
		"gcc": "gcc and libc6-dev", control: "bubblewrap", "unshare": "util-linux",
		"prlimit": "util-linux", "setpriv": "util-linux", "mount": "mount",
	})
	if err != nil {
		return err
	}
	return errors.Join(harness.AdoptOrphans(), buildAll())
}

func buildAll() error {
	bin := func(name string) string { return filepath.Join(base, "bin", name) }
	gobwrap, installed = bin("gobwrap"), filepath.Join(base, "setuid", "gobwrap")
	probe, enosys, inject, fusefs, autofs, rootfs, defy = bin("probe"), bin("enosys"), bin("inject"), bin("fusefs"), bin("autofs"), bin("rootfs"), bin("defy")
	var err error
	if other := os.Getenv("GOBWRAP_TEST_PROGRAM"); other != "" {
		err = testbin.Copy(gobwrap, other, "0755")
	} else {
		err = testbin.Launcher(gobwrap)
	}
	if err != nil {
		return err
	}
	err = errors.Join(testbin.Helper(probe), testbin.Helper(enosys))
	for _, path := range []string{inject, fusefs, autofs, rootfs, defy} {
		err = errors.Join(err, testbin.C(path, "testdata/"+filepath.Base(path)+".c"))
	}
	return errors.Join(err, findRaw(), install())
}

// install makes the copy that is setuid root, and sees to it that the bit counts.
func install() error {
	if err := testbin.Copy(installed, gobwrap, "4755"); err != nil {
		return err
	}
	cmd := exec.Command(installed, "--mode", "setuid", "--ro-bind", "/", "/", "true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user.id, Gid: user.id}}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("setuid mode does not work below %s (TMPDIR): %w\n%s", base, err, out)
	}
	return nil
}

func findRaw() error {
	f, err := elf.Open(gobwrap)
	if err != nil {
		return err
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return err
	}
	for _, s := range symbols {
		if strings.TrimSuffix(s.Name, ".abi0") == raw {
			rawLow, rawHigh = s.Value, s.Value+s.Size
		}
	}
	if rawLow == 0 {
		return fmt.Errorf("%s is not in the symbol table", raw)
	}
	return nil
}
