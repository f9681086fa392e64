// Package packaging installs the packages, Debian's on a machine that is a copy of this one and
// the others in roots of their own, and takes them away again.
package packaging

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/version"
)

// makePackages runs packages.sh for what is built in bin: some formats, or all.
func makePackages(t *testing.T, into string, environment []string, formats ...string) {
	t.Helper()
	cmd := exec.Command("../../packaging/packages.sh", append([]string{runtime.GOARCH, "../../bin", into}, formats...)...)
	cmd.Env = append(os.Environ(), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("packaging/packages.sh: %v\n%s", err, out)
	}
}

// all makes the packages of each format, once, and later ones, in the directory newer, of those
// that cannot be repacked.
func all(t *testing.T) string {
	t.Helper()
	if out, err := exec.Command("make", "--no-print-directory", "-C", "../..", "build-static").CombinedOutput(); err != nil {
		t.Fatalf("make build-static: %v\n%s", err, out)
	}
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer")
	if err := os.Mkdir(newer, 0o755); err != nil {
		t.Fatal(err)
	}
	makePackages(t, dir, nil)
	makePackages(t, newer, []string{"RELEASE=99"}, "rpm", "apk", "archlinux")
	return dir
}

// foreign is where scripts/packages-setup.sh unpacks packages of other releases.
func foreign(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "gobwrap", "packages")
}

// TestPackages runs each scenario of testdata on a machine of its own.
func TestPackages(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	if out, err := exec.Command("../../scripts/packages-setup.sh", "apparmor", "families").CombinedOutput(); err != nil {
		t.Fatalf("packages-setup.sh: %v\n%s", err, out)
	}
	dir := all(t)
	t.Run("same wherever made", func(t *testing.T) { same(t, dir) })
	t.Run("apk", func(t *testing.T) { apk(t, dir) })
	t.Run("selinux", selinux)
	t.Run("dependencies", func(t *testing.T) { dependencies(t, dir) })
	for _, name := range []string{
		"plain", "setuid", "administrator", "as-bwrap", "diversion", "apparmor", "lint", "rpm", "archlinux",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(t, dir, name)
		})
	}
	t.Cleanup(func() {
		if _, err := os.Lstat("/usr/bin/gobwrap"); err == nil {
			t.Error("the machine's own /usr/bin has a gobwrap now")
		}
	})
}

// scenario runs a script of testdata on a copy of this machine, with the packages in dir.
func scenario(t *testing.T, dir, name string) {
	t.Helper()
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "testdata/machine.sh", dir, foreign(t), filepath.Join("testdata", name+".sh"))
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // where it mounts
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "scenario done\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// same: a package is the same, byte by byte, in another time zone, by another umask, on another
// file system. make repro compares all of them.
func same(t *testing.T, dir string) {
	again := t.TempDir()
	script := `mount -t tmpfs tmpfs "$0" && umask 077 && TMPDIR=$0 TZ=Pacific/Auckland exec ../../packaging/packages.sh "$@" deb`
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-ec", script, t.TempDir(), runtime.GOARCH, "../../bin", again)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("packaging/packages.sh: %v\n%s", err, out)
	}
	if out, err := exec.Command("diff", "-r", "--exclude=newer", "--exclude=*.rpm", "--exclude=*.apk", "--exclude=*.zst", dir, again).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	made, _ := filepath.Glob(again + "/*")
	if len(made) != 3 {
		t.Errorf("made: %q", made)
	}
}

// apk: what apk's reader insists on. It takes no other numbers than octal ones in a header
// (apk-tools 3.0, src/tar.c), where archive/tar would also write binary ones.
func apk(t *testing.T, dir string) {
	files := map[string]map[string]int64{}
	packages, _ := filepath.Glob(dir + "/*.apk")
	for _, name := range packages {
		modes := map[string]int64{}
		for n, member := range gunzip(t, name) {
			for at := 0; at+512 <= len(member) && member[at] != 0; {
				for _, field := range [][2]int{{100, 108}, {108, 116}, {116, 124}, {124, 136}, {136, 148}} {
					if number := strings.Trim(string(member[at+field[0]:at+field[1]]), " \x00"); strings.Trim(number, "01234567") != "" {
						t.Errorf("%s: %.100q: the number %q is not octal", name, member[at:], number)
					}
				}
				size, _ := strconv.ParseInt(strings.Trim(string(member[at+124:at+136]), " \x00"), 8, 64)
				at += 512 + int(size+511)/512*512
			}
			if n == 0 {
				continue
			}
			for r := tar.NewReader(bytes.NewReader(member)); ; {
				h, err := r.Next()
				if err != nil {
					break
				}
				modes[h.Name] = h.Mode
			}
		}
		pkg, _, _ := strings.Cut(filepath.Base(name), "_")
		files[pkg] = modes
	}
	if got := files["gobwrap-setuid"]["usr/bin/gobwrap"]; got != 0o4755 {
		t.Errorf("gobwrap-setuid: mode %o", got)
	}
	if got := files["gobwrap"]["usr/bin/gobwrap"]; got != 0o755 {
		t.Errorf("gobwrap: mode %o", got)
	}
	delete(files["gobwrap-setuid"], "usr/bin/gobwrap")
	delete(files["gobwrap"], "usr/bin/gobwrap")
	if !maps.Equal(files["gobwrap"], files["gobwrap-setuid"]) {
		t.Errorf("gobwrap has %v and gobwrap-setuid %v", files["gobwrap"], files["gobwrap-setuid"])
	}
}

