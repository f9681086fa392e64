package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// The program as it is used, from a shell.

// build makes a copy of the test binary that is the program (TestMain), where everybody
// may start it.
func build(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "conformance-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "conformance")
	if err := copyTo("/proc/self/exe", path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// with is a command whose temporary files lie in a directory of their own.
func with(t *testing.T, program string, args ...string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "command-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, asProgram+"=1")
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, inside) })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, dir
}

// empty complains about what was left in a directory.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left in the directory for temporary files: %v, %v", entries, err)
	}
}

func TestCommand(t *testing.T) {
	program := build(t)
	good, odd := fake(t, honest), fake(t, "echo garbage; "+honest)
	for _, x := range []struct {
		name   string
		args   []string
		status int
		text   string
	}{
		{"well", []string{"-bwrap", good, "-mode", "root", "-run", "^binds/bind-"}, 0, `(?s)bind-directory +pass.*root: \d+ pass`},
		{"badly", []string{"-bwrap", odd, "-mode", "root", "-run", "^binds/bind-"}, 1, `FAIL binds/bind-directory \[root\]: output "garbage`},
		{"a hole", []string{"-bwrap", reference, "-mode", "user", "-run", "link-to-the-old-root-dir"}, 1, "holes: CVE-2026-87766\n"},
		{"a known hole", []string{"-bwrap", reference, "-mode", "user", "-run", "link-to-the-old-root-dir", "-known", "x,CVE-2026-87766"}, 0, `holes: CVE-2026-87766 \(known\)`},
		{"all modes", []string{"-bwrap", reference, "-run", "^command/exit-status$"}, 0, `exit-status +pass +pass +pass`},
		{"why and how long", []string{"-v", "-bwrap", odd, "-mode", "root", "-run", "command/exit-status$"}, 1, `(?s)exit-status \[root\] fail +\d+ ms\n +output "garbage.*bwrap \$SYS sh`},
		{"list", []string{"-list", "-run", "^front/"}, 0, `(?s)^front: Names.*  front/version user setuid root\n`},
		{"two programs", []string{"-bwrap", good, "-bwrap", odd, "-mode", "root", "-run", "command/exit-status$"}, 1, `(?s)exit-status +pass.*exit-status +fail`},
		{"no such program", []string{"-bwrap", "/no/such"}, 2, "no such file"},
		{"no launcher", []string{"-bwrap", "/bin/true"}, 2, "not compatible"},
		{"no such case", []string{"-run", "^nothing$"}, 2, "no case matches"},
		{"no such mode", []string{"-mode", "boss"}, 2, `invalid mode "boss"`},
		{"no such option", []string{"-x"}, 2, "not defined"},
		{"a stray word", []string{"x"}, 2, `what is "x"`},
		{"a bad expression", []string{"-run", "("}, 2, "error parsing"},
	} {
		t.Run(x.name, func(t *testing.T) {
			cmd, dir := with(t, program, x.args...)
			out, _ := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != x.status || !regexp.MustCompile(x.text).Match(out) {
				t.Errorf("%v, without %q:\n%s", cmd.ProcessState, x.text, out)
			}
			empty(t, dir)
		})
	}
}

// TestAsAnOrdinaryUser: without root there is one mode.
func TestAsAnOrdinaryUser(t *testing.T) {
	program := build(t)
	cmd, dir := with(t, program, "-run", "command/exit-")
	if err := os.Chown(dir, 23456, 23456); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 23456, Gid: 23456}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "not root, so in mode user only") || !regexp.MustCompile(`exit-status +pass\n`).Match(out) {
		t.Errorf("%v: %s", err, out)
	}
	empty(t, dir)
}

// TestEndedEarly: whatever signal ends the suite, nothing of it goes on, no file stays, and
// the set-user-id copy least of all.
func TestEndedEarly(t *testing.T) {
	program := build(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			marker := fmt.Sprint(4000 + time.Now().UnixNano()%1000000)
			hanging := fake(t, `case "$*" in *exit*) exec sleep `+marker+` ;; esac; `+honest)
			cmd, dir := with(t, program, "-bwrap", hanging, "-timeout", "10m", "-run", "command/exit-")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			await(t, func() bool { return running("sleep " + marker) })
			if sig == syscall.SIGKILL { // the whole group, as nothing is left to tell the workers
				_ = syscall.Kill(-cmd.Process.Pid, sig)
			} else {
				_ = cmd.Process.Signal(sig)
			}
			_ = cmd.Wait()
			if sig == syscall.SIGKILL {
				noFiles(t, dir)
				endByName(t, "sleep "+marker)
				return
			}
			if code := cmd.ProcessState.ExitCode(); code != 128+int(sig) {
				t.Errorf("status %d", code)
			}
			if running("sleep " + marker) {
				t.Error("a process goes on")
				endByName(t, "sleep "+marker)
			}
			empty(t, dir)
		})
	}
}

func await(t *testing.T, what func() bool) {
	t.Helper()
	if !harness.Until(what) {
		t.Fatal("it does not happen")
	}
}

