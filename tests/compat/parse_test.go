package compat

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// How many operands each option of the reference takes.
var operands = map[string]int{
	"--args": 1, "--bind": 2, "--bind-try": 2, "--dev-bind": 2, "--dev-bind-try": 2, "--ro-bind": 2,
	"--ro-bind-try": 2, "--bind-fd": 2, "--ro-bind-fd": 2, "--remount-ro": 1, "--proc": 1, "--dev": 1,
	"--tmpfs": 1, "--mqueue": 1, "--dir": 1, "--file": 2, "--bind-data": 2, "--ro-bind-data": 2,
	"--symlink": 2, "--chmod": 2, "--perms": 1, "--size": 1, "--chdir": 1, "--setenv": 2, "--unsetenv": 1,
	"--uid": 1, "--gid": 1, "--hostname": 1, "--userns": 1, "--userns2": 1, "--pidns": 1, "--lock-file": 1,
	"--sync-fd": 1, "--block-fd": 1, "--userns-block-fd": 1, "--info-fd": 1, "--json-status-fd": 1,
	"--seccomp": 1, "--add-seccomp-fd": 1, "--cap-add": 1, "--cap-drop": 1, "--exec-label": 1, "--file-label": 1,
}

// Those that take none.
var flags = []string{
	"--unshare-all", "--share-net", "--unshare-user", "--unshare-user-try", "--unshare-ipc", "--unshare-pid",
	"--unshare-net", "--unshare-uts", "--unshare-cgroup", "--unshare-cgroup-try", "--disable-userns",
	"--assert-userns-disabled", "--clearenv", "--new-session", "--die-with-parent", "--as-pid-1",
}

// What the reference here may lack.
var newerOptions = []string{
	"--argv0", "--level-prefix", "--overlay-src", "--overlay", "--tmp-overlay", "--ro-overlay", "--not-a-security-boundary",
}

// fails runs a command line that must be refused, by argv and by --args.
func (o on) fails(t *testing.T, pattern string, line ...string) {
	t.Helper()
	if setuid && o.isReference && slices.Contains(line, "--size") {
		pattern = "--size option is not permitted" // the difference setuid-size
	}
	c := &testCase{name: strings.Join(line, " "), env: environment, cwd: "/"}
	_ = c.both.add("fails", pattern) // the patterns compile
	quoted := make([]string, len(line))
	for i, word := range line {
		quoted[i] = "'" + word + "'"
	}
	c.run = strings.Join(quoted, " ")
	for _, via := range []*testCase{c, c.throughArgs()} {
		r := via.result(t, o.program, o.who)
		if problems := via.both.problems(r); len(problems) > 0 {
			t.Error(via.describe("here", r, problems))
		}
	}
}

func TestMissingOperands(t *testing.T) {
	words := []string{"", "(an|one) argument", "two arguments", "three arguments"}
	onBoth(t, func(t *testing.T, o on) {
		for option, n := range operands {
			if option == "--args" {
				continue // not in a file; args.cases has the rest
			}
			for given := range n {
				line := append([]string{option}, []string{"1", "2"}[:given]...)
				// The reference says --bind-fd where it means --ro-bind-fd.
				o.fails(t, fmt.Sprintf("%s takes %s", strings.Replace(option, "--ro-bind-fd", "--(ro-)?bind-fd", 1), words[n]), line...)
			}
		}
	})
}

func TestBadNumbers(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		for option, n := range operands {
			isFD := strings.HasSuffix(option, "-fd") || strings.Contains(" --file --bind-data --ro-bind-data --userns --userns2 --pidns --seccomp --args ", " "+option+" ")
			if !isFD || option == "--args" {
				continue
			}
			for _, bad := range []string{"x", "-1", "", "1x", "0x1", "1 ", "1.0", "99999999999999999999"} {
				line := append([]string{option, bad}, []string{"/x"}[:n-1]...)
				o.fails(t, "Invalid fd: "+regexp.QuoteMeta(bad), append(line, "--", "/v")...)
			}
		}
	})
}

// --perms and --size stand directly before what they apply to.
func TestModifiersAreFollowedByWhatTheyModify(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		takesPerms := " --dir --file --bind-data --ro-bind-data --tmpfs --size --perms --args "
		takesSize := " --tmpfs --perms --size --args "
		follow := map[string][]string{}
		for option, n := range operands {
			follow[option] = append([]string{option}, []string{"0", "0"}[:n]...)
		}
		for _, option := range flags {
			follow[option] = []string{option}
		}
		for option, line := range follow {
			line = append(line, "--unshare-user", "--unshare-uts", "--dir", "/x", "--", "/v")
			if !strings.Contains(takesPerms, " "+option+" ") {
				o.fails(t, "--perms must be followed by an option that creates a file|Only|requires|not comp|unknown cap|label", append([]string{"--perms", "0700"}, line...)...)
			}
			if !strings.Contains(takesSize, " "+option+" ") {
				o.fails(t, "--size must be followed by --tmpfs|Only|requires|not comp|unknown cap|label", append([]string{"--size", "4096"}, line...)...)
			}
		}
	})
}

func TestHelpNamesEveryOption(t *testing.T) {
	t.Parallel()
	named := func(program string) map[string]bool {
		out, err := exec.Command(program, "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		list := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^\s+(--[a-z0-9-]+)`).FindAllStringSubmatch(string(out), -1) {
			list[m[1]] = true
		}
		return list
	}
	theirs, ours := named(reference), named(subject)
	if len(theirs) < 50 {
		t.Errorf("the reference's help names only %d options", len(theirs))
	}
	for option := range theirs {
		if !ours[option] {
			t.Errorf("--help does not name %s", option)
		}
	}
	for _, option := range newerOptions {
		if !ours[option] {
			t.Errorf("--help does not name %s", option)
		}
	}
}

// Every option of the reference's help is in the tables of this test.
func TestTablesAreComplete(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(reference, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	known := "--help --version " + strings.Join(flags, " ") + " " + strings.Join(newerOptions, " ") + " "
	for option := range operands {
		known += option + " "
	}
	for _, m := range regexp.MustCompile(`(?m)^\s+(--[a-z0-9-]+)`).FindAllStringSubmatch(string(out), -1) {
		if !strings.Contains(known, m[1]+" ") {
			t.Errorf("%s is in no table here", m[1])
		}
	}
}

// Thousands of arguments, on the command line and in a file.
func TestManyArguments(t *testing.T) {
	deliberate(t, "arg-limit", func(t *testing.T, o on) bool {
		many := strings.Repeat("--setenv A 1 ", 4000)
		inArgv := o.run(t, &testCase{run: "$B " + many + "-- /v echo ran"})
		inFile := o.run(t, &testCase{run: "--args 11 $B -- /v echo ran", fds: []fdSpec{{11, "args", many}}})
		return inArgv.stdout == "ran\n" && inFile.stdout == "ran\n"
	})
}

// As many as the reference takes.
func TestQuiteManyArguments(t *testing.T) {
	onBoth(t, func(t *testing.T, o on) {
		many := strings.Repeat("--setenv A 1 ", 2900)
		r := o.run(t, &testCase{run: "--args 11 $B -- /v echo ran", fds: []fdSpec{{11, "args", many}}})
		if r.status != "0" || r.stdout != "ran\n" {
			t.Errorf("status %s, stdout %q, stderr %q", r.status, r.stdout, r.stderr)
		}
	})
}
