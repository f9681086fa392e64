package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

const honest = `exec ` + reference + ` "$@"`

// TestPlantedFailures: each of these launchers does one thing wrong, and is found out.
func TestPlantedFailures(t *testing.T) {
	for _, f := range []struct {
		name, script, text string
		want               verdict
		detail             string
	}{
		{"nothing wrong", honest, "T\n-- c --\nrun bwrap $SYS sh -c 'echo hi; exit 3'\nout hi\nstatus 3", pass, ""},
		{"status", reference + ` "$@"; exit 0`, "T\n-- c --\nrun bwrap $SYS sh -c 'exit 3'\nstatus 3", fail, "status 0, not 3"},
		{"status of a failure", reference + ` "$@" || exit 2`, "T\n-- c --\nrun bwrap $SYS --bind /no-such /x true\nfails Can't find", fail, "status 2, not 1"},
		{"killed", `kill -9 $$`, "T\n-- c --\nrun bwrap $SYS true", fail, "status 137, not 0"},
		{"a file on the host", `: >left; ` + honest, "T\n-- c --\nrun bwrap $SYS true", fail, `changes on the host: ["+left"], not []`},
		{"a file removed", `rm f; ` + honest, "T\n-- c --\nsetup : >f\nrun bwrap $SYS true", fail, `["-f"]`},
		{"a mode changed", `chmod 777 f; ` + honest, "T\n-- c --\nsetup : >f\nrun bwrap $SYS true", fail, `["~f"]`},
		{"contents changed", `echo x >f; ` + honest, "T\n-- c --\nsetup : >f\nrun bwrap $SYS true", fail, `["~f"]`},
		{"an option ignored", ignoring("--dir"), "T\n-- c --\nrun bwrap $SYS --dir /x test -d /x", fail, "status 1, not 0"},
		{"read-only ignored", `for a; do shift; [ "$a" = --ro-bind ] && a=--bind; set -- "$@" "$a"; done; ` + honest, "T\n-- c --\nsetup : >f\nrun bwrap $SYS --ro-bind f /f sh -c 'echo x >/f'\nstatus 2\nerr Read-only", fail, "status 0, not 2"},
		{"no namespace", ignoring1("--unshare-net"), "T\n-- c --\nrun test $(readlink /proc/self/ns/net) != $(bwrap $SYS --unshare-net --proc /proc readlink /proc/self/ns/net)", fail, "status 1, not 0"},
		{"a hang", `sleep 1000`, "T\n-- c --\nrun bwrap $SYS true", fail, tooLate},
		{"a hang that is a child's", `(trap "" TERM HUP; setsid sleep 1000) & ` + honest, "T\n-- c --\nrun bwrap $SYS true", fail, "left behind, and killed: sleep 1000"},
		{"a hang of another session", `setsid sleep 1000`, "T\n-- c --\nrun bwrap $SYS true", fail, tooLate},
		{"garbage on standard output", `echo garbage; ` + honest, "T\n-- c --\nrun bwrap $SYS true", fail, `output "garbage\n", not ""`},
		{"garbage on standard error", `echo garbage >&2; ` + honest, "T\n-- c --\nrun bwrap $SYS true", fail, "on standard error: garbage"},
		{"garbage without an end", `while :; do echo garbage; done`, "T\n-- c --\nrun bwrap $SYS true", fail, tooLate},
		{"another message", reference + ` "$@" 2>/dev/null || { echo no >&2; exit 1; }`, "T\n-- c --\nrun bwrap $SYS --bind /no-such /x true\nfails Can't find", fail, "standard error lacks"},
		{"a hole", `: >victim/x; ` + honest, "T\n-- c --\nsetup mkdir victim\nrun bwrap $SYS true\nhole H-1\nhost +victim/x", hole, ""},
		{"a difference", `echo other; ` + honest, "T\n-- c --\nrun bwrap $SYS true\ndiffers d-1\nout other", differs, ""},
		{"neither of two", `echo third; ` + honest, "T\n-- c --\nrun bwrap $SYS true\ndiffers d-1\nout other", fail, `output "third\n"`},
		{"what it lacks", honest, "T\n-- c --\nrun bwrap $SYS --argv0 x true", unsupported, ""},
		{"what it lacks, and a mistake expected", honest, "T\n-- c --\nrun bwrap $SYS --argv0 a --argv0 b true\nfails --argv0", unsupported, ""},
		{"what older ones do", honest, "T\n-- c --\nsince 0.9\nrun bwrap $SYS true\nout never\nolder\nstatus 0", unsupported, ""},
		{"older than it is", honest, "T\n-- c --\nsince 0.3\nrun bwrap $SYS true\nout never\nolder\nstatus 0", fail, "older than 0.3"},
		{"a set-up that fails", honest, "T\n-- c --\nsetup exit 5\nrun bwrap $SYS true", fail, "setup exit 5: status 5"},
		{"a machine that lacks something", honest, "T\n-- c --\nneeds false\nrun bwrap $SYS true", notHere, ""},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			within := harness.Patience
			if f.detail == tooLate {
				within = 2 * time.Second
			}
			rep, trial := trialWithin(t, within, fake(t, f.script), f.text, asRoot)
			r := trial.results["c"][asRoot]
			if r.Verdict != f.want || !strings.Contains(r.Detail, f.detail) {
				t.Errorf("%v: %s", r, r.Detail)
			}
			if bad := rep.bad(nil); (bad > 0) != (f.want == fail || f.want == hole) {
				t.Errorf("%d counted as bad", bad)
			}
		})
	}
}

