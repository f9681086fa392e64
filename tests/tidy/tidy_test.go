package tidy

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("TIDY_DIR"); dir != "" {
		OnInterrupt(func() { _ = os.RemoveAll(dir) })
		_ = os.WriteFile(filepath.Join(dir, "ready"), nil, 0o600)
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestOnInterrupt: the directory goes, and the status says that the tests did not end by
// themselves; also where the signal was ignored before.
func TestOnInterrupt(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		dir := filepath.Join(t.TempDir(), "x")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", `trap "" HUP INT; exec "$0"`, os.Args[0])
		cmd.Env = append(os.Environ(), "TIDY_DIR="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "ready")); err == nil {
				break
			}
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if _, err := os.Stat(dir); !os.IsNotExist(err) || cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("%v: %v; the directory: %v", sig, cmd.ProcessState, err)
		}
	}
}
