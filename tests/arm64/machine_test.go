//go:build vm

package arm64

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// launch is a case of command guest, and what has to come of it.
type launch struct {
	UID    uint32
	Args   []string
	status int
	output string // a regular expression for all of it
}

func user(status int, output, line string) launch {
	return launch{UID: 1000, Args: strings.Fields(line), status: status, output: output}
}

func root(status int, output, line string) launch {
	return launch{Args: strings.Fields(line), status: status, output: output}
}

// launches are carried out in this order.
var launches = []launch{
	root(0, `(?s).*"mount-engine": "new".*`, "gobwrap --features"),
	root(0, `0 0\n`, "gobwrap --ro-bind / / -- guest ids"),
	user(0, `1000 1000\n`, "gobwrap --ro-bind / / -- guest ids"),
	user(0, `5 6\n`, "gobwrap --unshare-all --uid 5 --gid 6 --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp -- guest ids"),
	user(0, `2\n`, "gobwrap --unshare-pid --ro-bind / / -- guest pid"),
	user(0, `1\n`, "gobwrap --unshare-pid --as-pid-1 --ro-bind / / -- guest pid"),
	user(42, ``, "gobwrap --unshare-all --ro-bind / / -- guest exit 42"),
	user(137, ``, "gobwrap --unshare-all --ro-bind / / -- guest signal 9"),
	user(143, ``, "gobwrap --ro-bind / / -- guest signal 15"),
	user(1, `gobwrap: execvp nothing: No such file or directory\n(gobwrap: hint.*\n)?`, "gobwrap --ro-bind / / -- nothing"),
	user(77, `(?s)gobwrap: .*`, "gobwrap --setup-exit-status 77 --ro-bind /none / -- guest ids"),
	root(0, `open /tmp/x: read-only file system\n`, "gobwrap --ro-bind / / -- guest write /tmp/x"),
	root(0, `<nil>\n`, "gobwrap --bind / / -- guest write /tmp/x"),
	user(0, `(?s)Lrwxrwxrwx a\ndrwxr-x--- b\n<nil>\n`, "gobwrap --ro-bind / / --tmpfs /tmp --symlink x /tmp/a --perms 0750 --dir /tmp/b -- guest list /tmp"),
	user(0, `inner\n`, "gobwrap --unshare-uts --hostname inner --ro-bind / / -- guest host"),
	user(0, `1 <nil>\n`, "gobwrap --unshare-net --ro-bind / / -- guest network"),
	user(0, `CapEff: 0000000000000000\nNoNewPrivs: 1\n`, "gobwrap --ro-bind / / --proc /proc --unshare-pid -- guest status"),
	user(0, `CapEff: 0000000000000400\nNoNewPrivs: 1\n`, "gobwrap --ro-bind / / --cap-add CAP_NET_BIND_SERVICE -- guest status"),
	user(0, `invalid argument\n`, "gobwrap --ro-bind / / -- guest userns"),
	user(0, `operation not permitted\n`, "gobwrap --ro-bind / / --seccomp-profile no-userns -- guest userns"),
	user(0, `1000 1000\n`, "gobwrap --ro-bind / / --seccomp-profile strict --seccomp-profile default -- guest ids"),
	user(0, `1000 1000\n`, "gobwrap --unshare-user --disable-userns --ro-bind / / -- guest ids"),
	user(3, `(?s)\{.*"child-pid".*"setup-complete": true.*"exit-code": 3.*`, "gobwrap --json-status-fd 2 --unshare-pid --ro-bind / / --dev /dev -- guest exit 3"),

	// Setuid mode, on a kernel that refuses.
	user(0, `1000 1000\n`, "gobwrap-setuid --ro-bind / / -- guest ids"),
	{Args: []string{">", "/proc/sys/user/max_user_namespaces", "0"}, output: "<nil>"},
	user(1, `(?s)gobwrap: .*`, "gobwrap --ro-bind / / -- guest ids"),
	user(0, `1000 1000\n`, "gobwrap-setuid --ro-bind / / -- guest ids"),
	user(0, `2\n`, "gobwrap-setuid --unshare-all --ro-bind / / --proc /proc --dev /dev -- guest pid"),
	user(0, `CapEff: 0000000000000000\nNoNewPrivs: 1\n`, "gobwrap-setuid --ro-bind / / -- guest status"),
	user(1, `(?s).*is not possible in setuid mode.*`, "gobwrap-setuid --ro-bind / / --cap-add ALL -- guest ids"),
	user(9, ``, "gobwrap-setuid --unshare-pid --ro-bind / / -- guest exit 9"),
}

