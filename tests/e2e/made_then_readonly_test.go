package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMadeThenReadOnly: what a launch has made lies on a mount that it then makes read-only,
// which the kernel refuses while a file there is open for writing.
func TestMadeThenReadOnly(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		args := append(box("--ro-bind", "/usr", "/usr", "--ro-bind-try", "/lib", "/lib", "--ro-bind-try", "/lib64", "/lib64",
			"--dev", "/dev", "--remount-ro", "/dev", "--tmpfs", "/t", "--ro-bind", filepath.Join(base, "bin"), "/t/d/bin",
			"--ro-bind", "/etc/passwd", "/t/f", "--remount-ro", "/t"),
			"/usr/bin/sh", "-c", "for d in /dev /t /t/d; do ( : >$d/x ) 2>/dev/null && echo $d; done; read -r line </t/f && echo \"$line\"")
		text, err := os.ReadFile("/etc/passwd")
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		launch{who: who, wrap: e.Wrap, args: args}.run(t).OK(t, line+"\n")
	})
}

// TestRootThroughLink: a destination that is a link to the new root covers it, and what comes
// after lands on what covers it.
func TestRootThroughLink(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		args := append(box("--dir", "/under", "--symlink", "/", "/l", "--tmpfs", "/l", "--dir", "/over",
			"--ro-bind", filepath.Join(base, "bin"), "/h"), "/h/probe", "echo", "in")
		launch{who: who, wrap: e.Wrap, args: args}.run(t).OK(t, "in\n")
	})
}
