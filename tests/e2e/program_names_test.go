package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Under a name of bwrap's, the launcher speaks as bwrap does.
func TestNames(t *testing.T) {
	t.Parallel()
	own := regexp.MustCompile(`^gobwrap \d+\.\d+\.\d+ \(bubblewrap \d+\.\d+\.\d+ compatible\)\n$`)
	theirs := regexp.MustCompile(`^bubblewrap \d+\.\d+\.\d+ \(gobwrap \d+\.\d+\.\d+\)\n$`)
	eachUser(t, func(t *testing.T, who identity) {
		dir := root.scratch(t)
		for name, bwrap := range map[string]bool{
			"gobwrap": false, "bwrap": true, "flatpak-bwrap": true, "srt-bwrap": true, "sandbox": false, "my-gobwrap": false, "bwrap2": false,
		} {
			program := filepath.Join(dir, name)
			if err := os.Link(who.launcher()[0], program); err != nil {
				t.Fatal(err)
			}
			version, prefix := own, "gobwrap"
			if bwrap {
				version, prefix = theirs, "bwrap"
			}
			o := launch{who: who, args: []string{program, "--version"}}.run(t)
			if o.Status != "0" || !version.MatchString(o.Stdout) || o.Stderr != "" {
				t.Errorf("%s --version: %s", name, o)
			}
			for _, args := range [][]string{{"--nonsense"}, {"--ro-bind", "/nonexistent", "/", "true"}, {"--ro-bind", base, "/", "/nonexistent"}} {
				o = launch{who: who, args: slices.Concat([]string{program}, who.launcher()[1:], args)}.run(t)
				if complaint := o.Message(prefix); complaint != "" || o.Status != "1" {
					t.Errorf("%s %s: %s: %s", name, args, complaint, o)
				}
			}
			o = launch{who: who, args: []string{program, "--level-prefix", "--nonsense"}}.run(t)
			if !strings.HasPrefix(o.Stderr, "<3>"+prefix+": ") {
				t.Errorf("%s --level-prefix: %s", name, o)
			}
			o = launch{who: who, args: []string{program, "--help"}}.run(t)
			if o.Status != "0" || !strings.HasPrefix(o.Stdout, "usage: "+program+" [OPTIONS...] [--] COMMAND [ARGS...]\n") {
				t.Errorf("%s --help: %s", name, o)
			}
		}
	})
}
