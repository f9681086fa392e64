package compat

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The suite itself: that it reads what is written, and that it can fail.

func caseOf(t *testing.T, text string) *testCase {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.cases")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cases, err := parseCases(path)
	if err != nil {
		t.Fatal(err)
	}
	return cases[0]
}

// comparedWith pretends for a test, which must not run beside others, that the reference
// is of another release.
func comparedWith(t *testing.T, v version) {
	old := referenceVersion
	referenceVersion = v
	t.Cleanup(func() { referenceVersion = old })
}

func TestVerdicts(t *testing.T) {
	comparedWith(t, version{0, 11, 1})
	ran := result{status: "0", stdout: "ran\n"}
	failed := result{status: "1", stderr: "bwrap: No\n"}
	for _, v := range []struct {
		name          string
		text          string
		original, got result
		complaints    int
	}{
		{"both as written", "out ran", ran, ran, 0},
		{"both fail as written", "fails No", failed, failed, 0},
		{"neither as written", "out walked", ran, ran, 2},
		{"only one as written", "out ran", ran, failed, 1},
		{"a status nobody asked for", "", failed, failed, 2},
		{"equal except for the output", "", ran, result{status: "0", stdout: "walked\n"}, 1},
		{"equal except for the host", "", ran, result{status: "0", stdout: "ran\n", tree: "x"}, 1},
		{"equal except for a warning", "err .*", ran, result{status: "0", stdout: "ran\n", stderr: "w"}, 1},
		{"messages in other words", "fails (No|Never)", failed, result{status: "1", stderr: "gobwrap: Never\n"}, 0},
		{"a message without the words", "fails No", failed, result{status: "1", stderr: "gobwrap: Never\n"}, 1},
		{"output besides a failure", "fails No", failed, result{status: "1", stderr: "No", stdout: "ran\n"}, 1},
		{"listed and different", "differs x\nout ran\nref fails No", failed, ran, 0},
		{"listed and equal", "differs x\nout ran\nref out ran", ran, ran, 1},
		{"listed, different, not as promised", "differs x\nout walked\nref fails No", failed, ran, 1},
		{"newer and as written", "since 9.0\nout ran", result{}, ran, 0},
		{"newer and not as written", "since 9.0\nout walked", result{}, ran, 1},
		{"loose", "loose\nmatch n$", ran, result{status: "0", stdout: "gone\nagain\n"}, 0},
	} {
		got := caseOf(t, "case x\nrun y\n"+v.text+"\n").verdict(v.original, v.got)
		if len(got) != v.complaints {
			t.Errorf("%s: %d complaints, want %d: %s", v.name, len(got), v.complaints, strings.Join(got, "\n"))
		}
	}
}

// Of a reference whose messages are others, only a message is asked.
func TestMessagesOfNewerReferences(t *testing.T) {
	comparedWith(t, version{0, 13, 1})
	c := caseOf(t, "case x\nrun y\nfails No such")
	got := result{status: "1", stderr: "gobwrap: No such\n"}
	for _, original := range []result{{status: "1", stderr: "bwrap: None\n"}, {status: "1"}} {
		complaints := c.verdict(original, got)
		if (len(complaints) == 0) != (original.stderr != "") {
			t.Errorf("%q: %s", original.stderr, strings.Join(complaints, "\n"))
		}
	}
}

func TestLinesForAMode(t *testing.T) {
	t.Parallel()
	const text = "case x\nrun a\nrun b\nout o\nfails f\nref out r\ndiffers d\nsetuid run c\nsetuid run d\nauto ref silent\nauto ref status 3\n" +
		"setuid fails g\nsetuid+auto differs e\nsetuid match h\nauto differs none\n"
	c := caseOf(t, text)
	plain, setuid, auto := c.inMode("", user), c.inMode("setuid", user), c.inMode("auto", user)
	if c.inMode("setuid", root) != c || plain.run != "a b" || plain.differs != "d" || plain.both.err.String() != "(?m)f" || plain.ref.out == nil {
		t.Errorf("without a mode: %+v", plain)
	}
	if setuid.run != "c d" || setuid.differs != "e" || setuid.both.err.String() != "(?m)g" || len(setuid.both.match) != 1 || setuid.both.out != nil || setuid.ref.out != nil {
		t.Errorf("in mode setuid: %+v", setuid)
	}
	if auto.run != "a b" || auto.differs != "" || auto.both.out == nil || !auto.ref.silent || auto.ref.status != "3" || auto.ref.out != nil {
		t.Errorf("in mode auto: %+v", auto)
	}
}

func TestLinesForAReference(t *testing.T) {
	old := listed
	defer func() { listed = old }()
	listed = map[string]span{"old": {before: version{0, 12}}, "new": {since: version{0, 13}}}
	c := caseOf(t, "case x\nrun a\nsince 0.9\ndiffers old\nref out r\nfrom 0.12 differs new\nfrom 0.12 ref fails f\n")
	for _, want := range []struct {
		version version
		newer   bool
		differs string
		out     int
		status  string
	}{
		{version{0, 8, 0}, true, "old", 1, ""},
		{version{0, 11, 1}, false, "old", 1, ""},
		{version{0, 12, 0}, false, "", 0, ""},
		{version{0, 13, 1}, false, "new", 0, "1"},
	} {
		comparedWith(t, want.version)
		got := c.withReference()
		if got.newer() != want.newer || got.differs != want.differs || len(got.ref.out) != want.out || got.ref.status != want.status {
			t.Errorf("%v: newer %v, %+v", want.version, got.newer(), got)
		}
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]span{
		"all":                     {},
		"since 0.12":              {since: version{0, 12}},
		"before 0.13.1":           {before: version{0, 13, 1}},
		"since 0.9 before 0.12.0": {since: version{0, 9}, before: version{0, 12}},
	} {
		if got, err := parseSpan(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0.12", "since", "since x", "since 0.1.2.3", "before 0.12 since 0.9"} {
		if _, err := parseSpan(text); err == nil {
			t.Errorf("no complaint about %q", text)
		}
	}
}

func TestCaseFilesMustMakeSense(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"run before any case", "case x\nnonsense y", "case x\nas nobody", "case x\nmatch (", "case x\nfd x text y",
		"case x\nsetuid nonsense y", "case x\nsince then", "case x\nfrom 0.13 nonsense", "case x\nfrom then differs y", "case x\nsetuid", "case x\nauto match (",
	} {
		path := filepath.Join(t.TempDir(), "x.cases")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := parseCases(path); err == nil {
			t.Errorf("no complaint about %q", text)
		}
	}
}

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"a b":             {"a", "b"},
		"  a\t b ":        {"a", "b"},
		`'a b' "c d"`:     {"a b", "c d"},
		`a'b c'd`:         {"ab cd"},
		`'' ""`:           {"", ""},
		`'"' "'"`:         {`"`, "'"},
		`sh -c 'echo $0'`: {"sh", "-c", "echo $0"},
	} {
		if got, err := splitWords(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := splitWords("'a"); err == nil {
		t.Error("no complaint about an open quote")
	}
}

// A case without any case lines below it would test nothing.
func TestEveryCaseRunsSomething(t *testing.T) {
	t.Parallel()
	for _, file := range loadAll(t) {
		for _, c := range file.cases {
			if c.run == "" && c.name != "no-arguments" {
				t.Errorf("%s:%d: %s runs nothing", c.file, c.line, c.name)
			}
		}
	}
}
