//go:build clients

package clients_test

import (
	"path/filepath"
	"testing"
)

// TestWebKitGTK: a small browser loads a page; the process that reads it is in a sandbox
// of gobwrap's, which the library finds under the path that is compiled in.
func TestWebKitGTK(t *testing.T) {
	eachMode(t, func(t *testing.T, launcher string) {
		w := newWorld(t, launcher)
		w.page(t, "", "")
		r := w.start(t, "webkit.sh")
		r.appears(t, "snapshot.png")
		for _, program := range []string{"WebKitWebProcess", "xdg-dbus-proxy"} {
			p := r.await(t, begins(program))
			r.launchedBy(t, p, launcher)
			if p.field("Seccomp") != "2" || p.field("NoNewPrivs") != "1" {
				t.Errorf("%s has no filter", program)
			}
		}
		r.goOn(t)
		o := r.wait(t)
		o.says(t, map[string]string{"title": "answer 42", "web process": ""})
		if o.Status != "0" {
			t.Errorf("it failed: %s", o)
		}
		shows(t, filepath.Join(w.home, "snapshot.png"), 320, 240)
		list := w.calls(t)
		want(t, list, 1, "WebKitWebProcess", "--args", "--unshare-pid", "--unshare-net", "--seccomp", "--info-fd", "--dev-bind-try")
		want(t, list, 1, "xdg-dbus-proxy", "--args", "--unshare-pid", "--seccomp")
		documented(t, "WebKitGTK", list)
	})
}

// TestWebKitGTKControl: with a launcher that fails there is no page.
func TestWebKitGTKControl(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "/bin/false")
	w.page(t, "", "")
	if o := w.run(t, "webkit.sh"); o.Status == "0" || o.facts()["title"] != "" || len(w.calls(t)) == 0 {
		t.Errorf("it works without a launcher, or did not call it: %s", o)
	}
}
