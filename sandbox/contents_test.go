package sandbox_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// TestContents: what a program has in memory becomes files, whatever else is passed, and no
// descriptor of it reaches the command.
func TestContents(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("piped"); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	big := strings.Repeat("0123456789abcdef", 1<<16)
	c := sandbox.Command("sh", "-c", "cat /piped /empty /small; wc -c </big; stat -c %a /small /big; ls /proc/self/fd | tr '\n' ' '")
	c.Env = []string{"PATH=/usr/bin"}
	c.ExtraFiles = []*os.File{os.Stdin}
	change := []byte("small ")
	c.Spec.Files = append(mounts.System(), mounts.Proc("/proc"),
		mounts.ReadOnlyData("/big", mounts.Bytes(big)),
		mounts.File("/piped", c.Pass(r)),
		mounts.File("/empty", mounts.Bytes(nil)),
		mounts.ReadWriteData("/small", mounts.Bytes(change)).Perms(0o640),
	)
	copy(change, "other ")
	out, err := c.Output()
	if want := "pipedsmall 1048576\n640\n600\n0 1 2 3 4 "; err != nil || string(out) != want {
		t.Errorf("%v: %q, want %q", err, out, want) // 4 is what ls has open
	}
	var e *sandbox.SetupError
	c = sandbox.Command("true")
	c.Spec.Files = []mounts.Op{mounts.Tmpfs("/t"), mounts.File("/t", mounts.Bytes("x"))}
	if err := c.Run(); !errors.As(err, &e) || e.Field != "Files[1]" {
		t.Errorf("%v", err)
	}
}

// TestNoSetuid: a mode that there is not is an error of the field.
func TestNoSetuid(t *testing.T) {
	c := sandbox.Command("true")
	c.Spec.Mode = sandbox.Setuid
	t.Setenv("PATH", "/nonexistent")
	var e *sandbox.SetupError
	if err := c.Run(); !errors.As(err, &e) || e.Field != "Mode" || !errors.Is(err, sandbox.ErrNoSetuid) {
		t.Errorf("%+v", err)
	}
}
