package compat

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// The ways to have processes between the launcher and the command.
func arrangements(lock string) map[string][]string {
	return map[string][]string{
		"plain":       {},
		"reaper":      {"--unshare-pid"},
		"as-pid-1":    {"--unshare-pid", "--as-pid-1"},
		"lock":        {"--bind", lock, "/lock", "--lock-file", "/lock"},
		"everything":  {"--unshare-all", "--dev", "/dev", "--proc", "/proc", "--new-session"},
		"user-and-up": {"--unshare-user", "--unshare-pid", "--uid", "1000"},
	}
}

func eachArrangement(t *testing.T, o on, test func(t *testing.T, options []string)) {
	t.Helper()
	dir := o.scratch(t)
	for name, options := range arrangements(o.touch(t, dir, "lock")) {
		t.Run(name, func(t *testing.T) { test(t, options) })
	}
}

func words(options []string, more ...string) []string {
	return append(options[:len(options):len(options)], more...)
}

func TestCommandSurvivesItsLauncher(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		eachArrangement(t, o, func(t *testing.T, options []string) {
			j := o.start(t, nil, words(options, "--", "/v", "echo", "up", "read", "4")...)
			j.wantLine("up")
			_ = j.cmd.Process.Kill()
			j.wantEnd("signal killed")
			j.wantAlive("launcher killed")
		})
	})
}

func TestDieWithLauncher(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		eachArrangement(t, o, func(t *testing.T, options []string) {
			if setuid && o.isReference && slices.Contains(options, "--uid") {
				return // the difference setuid-die-with-parent
			}
			j := o.start(t, nil, words(options, "--die-with-parent", "--", "/v", "echo", "up", "read", "4")...)
			j.wantLine("up")
			j.settle() // the reference's reaper is armed after its command is started
			_ = j.cmd.Process.Kill()
			j.wantEnd("signal killed")
			j.wantGone("launcher killed")
		})
	})
}

func TestDieWithLauncherAsAnotherUser(t *testing.T) {
	deliberate(t, "setuid-die-with-parent", func(t *testing.T, o on) bool {
		j := o.start(t, nil, "--unshare-user", "--unshare-pid", "--uid", "1000", "--die-with-parent", "--", "/v", "echo", "up", "read", "4")
		j.wantLine("up")
		j.settle()
		_ = j.cmd.Process.Kill()
		j.wantEnd("signal killed")
		return closes(j.alive, o.while())
	})
}

// A shell starts the launcher and is killed.
func TestDieWithCaller(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		for name, options := range map[string][]string{
			"plain":  {"--die-with-parent"},
			"reaper": {"--die-with-parent", "--unshare-pid"},
		} {
			t.Run(name, func(t *testing.T) {
				throughShell := func(cmd *exec.Cmd) {
					cmd.Args = append([]string{"/bin/sh", "-c", `"$@" & wait`, "sh"}, append([]string{o.program}, cmd.Args[1:]...)...)
					cmd.Path = "/bin/sh"
				}
				j := o.start(t, throughShell, words(options, "--", "/v", "echo", "up", "read", "4")...)
				j.wantLine("up")
				j.settle()
				_ = j.cmd.Process.Kill()
				j.wantEnd("signal killed")
				j.wantGone("caller killed")
			})
		}
	})
}

func TestLauncherReturnsWhileOrphansGoOn(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		eachArrangement(t, o, func(t *testing.T, options []string) {
			if strings.Contains(strings.Join(options, " "), "--as-pid-1") {
				return // there the command is PID 1, with which everything ends
			}
			j := o.start(t, nil, words(options, "--", "/v", "echo", "up", "leave", "read", "4")...)
			j.wantLine("up")
			j.wantEnd("0")
			j.wantAlive("launcher ended")
		})
	})
}

func TestOrphansEndWithACommandThatIsPID1(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		j := o.start(t, nil, "--unshare-pid", "--as-pid-1", "--", "/v", "echo", "up", "leave", "read", "4")
		j.wantLine("up")
		j.wantEnd("0")
		j.wantGone("PID 1 ended")
	})
}

func TestOrphansDieWithParent(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		j := o.start(t, nil, "--unshare-pid", "--die-with-parent", "--", "/v", "echo", "up", "leave", "read", "4")
		j.wantLine("up")
		j.wantEnd("0")
		j.wantGone("launcher ended")
	})
}

func TestSyncFDIsOpenWhileOrphansAre(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		j := o.start(t, nil, "--unshare-pid", "--sync-fd", "6", "--", "/v", "echo", "up", "leave", "read", "4")
		j.wantLine("up")
		j.wantEnd("0")
		if closes(j.sync, moment) {
			t.Error("the sync fd is closed while an orphan lives")
		}
		_ = j.leash.Close()
		if !closes(j.sync, harness.Patience) {
			t.Error("the sync fd is open although nothing lives")
		}
	})
}

func TestLockIsHeldWhileOrphansLive(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		lock := o.touch(t, o.scratch(t), "lock")
		j := o.start(t, nil, "--unshare-pid", "--bind", lock, "/lock", "--lock-file", "/lock", "--", "/v", "locked", "/lock", "echo", "up", "leave", "read", "4")
		j.wantLine("/lock: read lock of pid 1, 0+0")
		j.wantLine("up")
		j.wantEnd("0")
		if !isLocked(t, lock) {
			t.Error("unlocked while an orphan lives")
		}
		_ = j.leash.Close()
		j.wantGone("leash let go")
		if !harness.Until(func() bool { return !isLocked(t, lock) }) {
			t.Fatal("still locked although nothing lives")
		}
	})
}

func isLocked(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	// Open file description locks ask without being the lock's owner.
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		t.Fatal(err)
	}
	return lock.Type != unix.F_UNLCK
}

// Nobody but the command keeps what it was given: a reader sees the end.
func TestPipesEndWithTheCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		eachArrangement(t, o, func(t *testing.T, options []string) {
			j := o.start(t, nil, words(options, "--", "/v", "echo", "up", "close", "3", "read", "4")...)
			j.wantLine("up")
			j.wantGone("the command closed its descriptor")
			if !j.running() {
				t.Error("the launcher ended too early")
			}
		})
	})
}

func TestInfoFDEndsBeforeTheCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		eachArrangement(t, o, func(t *testing.T, options []string) {
			j := o.start(t, nil, words(options, "--info-fd", "5", "--", "/v", "echo", "up", "read", "4")...)
			j.wantLine("up")
			j.child()
			if _, err := io.Copy(io.Discard, j.info); err != nil {
				t.Error(err)
			}
			if !j.running() {
				t.Error("the launcher ended too early")
			}
		})
	})
}

func TestStatusFDTellsInTime(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		eachArrangement(t, o, func(t *testing.T, options []string) {
			j := o.start(t, nil, words(options, "--json-status-fd", "5", "--", "/v", "echo", "up", "read", "4", "exit", "9")...)
			pid := j.child()
			if err := syscall.Kill(pid, 0); err != nil {
				t.Errorf("child-pid %d: %v", pid, err)
			}
			j.wantLine("up")
			_ = j.leash.Close()
			line, err := j.info.ReadString('\n')
			for range 3 { // the difference more-status
				if !o.isReference {
					line, err = j.info.ReadString('\n')
				}
			}
			if line != "{ \"exit-code\": 9 }\n" {
				t.Errorf("the second line is %q (%v)", line, err)
			}
			j.wantEnd("9")
		})
	})
}
