package arm64

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

const flags = "-s -w -buildid= -E " + testbin.Entry

// build makes a program for an architecture, as make does.
func build(t *testing.T, arch, pkg, ldflags string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags="+ldflags, "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	cmd.Dir = "../.."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	return out
}

// setup fetches what is missing.
func setup(t *testing.T, what string) {
	t.Helper()
	if out, err := exec.Command("../../scripts/packages-setup.sh", what).CombinedOutput(); err != nil {
		t.Fatalf("packages-setup.sh: %v\n%s", err, out)
	}
}

// run runs a command and returns what it wrote and its exit status.
func run(t *testing.T, words ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
		t.Fatalf("%v: %v", words, e)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// TestSameAnswers: everything but a launch is the same on both machines: parsing, plans,
// texts, exit statuses.
func TestSameAnswers(t *testing.T) {
	setup(t, "arm64")
	foreign, own := build(t, "arm64", "./cmd/gobwrap", flags), build(t, "amd64", "./cmd/gobwrap", flags)
	for _, line := range []string{
		"--version",
		"--help",
		"",
		"--bogus",
		"--args x -- true",
		"--ro-bind / /",
		"--setup-exit-status 77 --bogus",
		"--setup-exit-status 0 -- true",
		"--cap-add cap_nothing -- true",
		"--level-prefix --mode none -- true",
		"--doctor=xml",
		"--dry-run --ro-bind / / -- /bin/true",
		"--dry-run --unshare-all --uid 5 --gid 6 --hostname h --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --symlink a /b --chmod 0700 /tmp -- true",
		"--dry-run --ro-bind / / --seccomp-profile no-userns --cap-drop ALL --new-session --die-with-parent -- true x y",
		"--dry-run --overlay-src / --tmp-overlay / -- true",
		"--dry-run --explain --unshare-user --ro-bind /usr /usr -- true",
	} {
		words := slices.Concat([]string{"-0", "gobwrap", foreign}, strings.Fields(line))
		out, errs, status := run(t, append([]string{"qemu-aarch64-static"}, words...)...)
		wantOut, wantErrs, wantStatus := run(t, append([]string{"bash", "-c", `exec -a gobwrap "$0" "$@"`, own}, strings.Fields(line)...)...)
		if status != wantStatus || plan(out) != plan(wantOut) || errs != wantErrs {
			t.Errorf("%s: status %d, not %d\n%s\n%s\nnot\n%s\n%s", line, status, wantStatus, out, errs, wantOut, wantErrs)
		}
	}
}

// plan leaves out what differs by nature: filters are another machine's, and which calls
// mount depends on what QEMU knows.
func plan(out string) string {
	var kept []string
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "seccomp") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// TestFeatures: the JSON is whole.
func TestFeatures(t *testing.T) {
	setup(t, "arm64")
	out, _, status := run(t, "qemu-aarch64-static", build(t, "arm64", "./cmd/gobwrap", flags), "--features")
	var features struct {
		Options []string
		Modes   []string
	}
	if err := json.Unmarshal([]byte(out), &features); err != nil || status != 0 || len(features.Options) < 70 || !slices.Equal(features.Modes, []string{"direct"}) {
		t.Errorf("%v, %d: %s", err, status, out)
	}
}

// TestNoLaunch: what QEMU does not translate ends with a message and status 1; the command
// does not run.
func TestNoLaunch(t *testing.T) {
	setup(t, "arm64")
	out, errs, status := run(t, "qemu-aarch64-static", build(t, "arm64", "./cmd/gobwrap", flags), "--ro-bind", "/", "/", "--", "/bin/echo", "ran")
	if out != "" || status != 1 || !strings.Contains(errs, "Creating new namespace failed: Invalid argument") {
		t.Errorf("%d, %q, %q", status, out, errs)
	}
}

// TestCompiler: gobwrap-seccomp for arm64 makes the filters that the one for this machine
// makes for arm64.
func TestCompiler(t *testing.T) {
	setup(t, "arm64")
	dir := t.TempDir()
	build := exec.Command("make", "--no-print-directory", "build-arm64", "BIN="+dir)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make build-arm64: %v\n%s", err, out)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	libseccomp := filepath.Join(cache, "gobwrap/packages/arm64/libseccomp2/usr/lib/aarch64-linux-gnu")
	foreign := []string{"qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", "-E", "LD_LIBRARY_PATH=" + libseccomp, filepath.Join(dir, "arm64/gobwrap-seccomp")}
	for _, profile := range []string{"default", "strict", "no-unix-sockets", "no-userns", "no-tty-injection"} {
		args := []string{"compile", "--arch", "arm64", "--kernel", "6.1", "--cap", "CAP_SYS_ADMIN", "../../seccomp/builtin/" + profile + ".json"}
		have, errs, status := run(t, append(slices.Clip(foreign), args...)...)
		want, _, wantStatus := run(t, append([]string{"../../bin/gobwrap-seccomp"}, args...)...)
		if have != want || len(have) < 80 || status != 0 || wantStatus != 0 {
			t.Errorf("%s: %d bytes and status %d, not %d and %d: %s", profile, len(have), status, len(want), wantStatus, errs)
		}
	}
	if out, _, status := run(t, append(foreign, "test", "no-userns", "unshare", "0x10000000")...); status != 0 || !strings.HasPrefix(out, "errno") {
		t.Errorf("test: %d %s", status, out)
	}
}
