package setuid_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"golang.org/x/sys/unix"
)

// TestStoppedAtFirstInstruction: the user stops each process of a launch before its first instruction. The
// keeper and its child that copies the mounts cannot be stopped; the others have no capability. If
// the launcher is killed then, the only process left with a capability is a broker, which soon notices
// that the launcher is gone.
func TestStoppedAtFirstInstruction(t *testing.T) {
	t.Parallel()
	linger := filepath.Join(base, "bin", "linger")
	if err := testbin.C(linger, "testdata/linger.c"); err != nil {
		t.Fatal(err)
	}
	user, brokers := strconv.Itoa(me), "left 0 "+strconv.FormatUint(1<<unix.CAP_SYS_ADMIN, 16)
	for i, whom := range []string{"keeper", "copier of mounts", "first process", "command"} {
		t.Run(whom, func(t *testing.T) {
			t.Parallel()
			tries := harness.Times(3, 12)
			args := append([]string{
				"--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc",
				"setpriv", "--reuid", user, "--regid", user, "--clear-groups",
				linger, strconv.Itoa(i + 1), strconv.Itoa(tries),
			}, byKeeper("--unshare-pid", "--proc", "/proc", "--tmpfs", "/t", "/h/witness", "sleep", "60")...)
			out, err := exec.Command("unshare", args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			stopped := strings.Count(string(out), "stopped "+user+" 0\n")
			for line := range strings.Lines(string(out)) {
				switch strings.TrimSpace(line) {
				case "missed", "stopped " + user + " 0", "left " + user + " 0":
				case brokers:
					if stopped == 0 {
						t.Error("a broker is left")
					}
				default:
					t.Error(line)
				}
			}
			if i < 2 && stopped > 0 || i > 1 && stopped == 0 {
				t.Errorf("stopped: %d of %d", stopped, tries)
			}
		})
	}
}

// TestKeeperWithoutLauncher: a keeper that waits for its header ends after its launcher, even if the user
// has taken the launcher's end of the socket. It does not count among the user's processes, so otherwise
// there could be any number.
func TestKeeperWithoutLauncher(t *testing.T) {
	t.Parallel()
	h, err := newUserThread(t, me).startAndSteal(startOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Kill(h.pid, unix.SIGKILL)
	if err := waitGone(soon/3, h.keeper); err != nil {
		t.Error(err)
	}
	if err := h.end(); err != nil {
		t.Error(err)
	}
}