// ignoring is a launcher that overlooks an option with its operand; ignoring1, one that
// has none.
func ignoring(option string) string {
	return `skip=; for a; do shift; if [ "$skip" ]; then skip=; continue; fi; [ "$a" = ` + option + ` ] && { skip=1; continue; }; set -- "$@" "$a"; done; ` + honest
}

func ignoring1(option string) string {
	return `for a; do shift; [ "$a" = ` + option + ` ] || set -- "$@" "$a"; done; ` + honest
}

// tooLate is what is said of a case that hangs.
const tooLate = "did not end in time"

// TestFraud: a launcher that does nothing, and says that it was well, passes no case but
// those of --help and --version, which it answers, and those of holes, which it has not.
func TestFraud(t *testing.T) {
	groups, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	set := settings{programs: []string{fake(t, "exit 0")}, modes: []mode{asUser}, setuidArgs: "auto", workers: 8, patience: 400 * time.Millisecond}
	rep, err := testStage(t).perform(set, groups, nil)
	if err != nil {
		t.Fatal(err)
	}
	rep.programs[0].each(rep, func(c *testCase, _ mode, r result) {
		if (r.Verdict == pass || r.Verdict == differs) && c.group != "front" && c.group != "holes" {
			t.Errorf("%s/%s: %v", c.group, c.name, r)
		}
	})
	if n := rep.programs[0].counts(rep, asUser); n[fail] < 300 {
		t.Errorf("only %d failures", n[fail])
	}
}

// TestKnownHoles: a hole that is named as known is not a failure.
func TestKnownHoles(t *testing.T) {
	rep, _ := trialOf(t, fake(t, `: >x; `+honest), "T\n-- c --\nrun bwrap $SYS true\nhole H-1\nhost +x", asRoot)
	if rep.bad(nil) != 1 || rep.bad([]string{"H-2"}) != 1 || rep.bad([]string{"H-1", "H-2"}) != 0 {
		t.Error("holes are not counted as they are known")
	}
}

// TestLandmarks: files that appear where no case has to do are told.
func TestLandmarks(t *testing.T) {
	dir := t.TempDir()
	old := places
	places = []string{dir}
	defer func() { places = old }()
	rep, _ := trialOf(t, fake(t, `: >`+filepath.Join(dir, "left")+`; `+honest), "T\n-- c --\nrun bwrap $SYS true", asRoot)
	if len(rep.host) != 1 || !strings.HasSuffix(rep.host[0], "/left") || rep.bad(nil) != 1 {
		t.Errorf("%q", rep.host)
	}
}

// TestNoLauncher: what has not even the command line's help is not tried.
func TestNoLauncher(t *testing.T) {
	g := []group{{name: "g", title: "t", cases: []*testCase{{name: "c", modes: modes}}}}
	for _, program := range []string{"/bin/true", "/bin/false", "/no-such"} {
		if _, err := testStage(t).perform(settings{programs: []string{program}, modes: []mode{asRoot}, workers: 1}, g, nil); err == nil {
			t.Errorf("%s: no complaint", program)
		}
	}
}

// TestSetuidModeIsTheOneShown: a copy that does not use its set-user-id bit counts for
// nothing.
func TestSetuidModeIsTheOneShown(t *testing.T) {
	const text = "T\n-- c --\nrun bwrap $SYS --proc /proc cat /proc/self/uid_map >$T/m; cmp $T/m /proc/self/uid_map"
	g, err := parseGroup("more.txtar", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	set := settings{programs: []string{subject, reference}, modes: modes, setuidArgs: "", workers: 1, patience: harness.Patience}
	rep, err := testStage(t).perform(set, []group{g}, []string{text})
	if err != nil {
		t.Fatal(err)
	}
	gob, bw := rep.programs[0], rep.programs[1]
	if r := gob.results["c"][asSetuid]; r.Verdict != notHere || !strings.Contains(gob.skipped[asSetuid], "makes a user namespace") {
		t.Errorf("left to itself: %v, %s", r, gob.skipped[asSetuid])
	}
	if r := bw.results["c"][asSetuid]; r.Verdict != pass || bw.results["c"][asUser].Verdict != fail {
		t.Errorf("reference: %v, %v", r, bw.results["c"][asUser])
	}
}
