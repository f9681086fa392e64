// Package install_test runs make install and make install-setuid, as root, into directories
// of their own.
package install_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// launcherFlags are those of the Makefile.
var launcherFlags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid= -E " + testbin.Entry}

// buildLauncher builds the launcher with further flags, and returns its path.
func buildLauncher(t *testing.T, cgo string, extra ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "gobwrap")
	args := append(append(append([]string{"build"}, launcherFlags...), extra...), "-o", out, "./cmd/gobwrap")
	cmd := exec.Command("go", args...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, text)
	}
	return out
}

// TestInstallSetuid: what make install-setuid leaves is root's, 4755, the binary itself,
// and there at once; what must not be set-user-id is refused and leaves nothing.
func TestInstallSetuid(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	for _, c := range []struct {
		name, binary, want string
	}{
		{"as built", buildLauncher(t, "0"), ""},
		{"coverage", buildLauncher(t, "0", "-cover"), "was built with -cover=true"},
		{"race detector", buildLauncher(t, "1", "-race"), "was built with -race=true"},
		{"without the mode", buildLauncher(t, "0", "-tags", "nosetuid"), "without the setuid mode"},
		{"no launcher", "/bin/false", "does not run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			target := filepath.Join(dir, "gobwrap")
			text, err := exec.Command("../../scripts/install-setuid.sh", c.binary, target).CombinedOutput()
			left, _ := os.ReadDir(dir)
			if c.want != "" {
				if err == nil || !strings.Contains(string(text), c.want) || len(left) != 0 {
					t.Errorf("%v, %d files left, %s", err, len(left), text)
				}
				return
			}
			var st syscall.Stat_t
			if err := syscall.Stat(target, &st); err != nil || st.Uid != 0 || st.Gid != 0 || st.Mode != syscall.S_IFREG|0o4755 || len(left) != 1 {
				t.Errorf("%v, %+v, %d files: %s", err, st, len(left), text)
			}
			if text, err := exec.Command("cmp", c.binary, target).CombinedOutput(); err != nil {
				t.Errorf("another file: %s", text)
			}
		})
	}
}

// installed is what make install leaves below PREFIX, with its modes.
var installed = map[string]os.FileMode{
	"bin/gobwrap":                                          0o755,
	"bin/gobwrap-limit":                                    0o755,
	"bin/gobwrap-seccomp":                                  0o755,
	"share/man/man1/gobwrap.1":                             0o644,
	"share/man/man1/gobwrap-limit.1":                       0o644,
	"share/man/man1/gobwrap-seccomp.1":                     0o644,
	"share/bash-completion/completions/gobwrap":            0o644,
	"share/zsh/site-functions/_gobwrap":                    0o644,
	"share/fish/vendor_completions.d/gobwrap.fish":         0o644,
	"share/bash-completion/completions/gobwrap-limit":      0o644,
	"share/zsh/site-functions/_gobwrap-limit":              0o644,
	"share/fish/vendor_completions.d/gobwrap-limit.fish":   0o644,
	"share/bash-completion/completions/gobwrap-seccomp":    0o644,
	"share/zsh/site-functions/_gobwrap-seccomp":            0o644,
	"share/fish/vendor_completions.d/gobwrap-seccomp.fish": 0o644,
	"share/doc/gobwrap/README.md":                          0o644,
	"share/doc/gobwrap/SECURITY.md":                        0o644,
	"share/doc/gobwrap/CHANGELOG.md":                       0o644,
	"share/doc/gobwrap/LICENSE":                            0o644,
	"share/doc/gobwrap/third-party-licences":               0o644,
	"share/doc/gobwrap/apparmor/gobwrap":                   0o644,
	"share/doc/gobwrap/selinux/gobwrap.te":                 0o644,
	"share/doc/gobwrap/selinux/gobwrap.fc":                 0o644,
	"share/doc/gobwrap/selinux/gobwrap.if":                 0o644,
}