// TestRecipes: the ebuild and the expression for nixpkgs can be read, are of this version, and
// come to what they should; the tools that would build by them are not in Debian.
func TestRecipes(t *testing.T) {
	ebuild := filepath.Join("../../packaging/gentoo", "gobwrap-"+version.Own+".ebuild")
	script := `
		inherit() { :; }
		use() { [[ " $USES " == *" $1 "* ]]; }
		emake() { echo "make $*"; }
		dosym() { echo "link $*"; }
		fperms() { echo "mode $*"; }
		tc-getCC() { echo gcc; }
		PV=$1 P=gobwrap-$1 D=/d EPREFIX= USES=$2
		source "$0"
		[[ $EAPI = 8 && -n $LICENSE && -n $SRC_URI ]] && src_compile && src_install`
	for uses, want := range map[string]string{
		"seccomp bwrap suid": "make bin/gobwrap bin/gobwrap-limit bin/third-party-licences\nmake bin/gobwrap-seccomp\nmake DESTDIR=/d PREFIX=/usr install\n" +
			"link gobwrap /usr/bin/bwrap\nlink gobwrap.1 /usr/share/man/man1/bwrap.1\nmode 4755 /usr/bin/gobwrap\n",
		"": "make bin/gobwrap bin/gobwrap-limit bin/third-party-licences\nmake DESTDIR=/d PREFIX=/usr install\n",
	} {
		out, err := exec.Command("bash", "-euc", script, ebuild, version.Own, uses).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("USE=%q: %v: %s", uses, err, out)
		}
	}

	text, err := os.ReadFile("../../packaging/nix/package.nix")
	if err != nil || !strings.Contains(string(text), `version = "`+version.Own+`";`) {
		t.Errorf("%v: package.nix is of another version", err)
	}
	if _, err := exec.LookPath("nix-instantiate"); err != nil {
		t.Fatal("there is no nix-instantiate to read package.nix with (scripts/packages-setup.sh families)")
	}
	const call = `
		(import ../../packaging/nix/package.nix {
			lib = { fakeHash = "x"; optionalString = c: s: if c then s else ""; licenses.asl20 = 1; };
			buildGoModule = a: a; fetchFromGitHub = a: a.rev; libseccomp = 1; pkg-config = 2; asBwrap = true;
		}).installPhase`
	out, err := exec.Command("nix-instantiate", "--eval", "--strict", "-E", call).Output()
	if err != nil || !strings.Contains(string(out), `make install DESTDIR= PREFIX=$out\nln -s gobwrap $out/bin/bwrap`) {
		t.Errorf("package.nix: %v: %s", err, out)
	}
}

// gunzip returns the parts of a file, each compressed for itself.
func gunzip(t *testing.T, name string) (members [][]byte) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	buffered := bufio.NewReader(file)
	z, err := gzip.NewReader(buffered)
	for ; err == nil; err = z.Reset(buffered) {
		z.Multistream(false)
		member, err := io.ReadAll(z)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		members = append(members, member)
	}
	if err != io.EOF {
		t.Fatalf("%s: %v", name, err)
	}
	return members
}

// selinux: the module compiles with Debian's reference policy, and so does one of a site's that
// uses it. That has no class user_namespace yet, so nothing is linked.
func selinux(t *testing.T) {
	dir := t.TempDir()
	script := `
		cp ../../packaging/selinux/gobwrap.* "$0"
		cd "$0"
		printf 'policy_module(site, 1)\ngen_require(\140 type user_t; role user_r; \047)\ngobwrap_run(user_t, user_r)\n' >site.te
		exec make -f /usr/share/selinux/devel/Makefile NAME=default gobwrap.pp site.pp`
	out, err := exec.Command("sh", "-ec", script, dir).CombinedOutput()
	if err != nil || strings.Contains(strings.ToLower(string(out)), "warning") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"gobwrap.pp", "site.pp"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// dependencies: gobwrap.yaml names the libraries that dpkg-shlibdeps finds.
func dependencies(t *testing.T, dir string) {
	work := t.TempDir()
	if err := os.MkdirAll(work+"/debian", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(work+"/debian/control", []byte("Source: gobwrap\n\nPackage: gobwrap\nArchitecture: any\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs("../../bin/gobwrap-seccomp")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dpkg-shlibdeps", "-O", "-e"+program)
	cmd.Dir = work
	want, err := cmd.Output()
	if err != nil {
		t.Fatalf("dpkg-shlibdeps: %v", err)
	}
	debs, _ := filepath.Glob(dir + "/gobwrap_*.deb")
	got, err := exec.Command("dpkg-deb", "-f", debs[0], "Depends").Output()
	if err != nil {
		t.Fatal(err)
	}
	if "shlibs:Depends="+string(got) != string(want) {
		t.Errorf("Depends: %s, and dpkg-shlibdeps says %s", got, want)
	}
}
