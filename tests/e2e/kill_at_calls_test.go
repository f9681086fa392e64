package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// way is how a launch of the campaign comes about.
type way struct {
	name string
	who  identity
	args func(shape []string) []string // the words up to the command
}

// shapes are the options of the campaign's launches.
func shapes() map[string][]string {
	return map[string][]string{
		"plain":   {},
		"pid":     {"--unshare-pid", "--proc", "/proc"},
		"ranges":  {"--uid-map", "0:100000:100", "--gid-map", "0:100000:100", "--unshare-pid"},
		"reports": {"--unshare-pid", "--json-status-fd", "10", "--info-fd", "11"},
	}
}

// campaignWays are all ways to a sandbox. Ranges without root are for tests/ranges, whose
// machine has a newuidmap.
func campaignWays(t *testing.T) []way {
	t.Helper()
	line := func(more ...string) func([]string) []string {
		return func(shape []string) []string { return box(slices.Concat(more, []string{"--tmpfs", "/tmp"}, shape)...) }
	}
	oneshot := filepath.Join(base, "bin", "oneshot")
	if err := testbin.Go(oneshot, "../tools/oneshot", false); err != nil {
		t.Fatal(err)
	}
	hosted := func(launcher string, options ...string) func([]string) []string {
		return func(shape []string) []string {
			words := append([]string{oneshot}, options...)
			if slices.Contains(shape, "--unshare-pid") {
				words = append(words, "-unshare-pid")
			}
			if slices.Contains(shape, "--json-status-fd") {
				words = append(words, "-status", "10")
			}
			return append(words, launcher, filepath.Join(base, "bin"))
		}
	}
	return []way{
		{"direct-root", root, line("--unshare-user")},
		{"direct-user", user, line()},
		{"try-root", root, line("--unshare-user-try")},
		{"auto-permitted", either, line()},
		{"auto-refused", fallback, line()},
		{"setuid", setuid, line()},
		{"plan-user", user, hosted(gobwrap)},
		{"plan-root-try", root, hosted(gobwrap, "-try")},
		{"plan-auto-permitted", identity{name: "plan", id: user.id, setuid: true, may: true, planned: true}, hosted(installed)},
		{"plan-setuid", identity{name: "plan", id: user.id, setuid: true, may: true, planned: true}, hosted(installed, "-mode", "2")},
	}
}

// TestCampaign kills, and stops, each process of a launch at each system call that is made
// without the runtime, in every mode: no launch hangs, nothing is left, and each ends as the
// command did, with one sentence, or by the signal. The short form acts at a few calls of two
// processes, which the launch's name chooses, the long one at some more; GOBWRAP_TEST_STEP=1 takes
// every call, which is a matter of hours.
func TestCampaign(t *testing.T) {
	t.Parallel()
	victims := []string{"worker", "launcher", "child1", "child2", "child3", "last"}
	for i, w := range campaignWays(t) {
		for shape, options := range shapes() {
			if shape == "ranges" && (w.who != root || strings.HasPrefix(w.name, "plan")) || !selected(t, w.who) {
				continue
			}
			t.Run(w.name+"-"+shape, func(t *testing.T) {
				t.Parallel()
				chosen := startOf(t, 6)
				for k, victim := range victims {
					for m, verb := range []string{"kill", "stop"} {
						if !harness.Long() && (2*k+m)%6 != chosen-1 {
							continue
						}
						w.campaign(t, verb, victim, w.args(options), 7*i+5*k+3*m)
					}
				}
			})
		}
	}
}

// campaign acts at call after call, from the first or, in the short form, from one that start
// chooses.
func (w way) campaign(t *testing.T, verb, victim string, args []string, start int) {
	t.Helper()
	first, step := 1, 1
	switch {
	case os.Getenv("GOBWRAP_TEST_STEP") != "":
		var err error
		if step, err = strconv.Atoi(os.Getenv("GOBWRAP_TEST_STEP")); err != nil || step < 1 {
			t.Fatalf("GOBWRAP_TEST_STEP: %v", err)
		}
	case harness.Long():
		step = 151
	default:
		step = 211
	}
	if step > 1 {
		first = 1 + 17*start%97
	}
	for n := first; n < 2000; n += step {
		s := injectAt(t, w.who, engine{}, n, verb+"-"+victim, args, nil)
		if s.missed {
			if step == 1 && n < 30 {
				t.Errorf("that was not a full run: %d calls, %s", n, s)
			}
			return
		}
		if complaint := s.judge(verb, victim); complaint != "" {
			t.Errorf("%s-%s at %d: %s: %s", verb, victim, n, complaint, s)
		}
	}
}

// judge complains about the end of a launch of which a process was killed or stopped.
func (s injection) judge(verb, victim string) string {
	name := "gobwrap"
	if strings.HasPrefix(s.Stderr, "oneshot: ") {
		name = "oneshot"
	}
	switch {
	case s.left != "":
		return "something is left"
	case s.ran && s.end == "status 0" && s.Stderr == "":
		return ""
	case verb == "stop":
		return "it does not go on"
	case s.end == "status 137" && s.Stderr == "":
		// The launcher was killed, or the command was, or its init.
		if victim == "launcher" || s.ran || victim == "last" || victim == "worker" || strings.HasPrefix(victim, "child") {
			return ""
		}
		return "a signal that nobody has sent"
	case s.end == "status 1":
		return s.Message(name)
	}
	return "neither the command's end nor a sentence"
}