// pidsOf finds the processes with a command line that nobody else has.
func pidsOf(line string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		var pid int
		if _, err := fmt.Sscanf(dir, "/proc/%d", &pid); err == nil && commandLine(pid) == line {
			pids = append(pids, pid)
		}
	}
	return pids
}

func running(line string) bool { return len(pidsOf(line)) > 0 }

func endByName(t *testing.T, line string) {
	t.Helper()
	await(t, func() bool { // one that was just being started comes later
		left := pidsOf(line)
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return len(left) == 0
	})
}

// noFiles: directories may stay where nobody had the time to remove them, but no file.
func noFiles(t *testing.T, dir string) {
	t.Helper()
	for name, text := range snapshot(dir) {
		if !strings.HasPrefix(text, "d") {
			t.Errorf("left: %s %s", name, text)
		}
	}
}

// TestTAP: the numbers are those of the plan, and every verdict has its form.
func TestTAP(t *testing.T) {
	cmd, _ := with(t, build(t), "-tap", "-mode", "user,root", "-run", "command/exit-status$|exec-script$|link-to-the-old-root-dir|^overlays/tmp-overlay$|tmpfs-size-is-a-limit|caps-of-root$")
	out, _ := cmd.Output()
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if lines[0] != "TAP version 13" {
		t.Errorf("%q", lines[0])
	}
	n := 0
	form := regexp.MustCompile(`^(not )?ok (\d+) - [^#]+( # (SKIP|TODO|differs|hole|fail) ?.*)?$`)
	for _, line := range lines[2:] {
		m := form.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%q", line)
			continue
		}
		if n++; m[2] != fmt.Sprint(n) {
			t.Errorf("number %d: %q", n, line)
		}
	}
	if lines[1] != fmt.Sprintf("1..%d", n) || n != 13 {
		t.Errorf("%q for %d lines", lines[1], n)
	}
	for _, want := range []string{
		"(?m)^ok .*command/exit-status \\[user\\]$", "(?m)^not ok .* # hole CVE-2026-87766$",
		"(?m)^ok .*tmp-overlay \\[root\\] # SKIP unsupported --", "(?m)^ok .*caps-of-root \\[user\\] # SKIP n/a$", "the host is as it was\\n$",
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("without %s:\n%s", want, out)
		}
	}
}

// TestJUnit: the file is well-formed and its counts are right.
func TestJUnit(t *testing.T) {
	odd := fake(t, `echo '<&>]]>'; `+honest)
	file := filepath.Join(t.TempDir(), "junit.xml")
	cmd, _ := with(t, build(t), "-bwrap", odd, "-junit", file, "-mode", "user,root", "-run", "command/exit-status$|caps-of-root$")
	out, _ := cmd.CombinedOutput()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var all junitSuites
	if err := xml.Unmarshal(data, &all); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	if len(all.Suites) != 3 {
		t.Fatalf("%d suites", len(all.Suites))
	}
	for i, want := range []junitSuite{{Tests: 2, Failures: 1, Skipped: 1}, {Tests: 2, Failures: 2}, {Tests: 1}} {
		got := all.Suites[i]
		failures := 0
		for _, c := range got.Cases {
			if c.Failure != nil {
				failures++
				if !strings.Contains(c.Failure.Text, `<&>]]>`) {
					t.Errorf("%s: %q", c.Name, c.Failure.Text)
				}
			}
		}
		if got.Tests != want.Tests || got.Failures != want.Failures || got.Skipped != want.Skipped || len(got.Cases) != want.Tests || failures != want.Failures {
			t.Errorf("%s: %+v", got.Name, got)
		}
	}
}

// TestMarkdown: results go between the marks, and a file without them is left alone.
func TestMarkdown(t *testing.T) {
	program := build(t)
	file := filepath.Join(t.TempDir(), "x.md")
	run := func() int {
		cmd, _ := with(t, program, "-md", file, "-mode", "root", "-run", "command/exit-status$")
		_ = cmd.Run()
		return cmd.ProcessState.ExitCode()
	}
	if code := run(); code != 0 {
		t.Errorf("a new one: status %d", code)
	}
	first, _ := os.ReadFile(file)
	if !strings.Contains(string(first), "| exit-status | pass |") {
		t.Errorf("%s", first)
	}
	if err := writeFile(file, []byte("# Title\n"+mdBegin+"old\n"+mdEnd+"end\n")); err != nil {
		t.Fatal(err)
	}
	code := run()
	if second, _ := os.ReadFile(file); code != 0 || string(second) != "# Title\n"+string(first)+"end\n" {
		t.Errorf("status %d: %s", code, second)
	}
	if err := writeFile(file, []byte("no marks\n")); err != nil {
		t.Fatal(err)
	}
	if code := run(); code != 2 {
		t.Errorf("without marks: status %d", code)
	}
	if third, _ := os.ReadFile(file); string(third) != "no marks\n" {
		t.Errorf("%s", third)
	}
}