// TestInstall: make install leaves these files and no others, whatever the umask; the
// compiler is found from the place, and the profile is for the place.
func TestInstall(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `make --no-print-directory bin/gobwrap-limit bin/gobwrap-seccomp; umask 077; exec make --no-print-directory install DESTDIR="$0" PREFIX=/opt/some`, dir)
	cmd.Dir = "../.."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, text)
	}
	prefix := filepath.Join(dir, "opt/some")
	wanted := maps.Clone(installed)
	for _, pattern := range []string{"docs/*.md", "docs/images/*.svg"} {
		pages, err := filepath.Glob("../../" + pattern)
		if err != nil || len(pages) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, page := range pages {
			wanted[filepath.Join("share/doc/gobwrap", filepath.Dir(pattern), filepath.Base(page))] = 0o644
		}
	}
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(prefix, path)
		found[name] = true
		info, err := entry.Info()
		if err == nil && info.Mode() != wanted[name] {
			t.Errorf("%s has the mode %v, not %v", name, info.Mode(), wanted[name])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range wanted {
		if !found[name] {
			t.Errorf("%s is missing", name)
		}
	}
	profile := filepath.Join(dir, "profile.json")
	if err := os.WriteFile(profile, []byte(`{"defaultAction":"SCMP_ACT_ALLOW"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(filepath.Join(prefix, "bin/gobwrap"), "--ro-bind", "/", "/", "--seccomp-profile", profile, "--", "true").CombinedOutput(); err != nil {
		t.Errorf("with a profile: %v: %s", err, text)
	}
	text, err := os.ReadFile(filepath.Join(prefix, "share/doc/gobwrap/apparmor/gobwrap"))
	if err != nil || !strings.Contains(string(text), "\nprofile gobwrap /opt/some/bin/gobwrap flags=(attach_disconnected, mediate_deleted) {\n") {
		t.Errorf("%v: the profile is not for the place:\n%s", err, text)
	}
	uninstall(t, dir, prefix)
}

// uninstall runs make uninstall: it removes what make install left and nothing beside it.
func uninstall(t *testing.T, dir, prefix string) {
	t.Helper()
	beside := filepath.Join(prefix, "share/man/man1/other.1")
	if err := os.WriteFile(beside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make", "--no-print-directory", "uninstall", "DESTDIR="+dir, "PREFIX=/opt/some")
	cmd.Dir = "../.."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make uninstall: %v\n%s", err, text)
	}
	for name := range installed {
		if _, err := os.Lstat(filepath.Join(prefix, name)); err == nil {
			t.Errorf("make uninstall leaves %s", name)
		}
	}
	if _, err := os.Stat(filepath.Join(prefix, "share/doc/gobwrap")); err == nil {
		t.Error("make uninstall leaves share/doc/gobwrap")
	}
	if _, err := os.Stat(beside); err != nil {
		t.Errorf("make uninstall removes another program's file: %v", err)
	}
}

// TestManualsAreClean: man has nothing to complain of.
func TestManualsAreClean(t *testing.T) {
	for _, page := range []string{"../../cmd/gobwrap/gobwrap.1", "../../cmd/gobwrap-limit/gobwrap-limit.1", "../../cmd/gobwrap-seccomp/gobwrap-seccomp.1"} {
		cmd := exec.Command("man", "--warnings", "--local-file", page)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80")
		var complaints strings.Builder
		cmd.Stderr = &complaints
		if text, err := cmd.Output(); err != nil || complaints.Len() > 0 || len(text) < 3000 {
			t.Errorf("%s: %v, %d bytes, %s", page, err, len(text), complaints.String())
		}
	}
}

// TestInstallLauncherAlone: without a C compiler, libseccomp and a compiler of profiles that
// has been built, make install installs the launcher, and says what it does not install.
func TestInstallLauncherAlone(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("sh", "-ec", `
		make --no-print-directory bin/gobwrap bin/third-party-licences
		mkdir "$0/bin" && cp bin/gobwrap "$0/bin"
		exec make --no-print-directory install BIN="$0/bin" DESTDIR="$0/to" PREFIX=/opt`, dir)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CC=/bin/false", "PKG_CONFIG=/bin/false")
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "gobwrap-seccomp is not built, and not installed") {
		t.Fatalf("%v: %s", err, text)
	}
	for name := range installed {
		_, err := os.Stat(filepath.Join(dir, "to/opt", name))
		if here, want := err == nil, !strings.Contains(name, "gobwrap-seccomp") && !strings.Contains(name, "gobwrap-limit"); here != want {
			t.Errorf("%s: %v, want %v", name, here, want)
		}
	}
}

// TestLicences: the list of licences is whole or not there: go list that fails, and a module
// without a licence, are errors of the script, and make keeps nothing of it.
func TestLicences(t *testing.T) {
	for _, fake := range []string{
		"echo module v1; exit 1",      // it fails after a line
		"exit 0",                      // it names nothing
		"echo module v1 /nonexistent", // nothing was downloaded
		"echo module v1",              // the same, as go list says it
	} {
		dir := t.TempDir()
		script := "#!/bin/sh\n[ \"$1\" = env ] && exec " + goTool(t) + " \"$@\"\n" + fake + "\n"
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("../../scripts/licences.sh")
		cmd.Env = append(os.Environ(), "PATH="+dir+":/usr/bin:/bin")
		if text, err := cmd.Output(); err == nil {
			t.Errorf("%s: %d bytes, and no error", fake, len(text))
		}
	}
	file := filepath.Join(t.TempDir(), "Makefile")
	text, err := os.ReadFile("../../Makefile")
	if err == nil {
		err = os.WriteFile(file, append(text, "\npart:\n\techo part >$@; false\n"...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make", "part")
	cmd.Dir = filepath.Dir(file)
	if said, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("%s", said)
	}
	if _, err := os.Stat(filepath.Join(cmd.Dir, "part")); err == nil {
		t.Error("make keeps what a recipe that failed has written")
	}
}

func goTool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
