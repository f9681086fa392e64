package main

import (
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestBetween(t *testing.T) {
	page := "a\n" + begin + "\nold\n" + end + "\nb\n"
	got, ok := between(page, "new\n")
	if want := "a\n" + begin + "\nnew\n" + end + "\nb\n"; !ok || got != want {
		t.Errorf("between = %q, %v, want %q", got, ok, want)
	}
	if _, ok := between("a\n"+begin+"\nno end\n", "new\n"); ok {
		t.Error("between found an end that is not there")
	}
	if _, ok := between("nothing", "new\n"); ok {
		t.Error("between found markers in a page without them")
	}
}

// The line that stands for Flatpak has to have its size.
func TestFlatpakLine(t *testing.T) {
	l, err := flatpak(&bench{scratch: "/scratch"})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1<<16)
	n, err := l.files[len(l.files)-1].ReadAt(data, 0)
	if n == 0 {
		t.Fatal("the arguments are empty:", err)
	}
	options := 0
	for word := range strings.SplitSeq(string(data[:n]), "\x00") {
		if strings.HasPrefix(word, "--") {
			options++
		}
	}
	if options < 60 {
		t.Errorf("%d options, want 60 or more", options)
	}
}
