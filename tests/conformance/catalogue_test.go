package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	groups, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range groups {
		n += len(g.cases)
		for _, c := range g.cases {
			for _, m := range c.modes {
				if c.in(m)[0].verdict != pass {
					t.Errorf("%s [%s]: begins with what is not expected", c.name, m)
				}
			}
			own := slices.ContainsFunc(c.options, func(o string) bool { return slices.Contains(optionsOfGobwrap, o) })
			if own && g.name != "gobwrap" {
				t.Errorf("%s: %s: options of gobwrap's own belong to their own group", g.name, c.name)
			}
		}
	}
	if n < 300 {
		t.Errorf("%d cases", n)
	}
}

// TestEveryOption: what the programs list in --help is in the lists here, and each of
// them in a case at least.
func TestEveryOption(t *testing.T) {
	groups, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	var used, listed []string
	for _, g := range groups {
		for _, c := range g.cases {
			used = append(used, c.options...)
		}
	}
	for _, program := range []string{reference, subject} {
		out, err := exec.Command(program, "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range helpLine.FindAllStringSubmatch(string(out), -1) {
			listed = append(listed, m[1])
		}
	}
	if len(listed) < 100 {
		t.Fatalf("only %d options in --help", len(listed))
	}
	for _, option := range listed {
		if !slices.Contains(knownOptions(), option) {
			t.Errorf("%s is in --help, but not in options.go", option)
		}
	}
	for _, option := range knownOptions() {
		if !slices.Contains(used, option) {
			t.Errorf("no case has %s", option)
		}
		if !slices.Contains(listed, option) {
			t.Errorf("neither program lists %s", option)
		}
	}
}

func TestCasesMustMakeSense(t *testing.T) {
	for _, text := range []string{
		"status 0", "run x\nnonsense y", "run x\nas nobody", "run x\nas", "run x\nmatch (", "run x\nerr (", "run x\nfails (", "run x\nnot (",
		"run x\nhost x", "run x\nhost", "run x\ndiffers", "run x\nhole", "run x\nhole a b", "run x\nsince soon", "run x\nas user\nin setuid",
		"run bwrap --no-launcher-has-this x", "run x\nin nowhere",
	} {
		if _, err := parseCase("g", "c", text); err == nil {
			t.Errorf("no complaint about %q", text)
		}
	}
	for _, text := range []string{"", "Title\n", "-- c --\nrun x\n"} {
		if _, err := parseGroup("g.txtar", []byte(text)); err == nil {
			t.Errorf("no complaint about a group %q", text)
		}
	}
	c := []*testCase{{name: "c"}, {name: "c"}}
	if unique([]group{{cases: c}}) == nil {
		t.Error("no complaint about a name that is there twice")
	}
}

func TestOutcomes(t *testing.T) {
	c, err := parseCase("g", "c", "run x\nout a\ndiffers d\nout b\nin setuid root\nout c\nor\nout d\nhole h\nmatch e\nin root\nstatus 3")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		m    mode
		s    sighting
		want string
	}{
		{asUser, sighting{Status: "0", Out: "a\n"}, "pass"},
		{asUser, sighting{Status: "0", Out: "b\n"}, "differs d"},
		{asUser, sighting{Status: "0", Out: "c\n"}, "fail"},
		{asSetuid, sighting{Status: "0", Out: "a\n"}, "fail"},
		{asSetuid, sighting{Status: "0", Out: "c\n"}, "pass"},
		{asSetuid, sighting{Status: "0", Out: "d\n"}, "pass"},
		{asSetuid, sighting{Status: "0", Out: "see\n"}, "hole h"},
		{asSetuid, sighting{Status: "1", Out: "c\n"}, "fail"},
		{asRoot, sighting{Status: "3"}, "pass"},
	} {
		if got := c.judge(x.s, x.m, &program{}, strings.NewReplacer()).String(); got != x.want {
			t.Errorf("[%s] %+v: %s, not %s", x.m, x.s, got, x.want)
		}
	}
}

func TestExpectations(t *testing.T) {
	for _, x := range []struct {
		lines string
		s     sighting
		n     int
	}{
		{"", sighting{Status: "0"}, 0},
		{"", sighting{Status: "1"}, 1},
		{"", sighting{Status: "0", Out: "x\n", Err: "y"}, 2},
		{"status any", sighting{Status: "7", Err: "y"}, 0},
		{"out x", sighting{Status: "0", Out: "x\n"}, 0},
		{"out x", sighting{Status: "0", Out: "x"}, 1},
		{"out x\nout y", sighting{Status: "0", Out: "x\n"}, 1},
		{"match x\nnot y", sighting{Status: "0", Out: "ax\n"}, 0},
		{"match x\nnot y", sighting{Status: "0", Out: "xy\n"}, 1},
		{"not y", sighting{Status: "0", Out: "thing"}, 0},
		{"fails no", sighting{Status: "1", Err: "oh no"}, 0},
		{"fails no", sighting{Status: "1", Err: "oh no", Out: "x"}, 1},
		{"fails no", sighting{Status: "2", Err: "yes"}, 2},
		{"host +b\nhost ~a", sighting{Status: "0", Host: []string{"+b", "~a"}}, 0},
		{"host +b", sighting{Status: "0"}, 1},
		{"", sighting{Status: "0", Host: []string{"-x"}}, 1},
		{"out $W", sighting{Status: "0", Out: "/w\n"}, 0},
		{"match ^$W$", sighting{Status: "0", Out: "/w\n"}, 0},
	} {
		var e expectation
		for line := range strings.Lines(x.lines) {
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			if err := e.add(word, rest); err != nil {
				t.Fatal(err)
			}
		}
		e = e.expand(strings.NewReplacer("$W", "/w"))
		if bad := e.complaints(x.s); len(bad) != x.n {
			t.Errorf("%q, %+v: %q", x.lines, x.s, bad)
		}
	}
}

func TestVersions(t *testing.T) {
	for i, text := range []string{"0.8", "0.8.1", "0.11", "0.11.1", "1.0"} {
		v, err := parseVersion(text)
		w, _ := parseVersion("0.11")
		if err != nil || v.less(w) != (i < 2) || v.String() != text && v.String() != text+".0" {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	}
}
