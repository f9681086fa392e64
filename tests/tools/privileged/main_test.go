package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/linked"
)

// most bounds the lines of all parts. There are hardly fewer, so a change that adds some must
// say why they have to run there.
const most = 1000

// TestCount: functions that everybody would look for are in the part that they belong to,
// on both architectures, and those that come after it are not.
func TestCount(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		counts, err := count(arch)
		if err != nil {
			t.Fatal(err)
		}
		has := func(part int, name string) bool {
			return slices.ContainsFunc(counts[part], func(f function) bool { return f.name == name })
		}
		for name, part := range map[string]int{
			"entry": 0, "enterLauncher": 0, "Split": 0, "dropEffective": 0, "isInstalled": 0, "dropOther": 0, "dropAll": 0, "isDropped": 0, "forkKeeper": 0, "SetCaps": 0, "Call": 0, "Errno": 0, "setIDs": 0,
			"runKeeper": 1, "prepareMounts": 1, "becomeFirst": 1, "makeUserNS": 1, "writeMaps": 1, "enterNamespaces": 1, "makeSlaves": 1, "mayMountProc": 1, "readConf": 1, "ReadConf": 1, "(*Conf).addGroup": 1, "RaiseLoopback": 1,
			"Serve": 2, "receive": 2, "(*Job).do": 2, "(*Job).bind": 2, "(*Job).mountFS": 2, "(*Job).makeFrame": 2, "restrict": 2, "installFilter": 2,
			"Ask": -1, "LoopbackUp": -1, "Verify": -1, "CheckPlan": -1, "(*Conf).CheckSteps": -1, "Run": -1, "RunUnderKeeper": -1, "doStep": -1, "(*Root).bind": -1, "(*Root).walkFrom": -1,
			"forkFrontEnd": -1, "prepareRuntime": -1, "OpenFeed": -1, "execute": -1, "InstallFilter": -1, "ChangeDir": -1, "takeLocks": -1,
			"launchCommandLine": -1, "continueStart": -1, "otherInstall": -1, "launchWithoutFrontEnd": -1, "Parse": -1, "Compile": -1, "startThroughKeeper": -1, "runPlanMode": -1,
		} {
			for i := range counts {
				if has(i, name) != (i == part) {
					t.Errorf("%s: %s in part %d: %v", arch, name, i, has(i, name))
				}
			}
		}
		calls := func(part int, name string) bool {
			return slices.ContainsFunc(counts[part], func(f function) bool { return f.name == name && f.calls })
		}
		for name, want := range map[string]bool{"entry": true, "enterLauncher": true, "Call": true, "SetCaps": true, "Caller": false, "Auxv": false} {
			if calls(0, name) != want {
				t.Errorf("%s: a system call can be reached from %s: %v", arch, name, calls(0, name))
			}
		}
		total := 0
		for _, c := range counts {
			total += sum(c).lines
		}
		if total > most || total < 500 {
			t.Errorf("%s: %d lines with privilege, of at most %d", arch, total, most)
		}
	}
}

// TestReachComplains: a root or a cut that is no longer there is noticed.
func TestReachComplains(t *testing.T) {
	code := func(to string) []linked.Instruction { return []linked.Instruction{{Text: "CALL " + to + "(SB)"}} }
	im := &linked.Image{Arch: "amd64", Funcs: map[string]*linked.Function{
		linked.InChild + "a": {Name: linked.InChild + "a", Code: code(linked.InChild + "b.abi0")},
		linked.InChild + "b": {Name: linked.InChild + "b", Code: code(linked.InChild + "a")},
		linked.InChild + "c": {Name: linked.InChild + "c", Code: []linked.Instruction{{Text: "CALL AX"}}},
	}}
	a := []string{linked.InChild + "a"}
	if names, err := reach(im, part{roots: a, cuts: []cut{{"a", "b", ""}}}); err != nil || !slices.Equal(names, a) {
		t.Errorf("reached %v: %v", names, err)
	}
	for what, p := range map[string]part{
		"is not called": {roots: a, cuts: []cut{{"a", "b", ""}, {"b", "c", ""}}},
		"no such root":  {roots: []string{linked.InChild + "d"}},
		"indirect call": {roots: []string{linked.InChild + "c"}},
	} {
		if names, err := reach(im, p); err == nil {
			t.Errorf("%s: reached %v", what, names)
		}
	}
}

// TestLines: what counts as a line.
func TestLines(t *testing.T) {
	found, err := functions([]byte("package p\n\n// f is one.\n//\n// Really.\nfunc f() {\n\n\t// why\n\tx() // what\n}\n\nfunc (t *T) g() {}\n\n// stray\n\nfunc (t T) h() {\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]function{
		"f":      {name: "f", line: 3, lines: 8, code: 3},
		"(*T).g": {name: "(*T).g", line: 12, lines: 1, code: 1},
		"T.h":    {name: "T.h", line: 16, lines: 2, code: 2},
	} {
		if found[name] != want {
			t.Errorf("%s: %+v, want %+v", name, found[name], want)
		}
	}
	blocks := assembly("#include \"x\"\n\n// func a()\nTEXT ·a(SB),4,$0\n\tRET\n\n// more\n// and more\nTEXT ·b(SB),4,$0\n\tNOP // x\n\tRET\n")
	for name, want := range map[string]function{
		"a": {name: "a", line: 3, lines: 3, code: 2},
		"b": {name: "b", line: 7, lines: 5, code: 3},
	} {
		if blocks[name] != want {
			t.Errorf("%s: %+v, want %+v", name, blocks[name], want)
		}
	}
}

// TestPrinted: the tables and the totals agree.
func TestPrinted(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	totals := regexp.MustCompile(`(?m)^\d+ lines, \d+ of them code, in \d+ functions: `).FindAllString(out.String(), -1)
	if len(totals) != len(parts) {
		t.Fatalf("%d totals\n%s", len(totals), out.String())
	}
	for _, p := range parts {
		if strings.Count(out.String(), p.title) != 2 {
			t.Errorf("%q is not there twice", p.title)
		}
	}
}
