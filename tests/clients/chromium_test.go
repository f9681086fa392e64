//go:build clients

package clients_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The command lines of the process that reads a page, and of the one that started it.
var (
	rendererLine = regexp.MustCompile(`^\S*/chromium .*--type=renderer`)
	browserLine  = regexp.MustCompile(`^\S*/chromium .*--screenshot`)
)

// slow is put into the page, so that the process that reads it can be looked at.
const slow = "<script>for (const end = Date.now() + 2000; Date.now() < end; );"

// recipe is the command line of docs/clients.md that runs Chromium.
func recipe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/clients.md")
	mustDo(t, err)
	found := regexp.MustCompile(`(?m)^    gobwrap (?:.*\\\n)+.*page\.html\n`).FindString(string(text))
	if found == "" {
		t.Fatal("docs/clients.md has no recipe for Chromium")
	}
	return found
}

// chromium starts the recipe, perhaps with more options, in a world where gobwrap is on
// PATH and where there is no bwrap that works.
func chromium(t *testing.T, more string) *run {
	t.Helper()
	w := newWorld(t, "/bin/false")
	w.page(t, "<script>", slow)
	w.directory(t, "out")
	w.env[0] = "PATH=" + filepath.Dir(gobwrap) + ":/usr/bin:/bin"
	return w.start(t, "sh", "-ec", strings.Replace(recipe(t), "gobwrap ", "gobwrap "+more+" ", 1))
}

// TestChromium: Chromium, with its own sandbox on, takes a picture of a page inside
// gobwrap, with or without a filter of gobwrap's, and with the scopes that permit mounts. The process
// that reads the page is in user, PID and network namespaces below gobwrap's and has one filter more.
func TestChromium(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{
		"plain": "", "profile": "--seccomp-profile default", "scopes": "--scope-try signals --scope-try abstract-sockets",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := chromium(t, more)
			// Its processes write a command line of one word.
			browser := r.await(t, func(p process) bool { return browserLine.MatchString(strings.Join(p.words, " ")) })
			renderer := r.await(t, func(p process) bool {
				return rendererLine.MatchString(strings.Join(p.words, " ")) && p.filters() > browser.filters()
			})
			all := r.processes()
			if init := all[browser.parent]; !init.runs(gobwrap) {
				t.Errorf("the browser's parent is not gobwrap: %v", init)
			}
			for _, kind := range []string{"user", "pid", "net"} {
				outside, around, inside := all[r.cmd.Process.Pid].ns(kind), browser.ns(kind), renderer.ns(kind)
				if outside == around || around == inside || inside == "" {
					t.Errorf("%s namespaces: %s outside, %s of the browser, %s of the renderer", kind, outside, around, inside)
				}
			}
			o := r.wait(t)
			if o.Status != "0" {
				t.Fatalf("it failed: %s", o)
			}
			shows(t, filepath.Join(r.w.home, "out", "page.png"), 320, 240)
		})
	}
}

// TestChromiumControl: without user namespaces inside gobwrap, Chromium has no sandbox
// and says so: it was not off in the test above.
func TestChromiumControl(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"--unshare-user --disable-userns", "--seccomp-profile strict", "--seccomp-profile no-userns"} {
		t.Run(more, func(t *testing.T) {
			t.Parallel()
			r := chromium(t, more)
			o := r.wait(t)
			_, err := os.Stat(filepath.Join(r.w.home, "out", "page.png"))
			if o.Status == "0" || err == nil || !strings.Contains(o.Stderr, "No usable sandbox!") {
				t.Errorf("it works without user namespaces: %s", o)
			}
		})
	}
}
