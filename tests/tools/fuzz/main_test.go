package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFind: the tests of the module, with what each is about.
func TestFind(t *testing.T) {
	t.Chdir("../../..")
	tests, err := find(".")
	if err != nil || len(tests) < 15 {
		t.Fatalf("%v, %d tests", err, len(tests))
	}
	page, err := os.ReadFile("docs/fuzzing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tests {
		if f.what == "" {
			t.Errorf("%s %s has no comment that says what holds", f.dir, f.name)
		}
		if !strings.Contains(string(page), "`"+f.dir+"` "+f.name+" |") {
			t.Errorf("docs/fuzzing.md does not have %s %s: run make fuzz-page", f.dir, f.name)
		}
	}
	// What is kept belongs to a test.
	kept, err := filepath.Glob("*/*/testdata/fuzz/*")
	if err != nil || len(kept) < 3 {
		t.Fatalf("%v, %q", err, kept)
	}
	for _, dir := range kept {
		found := false
		for _, f := range tests {
			found = found || f.corpus() == dir
		}
		if !found {
			t.Errorf("%s is the corpus of no test", dir)
		}
	}
}

// TestJudge: a run that ends by its time is clean, and one that found an input is not.
func TestJudge(t *testing.T) {
	failed := errors.New("exit status 1")
	const line = "fuzz: elapsed: 3s, execs: 1234 (411/sec), new interesting: 0 (total: 9)\n"
	for _, c := range []struct {
		said string
		err  error
		want bool
	}{
		{line + "PASS\n", nil, false},
		{line + "--- FAIL: FuzzX (3.00s)\n    context deadline exceeded\nFAIL\n", failed, false},
		{line + "Failing input written to testdata/fuzz/FuzzX/1\ncontext deadline exceeded\n", failed, true},
		{line + "FAIL\n", failed, true},
		{"no fuzz tests to fuzz\n", nil, true},
	} {
		if o := judge(c.said, c.err); o.failed != c.want || !o.failed && (o.executions != 1234 || o.took != 3*time.Second) {
			t.Errorf("%q: %+v", c.said, o)
		}
	}
}

// TestPublish replaces what is between the marks, and nothing else.
func TestPublish(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	for text, want := range map[string]string{"a\n" + begin + "old\n" + end + "b\n": "a\n" + begin + "new\n" + end + "b\n", "no marks\n": ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := publish(file, "new\n")
		have, _ := os.ReadFile(file)
		if want == "" && (err == nil || string(have) != text) || want != "" && string(have) != want {
			t.Errorf("%q: %v, %q", text, err, have)
		}
	}
}
