package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestLaterMounts: what the host mounts while the sandbox is there does not appear below
// what is bound read-only, where it would be writable, nor below mounts that were there
// before. Below other binds it does, as in bubblewrap.
func TestLaterMounts(t *testing.T) {
	t.Parallel()
	const host = `mount --make-rshared /
mount -t tmpfs -o mode=755 none %[1]s; cd %[1]s; mkdir later sub talk
mount -t tmpfs -o mode=755 none sub; mkdir sub/later; mkfifo talk/started talk/mounted; chmod 0666 talk/*
{ read x < talk/started; mount -t tmpfs -o mode=1777 none later; mount -t tmpfs -o mode=1777 none sub/later; echo > talk/mounted; } &`
	const command = `echo > /talk/started; read x < /talk/mounted; for d in /d/later /d/sub/later; do
	if echo x > $d/file; then echo written; else echo refused; fi
done 2>/dev/null; cat /p/self/mountinfo`
	eachSide(t, func(t *testing.T, who identity, e engine) {
		for _, c := range []struct {
			options []string
			said    string
			later   bool
		}{
			{[]string{"--ro-bind", "$D", "/d"}, "refused\nrefused\n", false},
			{[]string{"--bind", "$D", "/d"}, "written\nwritten\n", true},
			{[]string{"--dev-bind", "$D", "/d"}, "written\nwritten\n", true},
			{[]string{"--ro-bind", "$D", "/d", "--bind", "$D/later", "/d/later"}, "written\nrefused\n", true},
			{[]string{"--ro-bind", "$D", "/d", "--bind", "$D/sub", "/d/sub"}, "refused\nwritten\n", true},
		} {
			dir := root.scratch(t)
			options := slices.Concat([]string{
				"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
				"--dev", "/dev", "--ro-bind", "/proc", "/p", "--bind", dir + "/talk", "/talk",
			}, c.options)
			for i := range options {
				options[i] = strings.ReplaceAll(options[i], "$D", dir)
			}
			o := launch{
				who: who, wrap: e.Wrap, host: fmt.Sprintf(host, dir),
				args: append(box(options...), "/bin/sh", "-c", command),
			}.run(t)
			flags := mountFlags(o.Stdout, "/d")
			_, later := flags["later"]
			_, below := flags["sub/later"]
			if o.Status != "0" || o.Stderr != "" || !strings.HasPrefix(o.Stdout, c.said) || (later || below) != c.later {
				t.Errorf("%q: %s", c.options, o)
			}
		}
	})
}
