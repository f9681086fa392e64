//go:build clients

package clients_test

import (
	"bytes"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// eachFlatpak runs a test with Debian's Flatpak and with the newer one of its backports.
func eachFlatpak(t *testing.T, test func(t *testing.T, release string)) {
	t.Helper()
	t.Parallel()
	cache, err := os.UserCacheDir()
	mustDo(t, err)
	newer := filepath.Join(cache, "gobwrap/packages/flatpak-backports/flatpak/usr")
	for name, release := range map[string]string{"debian": "", "backports": newer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(release); release != "" && err != nil {
				t.Fatalf("%v: run scripts/clients-setup.sh", err)
			}
			test(t, release)
		})
	}
}

// flatpakWorld has a launcher as FLATPAK_BWRAP; the one in /usr/bin is of no use.
func flatpakWorld(t *testing.T, launcher, variable, release string) *world {
	t.Helper()
	w := newWorld(t, launcher)
	w.env = append(w.env, "OVER_USR="+release)
	w.bwrap = "/bin/false"
	if variable == "" {
		variable = w.recorder
	}
	w.env = append(w.env, "FLATPAK_BWRAP="+variable)
	var icon bytes.Buffer
	mustDo(t, png.Encode(&icon, picture(64, 64)))
	w.give(t, "org.example.App.png", icon.Bytes())
	return w
}

// looked is what the application sees of its sandbox.
func looked(namespace string) map[string]string {
	return map[string]string{
		"app": "1", "user-namespace": namespace, "id": "12345", "seccomp": "2", "no-new-privs": "1", "interfaces": "1",
		"diary": "", "usr": "read-only", "app-dir": "read-only", "shared": "writable",
		"exit-status": "7", "sandbox-shared": "no", "sandbox-app": "1",
		"listed": "1", "killed": "137", "listed-after": "0", "icon": "1", "persisted": "text", "persisted-at": "text",
		"spawn-0-app": "1", "spawn-0-seccomp": "2", "spawn-0-shared": "writable", "spawn-0-diary": "", "spawn-0-seen": "no",
	}
}

// staysIn waits until the application stays, and looks where.
func staysIn(t *testing.T, r *run, launcher string) {
	t.Helper()
	r.appears(t, "shared/there")
	app := r.await(t, func(p process) bool { return begins("sh", "/app/bin/hello", "stay")(p) && !p.runs(launcher) })
	r.launchedBy(t, app, launcher)
	r.goOn(t)
}

// TestFlatpak: Flatpak builds, installs, runs, enters, lists and kills an application,
// and starts sandboxes that the application asks the portal for.
func TestFlatpak(t *testing.T) {
	eachFlatpak(t, testFlatpak)
}

func testFlatpak(t *testing.T, release string) {
	w := flatpakWorld(t, gobwrap, "", release)
	r := w.start(t, "flatpak.sh")
	staysIn(t, r, gobwrap)
	o := r.wait(t)
	facts := o.facts()
	expected := looked(facts["user-namespace"])
	maps.Copy(expected, map[string]string{
		"entered": facts["stays-in"],
		// The portal joins namespaces, or nests one: --userns, --userns2, --pidns.
		"spawn-32-app": "1", "spawn-32-seen": "yes", "spawn-32-seccomp": "2", "spawn-32-diary": "",
		"spawn-128-app": "1", "spawn-128-seen": "yes", "spawn-128-there": facts["spawn-128-here"],
	})
	o.says(t, expected)
	if o.Status != "0" || facts["stays-in"] == "" || facts["spawn-128-here"] == "" || facts["spawn-32-there"] == facts["spawn-32-here"] {
		t.Errorf("it failed: %s", o)
	}
	list := w.calls(t)
	want(t, list, 11, "hello", "--args", "--unshare-pid", "--seccomp", "--info-fd", "--lock-file", "--ro-bind-fd", "--file", "--perms")
	want(t, list, 11, "xdg-dbus-proxy", "--args", "--file")
	want(t, list, 2, "hello", "--pidns", "--userns", "--userns2")
	want(t, list, 1, "flatpak-validate-icon", "--unshare-pid", "--unshare-net", "--die-with-parent", "--chdir")
	want(t, list, 1, "sh", "--info-fd", "--seccomp", "--unshare-net")
	documented(t, map[bool]string{true: "Flatpak", false: "Flatpak 1.16"}[release == ""], list)
}

// TestFlatpakSetuid: the same where the kernel refuses user namespaces, with gobwrap
// installed set-user-id root. To enter a sandbox Flatpak needs user namespaces itself, and
// the portal sees by the set-user-id bit that it cannot have namespaces joined.
func TestFlatpakSetuid(t *testing.T) {
	eachFlatpak(t, testFlatpakSetuid)
}

func testFlatpakSetuid(t *testing.T, release string) {
	w := flatpakWorld(t, "/bin/false", installed, release)
	w.refuseNamespaces()
	r := w.start(t, "flatpak.sh")
	staysIn(t, r, installed)
	o := r.wait(t)
	host, _ := os.Readlink("/proc/self/ns/user")
	expected := looked(host)
	maps.Copy(expected, map[string]string{"entered": "no", "spawn-32-refused": "yes", "spawn-128-refused": "yes"})
	o.says(t, expected)
	if o.Status != "0" {
		t.Errorf("it failed: %s", o)
	}
}

// TestFlatpakControl: with a launcher that fails, and where user namespaces are refused
// with one that is not set-user-id, Flatpak fails as well.
func TestFlatpakControl(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]bool{"launcher-fails": false, "no-namespaces": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			launcher := map[bool]string{false: "/bin/false", true: gobwrap}[refuse]
			w := flatpakWorld(t, launcher, "", "")
			if refuse {
				w.refuseNamespaces()
			}
			if o := w.run(t, "flatpak.sh"); o.Status == "0" || len(w.calls(t)) == 0 {
				t.Errorf("it works without a launcher, or did not call it: %s", o)
			}
			left, _ := filepath.Glob(filepath.Join(w.home, "app/files/bin/hello"))
			if len(left) > 0 {
				t.Errorf("flatpak build had an effect: %v", left)
			}
		})
	}
}
