package ranges_test

import (
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
	intruder  string
)

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "ranges:", err)
		os.Exit(2)
	}
	os.Exit(harness.Run(m))
}

func prepare() (err error) {
	base, err = harness.SetUp(map[string]string{
		"gcc": "gcc and libc6-dev", "setpriv": "util-linux", "mount": "mount", "newuidmap": "uidmap", "newgidmap": "uidmap",
		"dpkg-deb": "dpkg", "setcap": "libcap2-bin", "getcap": "libcap2-bin", "tar": "tar", "capsh": "libcap2-bin",
	})
	if err != nil {
		return err
	}
	gobwrap, installed = filepath.Join(base, "bin/gobwrap"), filepath.Join(base, "setuid/gobwrap")
	probe, enosys = filepath.Join(base, "bin/probe"), filepath.Join(base, "bin/enosys")
	intruder = filepath.Join(base, "bin/intruder")
	if err := testbin.Launcher(gobwrap); err != nil {
		return err
	}
	return errors.Join(
		harness.AdoptOrphans(), testbin.Copy(installed, gobwrap, "4755"),
		testbin.Helper(probe), testbin.Helper(enosys), testbin.C(intruder, "testdata/intruder.c"), ownEtc(),
	)
}

// ownEtc puts a copy in the place of /etc and makes the users there.
func ownEtc() error {
	etc := filepath.Join(base, "etc")
	if out, err := exec.Command("cp", "-a", "/etc", etc).CombinedOutput(); err != nil {
		return fmt.Errorf("copying /etc: %w\n%s", err, out)
	}
	if err := syscall.Mount(etc, "/etc", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting a copy of /etc: %w", err)
	}
	// No line of the host's, who may have an account with one of our numbers.
	passwd, group := "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n", "root:x:0:\nnogroup:x:65534:\n"
	for _, who := range []identity{granted, bare, member} {
		passwd += fmt.Sprintf("%s:x:%d:%[2]d::/:/bin/sh\n", who.name, who.id)
		group += fmt.Sprintf("%s:x:%d:\n", who.name, who.id)
	}
	subs := "# lines that say nothing\n\nroot:700000:65536\n" +
		fmt.Sprintf("%s:%d:65536\n%s:%d:65536\n%d:%d:1000\n", granted.name, granted.sub, member.name, member.sub, nameless.id, nameless.sub)
	for name, text := range map[string]string{
		"passwd": passwd, "group": group + fmt.Sprintf("club:x:%d:%s\n", club, member.name),
		"subuid": subs, "subgid": strings.ReplaceAll(subs, "0000:65536", "1000:65536"), // not the same numbers
		"nsswitch.conf": "passwd: files\ngroup: files\n",
	} {
		if err := os.WriteFile(filepath.Join("/etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
