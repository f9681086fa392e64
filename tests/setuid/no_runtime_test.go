package setuid_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ofRuntime matches calls that only the Go runtime makes, at its start.
var ofRuntime = regexp.MustCompile(`^\d+ +(sigaltstack|gettid|sched_getaffinity|madvise|tgkill|epoll_create1)\(`)

// started runs a launch under root's strace, with which set-id bits still count (execve(2)). It reports
// whether a Go runtime started, and whether there was a keeper.
func started(t *testing.T, l launch, on func(l launch) outcome) (runtime, keeper bool, o outcome) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "strace")
	l.wrap = append([]string{"strace", "-f", "-qq", "-o", log}, l.wrap...)
	o = on(l)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	// The programs that run before the launcher do not count.
	_, calls, found := strings.Cut(string(text), `execve("`+l.args[0])
	if !found {
		t.Fatalf("the launcher was not seen: %s", o)
	}
	for line := range strings.Lines(calls) {
		runtime = runtime || ofRuntime.MatchString(line)
		keeper = keeper || strings.Contains(line, "PR_GET_NO_NEW_PRIVS")
	}
	return runtime, keeper, o
}

// TestNoRuntime: a launch that succeeds does not start the Go runtime, in either mode. One that fails does, to
// print the message.
func TestNoRuntime(t *testing.T) {
	t.Parallel()
	plainly := func(l launch) outcome {
		l.who, l.wrap = nobody, slices.Concat(l.wrap, asMe)
		return l.run(t)
	}
	refusing := func(l launch) outcome {
		l.wrap = slices.Concat(l.wrap, asMe) // the tracer is that kernel's root
		return kernelOfRoot(l, nobodyMay).run(t)
	}
	for name, options := range map[string][]string{
		"minimal": {},
		"all":     all(),
		"reports": all("--json-status-fd", "3", "--info-fd", "3"),
		"lock":    {"--die-with-parent", "--new-session", "--lock-file", "/h/witness", "--seccomp-profile", "no-tty-injection"},
		"args":    {"--args", "3"},
	} {
		for _, c := range []struct {
			name string
			mode []string
			on   func(l launch) outcome
		}{
			{"auto", nil, plainly},
			{"direct", []string{"--mode", "direct"}, plainly},
			{"setuid", []string{"--mode", "setuid"}, plainly},
			{"refused", nil, refusing},
		} {
			t.Run(name+"-"+c.name, func(t *testing.T) {
				t.Parallel()
				l := launch{args: append(box(installed, slices.Concat(c.mode, options)...), "/h/probe", "echo", "in"), files: texts(t, []string{"--tmpfs\x00/t\x00"})}
				runtime, keeper, o := started(t, l, c.on)
				o.OK(t, "in\n")
				if runtime || !keeper {
					t.Errorf("a Go runtime: %v, a keeper: %v", runtime, keeper)
				}
			})
		}
	}
	// The controls: a runtime is detected, and so is the lack of a keeper.
	runtime, _, o := started(t, launch{args: append(byKeeper("--cap-add", "ALL"), "/h/probe")}, plainly)
	if o.Refused(t, "is not possible in setuid mode"); !runtime {
		t.Error("the message came without a runtime")
	}
	if _, keeper, _ := started(t, launch{args: append(box(gobwrap), "/h/probe", "echo", "in")}, plainly); keeper {
		t.Error("a binary without a set-id bit has a keeper")
	}
}
