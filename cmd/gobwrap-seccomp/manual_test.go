package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestManual: the manual's synopsis has the words of the usage text.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("gobwrap-seccomp.1")
	if err != nil {
		t.Fatal(err)
	}
	_, synopsis, _ := strings.Cut(string(text), ".Sh SYNOPSIS\n")
	synopsis, options, _ := strings.Cut(synopsis, ".Sh DESCRIPTION\n")
	for i, section := range strings.Split(synopsis, ".Nm\n")[1:] {
		var got []string
		for line := range strings.Lines(section) {
			word := strings.TrimSpace(line)
			for _, macro := range []string{".Cm ", ".Op ", ".Ar ", "Ar "} {
				word = strings.TrimPrefix(word, macro)
			}
			got = append(got, strings.Replace(strings.Replace(word, "Fl ", "-", 1), " Ar ", " ", 1))
		}
		c := commands()[i]
		want := []string{c.name}
		words := strings.NewReplacer("[", "", "]...", "", "]", "", "PROFILE...", "PROFILE ...", "ARGUMENT...", "ARGUMENT ...").Replace(c.operands)
		fields := strings.Fields(words)
		for len(fields) > 0 {
			n := 1
			if strings.HasPrefix(fields[0], "-") || len(fields) > 1 && fields[1] == "..." {
				n = 2
			}
			want = append(want, strings.Join(fields[:n], " "))
			fields = fields[n:]
		}
		if c.name == "test" {
			want[len(want)-1] = "ARGUMENT ..."
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the manual has %q, the usage %q", c.name, got, want)
		}
		for _, word := range want {
			if flag, ok := strings.CutPrefix(word, "-"); ok && !strings.Contains(options, ".It Fl "+flag[:strings.IndexByte(flag, ' ')]+" Ar ") {
				t.Errorf("the manual does not explain -%s", flag)
			}
		}
	}
	for _, name := range builtins() {
		if !strings.Contains(options, name) {
			t.Errorf("the manual lacks %s", name)
		}
	}
}
