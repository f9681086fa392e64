package e2e_test

import (
	"strings"
	"testing"
)

// A command that is there and is not executed: the second line says what is missing, in
// words that no bubblewrap has; the first one is bubblewrap's.
func TestWhyNotExecuted(t *testing.T) {
	t.Parallel()
	dir := root.scratch(t)
	root.shell(t, dir, `
		printf '#! /nonexistent/python3 -I\n' >script; printf '#!/d/script\n' >indirect; printf '#!/h/probe\r\n' >crlf
		printf '#!/d/plain\n' >denied; printf 'true\n' >text; cp /usr/bin/true dynamic; cp /usr/bin/true plain
		mkfifo fifo; mkdir dir noexec; printf '#!/d/noexec/true\n' >through
		chmod 0755 script indirect crlf denied text dynamic fifo through; chmod 0644 plain`)
	host := "mount -t tmpfs none " + dir + "/noexec; cp /usr/bin/true " + dir + "/noexec; mount -o remount,noexec " + dir + "/noexec"
	const absent, denied = "No such file or directory", "Permission denied"
	for _, c := range []struct {
		command, errno string
		hint           []string // words of it; nil: there is none
	}{
		{"/d/script", absent, []string{"interpreter", `"/nonexistent/python3"`}},
		{"/d/indirect", absent, []string{"interpreter", `"/nonexistent/python3"`}},
		{"/d/crlf", absent, []string{"CR LF", `"/h/probe\r"`}},
		{"/d/text", absent, []string{`"/d/text"`, "/bin/sh"}},
		{"/d/dynamic", absent, []string{"loader", `"/lib`, "--symlink usr/lib64 /lib64"}},
		{"dynamic", absent, []string{"loader"}}, // through PATH
		{"/d/plain", denied, []string{"x bit", `"/d/plain"`}},
		{"/d/denied", denied, []string{"x bit", `"/d/plain"`}},
		{"plain", denied, []string{"x bit", `"/d/plain"`}},
		{"/d/dir", denied, []string{"directory"}},
		{"/d/fifo", denied, []string{"FIFO"}},
		{"/d/noexec/true", denied, []string{"noexec", `"/d/noexec/true"`}},
		{"/d/through", denied, []string{"noexec", `"/d/noexec/true"`}},
		{"/d/absent", absent, nil},
		{"absent", absent, nil},
		{"/d/plain/x", "Not a directory", nil},
	} {
		t.Run(strings.ReplaceAll(c.command, "/", "_"), func(t *testing.T) {
			t.Parallel()
			eachWho(t, func(t *testing.T, who identity) {
				for _, filtered := range []bool{false, true} {
					l := launch{who: who, host: host}
					options := []string{"--ro-bind", dir, "/d", "--setenv", "PATH", "/nonexistent:/d"}
					if filtered {
						options = append(options, "--seccomp-profile", "default", "--unshare-pid")
					}
					l.args = append(box(options...), c.command)
					o := l.run(t)
					o.Refused(t, "execvp "+c.command+": "+c.errno)
					_, hint, _ := strings.Cut(o.Stderr, "hint: ")
					for _, word := range c.hint {
						if !strings.Contains(hint, word) {
							t.Errorf("filtered %v: the hint lacks %s: %s", filtered, word, o)
						}
					}
					if c.hint == nil && hint != "" {
						t.Errorf("filtered %v: a hint: %s", filtered, o)
					}
				}
			})
		})
	}
}
