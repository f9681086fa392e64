//go:build clients

package clients_test

import (
	"os"
	"path/filepath"
	"testing"
)

// flatpakWorld has a launcher as FLATPAK_BWRAP; the one in /usr/bin is of no use.
func flatpakWorld(t *testing.T, launcher, variable string) *world {
	t.Helper()
	w := newWorld(t, launcher)
	w.bwrap = "/bin/false"
	if variable == "" {
		variable = w.recorder
	}
	w.env = append(w.env, "FLATPAK_BWRAP="+variable)
	return w
}

// looked is what the application sees of its sandbox.
func looked(namespace string) map[string]string {
	return map[string]string{
		"app": "1", "user-namespace": namespace, "id": "12345", "seccomp": "2", "no-new-privs": "1", "interfaces": "1",
		"diary": "", "usr": "read-only", "app-dir": "read-only", "shared": "writable",
		"exit-status": "7", "sandbox-shared": "no", "sandbox-app": "1",
		"listed": "1", "killed": "137", "listed-after": "0",
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

// TestFlatpak: Flatpak builds, installs, runs, enters, lists and kills an application.
func TestFlatpak(t *testing.T) {
	t.Parallel()
	w := flatpakWorld(t, gobwrap, "")
	r := w.start(t, "flatpak.sh")
	staysIn(t, r, gobwrap)
	o := r.wait(t)
	facts := o.facts()
	expected := looked(facts["user-namespace"])
	expected["entered"] = facts["stays-in"]
	o.says(t, expected)
	if o.status != 0 || facts["stays-in"] == "" {
		t.Errorf("it failed: %s", o)
	}
	list := w.calls(t)
	want(t, list, 4, "hello", "--args", "--unshare-pid", "--seccomp", "--info-fd", "--lock-file", "--ro-bind-fd", "--file", "--perms")
	want(t, list, 3, "xdg-dbus-proxy", "--args", "--file")
	want(t, list, 1, "sh", "--info-fd", "--seccomp", "--unshare-net")
	documented(t, "Flatpak", list)
}

// TestFlatpakSetuid: the same where the kernel refuses user namespaces, with gobwrap
// installed set-user-id root. To enter a sandbox Flatpak needs user namespaces itself.
func TestFlatpakSetuid(t *testing.T) {
	t.Parallel()
	w := flatpakWorld(t, "/bin/false", installed)
	w.refuseNamespaces()
	r := w.start(t, "flatpak.sh")
	staysIn(t, r, installed)
	o := r.wait(t)
	host, _ := os.Readlink("/proc/self/ns/user")
	expected := looked(host)
	expected["entered"] = "no"
	o.says(t, expected)
	if o.status != 0 {
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
			w := flatpakWorld(t, launcher, "")
			if refuse {
				w.refuseNamespaces()
			}
			if o := w.run(t, "flatpak.sh"); o.status == 0 || len(w.calls(t)) == 0 {
				t.Errorf("it works without a launcher, or did not call it: %s", o)
			}
			left, _ := filepath.Glob(filepath.Join(w.home, "app/files/bin/hello"))
			if len(left) > 0 {
				t.Errorf("flatpak build had an effect: %v", left)
			}
		})
	}
}
