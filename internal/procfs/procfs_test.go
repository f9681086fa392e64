package procfs

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRead: a file is read whole, one without an end up to the bound, and an error is an
// errno.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	want := strings.Repeat("0123456789\n", 1000)
	if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	if have, err := Read(path); have != want || err != nil {
		t.Errorf("%d bytes, %v", len(have), err)
	}
	if have, err := Read("/dev/zero"); len(have) < MaxSize || len(have) > MaxSize+4096 || err != nil {
		t.Errorf("%d bytes of /dev/zero, %v", len(have), err)
	}
	if have, err := Read(path + "/x"); have != "" || err != syscall.ENOTDIR {
		t.Errorf("%q, %v", have, err)
	}
	if have, err := Read(filepath.Dir(path)); have != "" || err != syscall.EISDIR {
		t.Errorf("%q, %v", have, err)
	}
	if have := Word("/proc/sys/kernel/ostype"); have != "Linux" {
		t.Errorf("%q", have)
	}
}

// TestField: a field is found by its whole name, whatever stands before it.
func TestField(t *testing.T) {
	const text = "Name:\tx\nNoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\nEmpty:\n"
	for name, want := range map[string]string{"Name": "x", "Seccomp": "2", "Seccomp_filters": "1", "Empty": "", "ame": "", "None": ""} {
		if have := Field(text, name); have != want {
			t.Errorf("%s: %q, want %q", name, have, want)
		}
	}
}

// TestMounts: the escapes of mount points are undone, and short lines are left out.
func TestMounts(t *testing.T) {
	const text = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n" +
		"23 22 0:5 / /media/my\\040disk ro,nosuid shared:1 - vfat x ro\nshort line\n" +
		"24 22 0:6 / /back\\134slash\\999 rw - tmpfs x rw\n"
	var have []string
	Mounts(text, func(point, options string) { have = append(have, point+" "+options) })
	if want := "/ rw,relatime|/media/my disk ro,nosuid|/back\\slash\\999 rw"; strings.Join(have, "|") != want {
		t.Errorf("%q, want %q", strings.Join(have, "|"), want)
	}
}
