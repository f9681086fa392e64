package hosted

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// TestStartsOnce: no part of an embedding program's own code runs a second time because it
// asks package sandbox for something, whichever user runs it.
func TestStartsOnce(t *testing.T) {
	for _, h := range hosts {
		if h.launcher { // it is another program that is started
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			exe := filepath.Join(home, "starts")
			if err := testbin.Go(exe, "../tools/starts", h.cgo, h.args...); err != nil {
				t.Fatal(err)
			}
			for _, uid := range []uint32{0, 12345} {
				count := exe + ".starts"
				if err := os.WriteFile(count, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chown(count, int(uid), int(uid)); err != nil {
					t.Fatal(err)
				}
				c := exec.Command(exe)
				c.Env = []string{"PATH=/usr/bin:/bin"}
				c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
				out, err := c.CombinedOutput()
				if err != nil {
					t.Errorf("uid %d: %v\n%s", uid, err, out)
				}
				if starts, err := os.ReadFile(count); err != nil || string(starts) != "initialised\nmain\n" {
					t.Errorf("uid %d: it started as %q, %v", uid, starts, err)
				}
				for line := range strings.Lines(string(out)) {
					if strings.Contains(line, "several ids") && strings.Contains(line, "said nothing") || strings.Contains(line, "internal error") {
						t.Errorf("uid %d: %s", uid, line)
					}
				}
			}
		})
	}
}