// kernels are what scripts/packages-setup.sh fetches: Debian 12's, and the newest 7.x.
var kernels = map[string]string{"arm64-kernel": "boot/vmlinuz-6.*", "arm64-kernel-7": "usr/lib/modules/7.*/vmlinuz"}

// TestMachine boots each kernel and compares what it said of each case.
func TestMachine(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for name := range kernels {
		setup(t, name)
	}
	launcher, guest := build(t, "arm64", "./cmd/gobwrap", flags), build(t, "arm64", "./tests/tools/guest", "-s -w")
	cases, err := json.Marshal(launches)
	if err != nil {
		t.Fatal(err)
	}
	initramfs := filepath.Join(t.TempDir(), "initramfs")
	if err := os.WriteFile(initramfs, archive(t, map[string]any{"init": guest, "gobwrap": launcher, "cases": cases}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, image := range kernels {
		t.Run(name, func(t *testing.T) {
			found, err := filepath.Glob(filepath.Join(cache, "gobwrap/packages", name, "*", image))
			if err != nil || len(found) != 1 {
				t.Fatalf("%v, kernels: %q", err, found)
			}
			compare(t, boot(t, found[0], initramfs))
		})
	}
}

// boot returns the console's text.
func boot(t *testing.T, kernel, initramfs string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-aarch64", "-nodefaults", "-no-user-config", "-display", "none",
		"-machine", "virt", "-accel", "tcg,thread=multi", "-cpu", "cortex-a57", "-smp", "2", "-m", "512M",
		"-serial", "stdio", "-kernel", kernel, "-initrd", initramfs,
		"-no-reboot", "-append", "console=ttyAMA0 panic=-1 quiet loglevel=1 cryptomgr.notests")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("QEMU: %v\n%s", err, out)
	}
	return string(out)
}

// compare holds the results against the cases.
func compare(t *testing.T, console string) {
	t.Helper()
	n := 0
	for s := bufio.NewScanner(strings.NewReader(console)); s.Scan(); {
		line, ok := strings.CutPrefix(strings.TrimSpace(s.Text()), "RESULT ")
		if !ok {
			continue
		}
		var r struct {
			Status int
			Output string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil || n >= len(launches) {
			t.Fatalf("%v: %s", err, line)
		}
		l := &launches[n]
		n++
		if r.Status != l.status || !regexp.MustCompile(`^(?:`+l.output+`)$`).MatchString(r.Output) {
			t.Errorf("%d: %v: status %d, %q, not %d, %q", l.UID, l.Args, r.Status, r.Output, l.status, l.output)
		}
	}
	if n != len(launches) || !strings.Contains(console, "\nEND") {
		t.Errorf("%d results of %d cases; the console:\n%s", n, len(launches), console)
	}
}

// archive is an initramfs: cpio, format newc. Contents are bytes, or a file's name.
func archive(t *testing.T, files map[string]any) []byte {
	t.Helper()
	var buf bytes.Buffer
	add := func(name string, mode, dev int, data []byte) {
		minor := 0
		if dev != 0 {
			minor = 1
		}
		fmt.Fprintf(&buf, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			0, mode, 0, 0, 1, 0, len(data), 0, 0, dev, minor, len(name)+1, 0)
		buf.WriteString(name + "\x00")
		buf.Write(make([]byte, -buf.Len()&3))
		buf.Write(data)
		buf.Write(make([]byte, -buf.Len()&3))
	}
	add("dev", 0o040755, 0, nil)
	add("dev/console", 0o020600, 5, nil) // where init's output goes
	for name, content := range files {
		data, ok := content.([]byte)
		if path, isPath := content.(string); isPath {
			var err error
			if data, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		} else if !ok {
			t.Fatalf("%s: %T", name, content)
		}
		add(name, 0o100755, 0, data)
	}
	add("TRAILER!!!", 0, 0, nil)
	return buf.Bytes()
}
