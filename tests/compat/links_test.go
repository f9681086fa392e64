package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The ways out that a link in a directory of the host's could offer. Each is
// laid out in $W/d, which is bound to /d; $W/victim is what must not change.
var waysOut = map[string]struct{ link, target, use string }{
	"absolute": {"a", "/oldroot$W/victim", "/d/a/x"},
	"relative": {"r", "../../../../../../../../oldroot$W/victim", "/d/r/x"},
	"final":    {"f", "/oldroot$W/victim/x", "/d/f"},
	"proc":     {"p", "/proc/self/root/oldroot$W/victim", "/d/p/x"},
	"climbing": {"c", "../../victim", "/d/c/x"},
}

var makers = map[string]struct {
	options string
	fd      string
}{
	"dir": {"--dir DEST", ""}, "tmpfs": {"--tmpfs DEST", ""}, "symlink": {"--symlink y DEST", ""},
	"file": {"--file 11 DEST", "x"}, "bind-data": {"--bind-data 11 DEST", "x"}, "ro-bind-data": {"--ro-bind-data 11 DEST", "x"},
	"ro-bind": {"--ro-bind /usr DEST", ""}, "bind-file": {"--ro-bind /etc/passwd DEST", ""},
	"proc": {"--proc DEST", ""}, "dev": {"--dev DEST", ""}, "mqueue": {"--unshare-ipc --mqueue DEST", ""},
	"chmod": {"--chmod 0777 DEST", ""}, "remount": {"--remount-ro DEST", ""},
	"tmp-overlay": {"--overlay-src /usr --tmp-overlay DEST", ""},
}

// Whatever the status: nothing appears on the host outside of what was bound.
func TestDestinationsDoNotReachTheHost(t *testing.T) {
	deliberate(t, "dest-inside-host", func(t *testing.T, o on) bool {
		escapes := 0
		for way, out := range waysOut {
			for maker, m := range makers {
				if o.isReference && maker == "tmp-overlay" {
					continue // it may not know it
				}
				if o.escapes(t, out.link, out.target, strings.ReplaceAll(m.options, "DEST", out.use), m.fd) {
					escapes++
					if !o.isReference {
						t.Errorf("%s through a link of the kind %s reached the host", maker, way)
					}
				}
			}
		}
		return escapes == 0
	})
}

func (o on) escapes(t *testing.T, link, target, options, text string) bool {
	t.Helper()
	s, err := newSide(o.program, o.who)
	if err != nil {
		t.Fatal(err)
	}
	c := &testCase{
		setup: []string{"mkdir -m 0750 d victim; ln -s " + target + " d/" + link},
		run:   "$B --bind $W/d /d " + options + " -- /v exit 0",
		env:   environment, cwd: "/",
	}
	if text != "" {
		c.fds = []fdSpec{{11, "text", text}}
	}
	if _, err := c.execute(s); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(filepath.Join(s.scratch, "victim"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(s.scratch, "victim"))
	if err != nil {
		t.Fatal(err)
	}
	return len(names) > 0 || fmt.Sprint(info.Mode()) != "drwxr-x---"
}

// Links that a distribution has must go on working.
func TestHarmlessLinksWork(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		for name, c := range map[string]*testCase{
			"usr-merge": {
				run: "$B --ro-bind /usr /usr --symlink usr/lib /lib --tmpfs /usr/local --dir /lib/.. -- /v stat /lib",
			},
			"var-run": {
				setup: []string{"echo hi > sock"},
				run:   "$B --dir /run --dir /var --symlink ../run /var/run --bind $W/sock /var/run/cups/sock -- /v cat /run/cups/sock",
			},
			"latest": {
				setup: []string{"mkdir 1.2; echo hi > 1.2/f; ln -s ./1.2 latest"},
				run:   "$B --bind $W /w --ro-bind $W/latest /w/latest -- /v cat /w/1.2/f",
			},
			"host-link-source": {
				setup: []string{"mkdir real; echo hi > real/f; ln -s $W/real link"},
				run:   "$B --ro-bind $W/link /x -- /v cat /x/f",
			},
		} {
			t.Run(name, func(t *testing.T) {
				r := o.run(t, c)
				if o.isReference && name == "latest" && shows("symlink-destination") {
					if r.status != "1" || r.stdout != "" {
						t.Errorf("differences.md lists symlink-destination, but: status %s, stdout %q", r.status, r.stdout)
					}
					return
				}
				if r.status != "0" || r.stderr != "" || r.stdout == "" {
					t.Errorf("status %s, stdout %q, stderr %q", r.status, r.stdout, r.stderr)
				}
			})
		}
	})
}
