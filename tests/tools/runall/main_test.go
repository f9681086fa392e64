package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRun: packages that pass, fail, panic, skip and do not compile; the run goes on, and the
// end says which failed and why a test was skipped.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module github.com/gobwrap/gobwrap\n\ngo 1.24\n"), 0o644)
	for name, text := range map[string]string{
		"passes":   `func TestA(t *testing.T) { t.Log("of no interest") }`,
		"fails":    `func TestA(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Error("this is wrong") }) }`,
		"panics":   `func TestA(t *testing.T) { var m map[string]int; m["x"] = 1 }`,
		"skips":    `func TestA(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Skip("this kernel has none") }) }`,
		"compiles": `func TestA(t *testing.T) { nonsense }`,
	} {
		err = errors.Join(err, os.Mkdir(filepath.Join(dir, name), 0o755),
			os.WriteFile(filepath.Join(dir, name, "x_test.go"), []byte("package x\n\nimport \"testing\"\n\n"+text+"\n"), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-json", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local")
	said, _ := cmd.Output()
	var sum summary
	var out strings.Builder
	if err := sum.read(strings.NewReader(string(said)), "mode", &out); err != nil {
		t.Fatal(err)
	}
	sum.print(&out, time.Minute)
	for _, want := range []string{
		"pass passes (mode)", "fail fails (mode)", "this is wrong", "assignment to entry in nil map", "undefined: nonsense", "60 s in all",
		"Skipped:\n  skips (mode) TestA/sub: x_test.go:5: this kernel has none\n", "\nFailed:\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "of no interest") || len(sum.failed) != 3 {
		t.Errorf("failed %q:\n%s", sum.failed, out.String())
	}
}

// TestSteps: every package is in one step, and compat in each mode.
func TestSteps(t *testing.T) {
	out, err := exec.Command("go", "list", module+"/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	times := map[string]int{}
	for _, s := range steps(all) {
		for _, arg := range s.args {
			if path, ok := strings.CutPrefix(arg, "./"); ok {
				arg = module + "/" + path
			}
			times[arg]++
		}
	}
	for _, pkg := range all {
		want := 1
		if pkg == module+"/tests/compat" {
			want = 5
		}
		if times[pkg] != want {
			t.Errorf("%s is run %d times, want %d", pkg, times[pkg], want)
		}
	}
	for _, name := range longest {
		if times[module+"/"+name] == 0 || !strings.Contains(string(out), module+"/"+name+"\n") {
			t.Errorf("%s: no such package", name)
		}
	}
}

// TestLongSteps: every suite with a campaign is run at full length, and of compat in each mode what steps
// leaves out.
func TestLongSteps(t *testing.T) {
	run := map[string]bool{}
	left := map[string]int{}
	for _, s := range longSteps("/reference") {
		run[s.args[len(s.args)-1]] = true
		left[strings.ReplaceAll(strings.Join(s.env, " "), "PART=-", "PART=")]++
	}
	for _, s := range steps(nil) {
		if env := strings.Join(s.env, " "); strings.Contains(env, "PART=") && left[env] != 1 {
			t.Errorf("%q: the others are run %d times, want once", env, left[env])
		}
	}
	files, err := filepath.Glob("../../*/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		suite := "./tests/" + filepath.Base(filepath.Dir(path))
		if (strings.Contains(string(text), "harness.Times(") || strings.Contains(string(text), "harness.Long(")) && !run[suite] {
			t.Errorf("%s asks whether it is to run at full length, but -long leaves out %s", path, suite)
		}
	}
}
