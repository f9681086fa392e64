package e2e_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// failure is a command line that comes to nothing, and what programs are told about it.
type failure struct {
	name    string
	options []string
	command []string // nil: one that would run
	want    map[string]any
	early   bool // before there is a sandbox
}

// failures are of every stage: words, combinations, sources, the tree, the payload.
func failures(dir string) []failure {
	member := func(stage, option, path string, errno syscall.Errno) map[string]any {
		m := map[string]any{"stage": stage}
		for key, value := range map[string]string{"option": option, "path": path} {
			if value != "" {
				m[key] = value
			}
		}
		if errno != 0 {
			m["errno"] = float64(errno)
		}
		return m
	}
	words := member("options", "", "", 0)
	return []failure{
		{"unknown option", []string{"--bogus"}, nil, words, true},
		{"operand missing", []string{"--bind", "/usr"}, []string{}, words, true},
		{"operand that cannot be", []string{"--uid", "x"}, nil, words, true},
		{"value that cannot be", []string{"--fallback-proc=x"}, nil, words, true},
		{"unreadable arguments", []string{"--args", "7"}, nil, words, true},
		{"no command", nil, []string{}, words, true},
		{"combination that cannot be", []string{"--as-pid-1"}, nil, words, true},
		{"source", []string{"--bind", "/none", "/x"}, nil, member("source", "--bind", "/none", unix.ENOENT), false},
		{"destination", []string{"--ro-bind", "/usr", "/u", "--dir", "/u/x"}, nil, member("dir", "--dir", "/u/x", unix.EROFS), false},
		{"link that is there", []string{"--dir", "/l", "--symlink", "a", "/l"}, nil, member("symlink", "--symlink", "/l", 0), false},
		{"no mount point", []string{"--dir", "/d", "--remount-ro", "/d"}, nil, member("remount-ro", "--remount-ro", "/d", 0), false},
		{"odd name", []string{"--bind", "/no\xffne\"\\\n", "/x"}, nil, member("source", "--bind", "/no\ufffdne\"\\\n", unix.ENOENT), false},
		{"lock", []string{"--lock-file", "/none"}, nil, member("lock", "--lock-file", "/none", unix.ENOENT), false},
		{"place", []string{"--chdir", "/none"}, nil, member("chdir", "--chdir", "/none", unix.ENOENT), false},
		{"place under an init", []string{"--unshare-pid", "--chdir", "/none"}, nil, member("chdir", "--chdir", "/none", unix.ENOENT), false},
		{"command", nil, []string{"/none"}, member("exec", "", "/none", unix.ENOENT), false},
		{"command that is none", []string{"--ro-bind", dir + "/text", "/text"}, []string{"/text"}, member("exec", "", "/text", unix.EACCES), false},
		{"command under an init", []string{"--unshare-pid", "--die-with-parent"}, []string{"/none"}, member("exec", "", "/none", unix.ENOENT), false},
	}
}

// judge compares the error with what it must be: its members, the same words as on
// standard error, and nothing that a launch that worked would have.
func (f failure) judge(o outcome, docs []document) string {
	want := []string{"child-pid", "mode", "error"}
	if f.early {
		want = want[2:]
	}
	if !slices.Equal(keys(docs), want) {
		return fmt.Sprintf("documents %v", docs)
	}
	have, _ := docs[len(docs)-1].all["error"].(map[string]any)
	for _, key := range []string{"stage", "option", "path", "errno"} {
		if have[key] != f.want[key] {
			return fmt.Sprintf("%s is %v, want %v", key, have[key], f.want[key])
		}
	}
	said := fmt.Sprintf("gobwrap: %s\n", have["message"])
	if hint, ok := have["hint"]; ok {
		said += fmt.Sprintf("gobwrap: hint: %s\n", hint)
	}
	if odd := strings.ToValidUTF8(o.Stderr, "\ufffd"); odd != said && !strings.HasPrefix(odd, "usage: ") {
		return fmt.Sprintf("standard error has %q, the document %q", o.Stderr, said)
	}
	if len(docs[len(docs)-1].all) != 1 || have["message"] == "" || o.Stdout != "" {
		return "more or less than the error"
	}
	return ""
}

// Whatever fails, wherever: programs are told what, where and why, and the status is the
// one that was asked for, or 1.
func TestStatusOfFailures(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		dir := v.who.scratch(t)
		v.who.shell(t, dir, "echo text > text")
		for _, f := range failures(dir) {
			if f.command == nil {
				f.command = []string{"/h/probe", "echo", "ran"}
			}
			for want, first := range map[string][]string{"1": {}, "42": {"--setup-exit-status", "42"}, "2": {"--setup-exit-status", "2"}, "255": {"--setup-exit-status", "255"}} {
				args := slices.Concat(v.box(slices.Concat([]string{"--json-status-fd", "3"}, first, f.options)...), f.command)
				if f.name == "operand missing" {
					args = args[:len(args)-1]
				}
				o, docs := launch{who: v.who, args: args}.told(t)
				if complaint := f.judge(o, docs); complaint != "" || o.Status != want {
					t.Errorf("%s: want status %s, %s: %s", f.name, want, complaint, o)
				}
				// The status does not depend on who else is told.
				args = slices.DeleteFunc(args, func(word string) bool { return word == "--json-status-fd" || word == "3" })
				if o := (launch{who: v.who, args: args}).run(t); o.Status != want {
					t.Errorf("%s, untold: want status %s: %s", f.name, want, o)
				}
			}
		}
	})
}

// What the kernel refuses before there is a sandbox; and where a second way is tried,
// the error is that of the second, and says why the first failed.
func TestStatusOfRefusedNamespaces(t *testing.T) {
	t.Parallel()
	rule := func(nr int) string { return fmt.Sprintf("%d:0=%#x/%#[2]x", nr, unix.CLONE_NEWUSER) }
	refused := []string{enosys, "-e", "EPERM", "-n", rule(unix.SYS_CLONE), "-n", rule(unix.SYS_UNSHARE), "--"}
	down := []string{"setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "--"}
	copied := setuidCopy(t)
	for _, c := range []struct {
		name    string
		program []string
		options []string
		want    map[string]any
		hint    string
	}{
		{"direct", []string{gobwrap}, nil, map[string]any{"stage": "launch", "errno": 1.0}, ""},
		{"direct by choice", []string{copied, "--mode", "direct"}, nil, map[string]any{"stage": "launch", "errno": 1.0}, ""},
		{
			"second way",
			[]string{copied},
			[]string{"--overlay-src", "/usr", "--tmp-overlay", "/o"},
			map[string]any{"stage": "launch", "option": "--tmp-overlay"},
			"setuid mode was tried because direct mode failed: No permissions",
		},
		{"no second way", []string{gobwrap, "--mode", "setuid"}, nil, map[string]any{"stage": "options"}, ""},
		{"bad way", []string{gobwrap, "--mode", "x"}, nil, map[string]any{"stage": "options"}, ""},
	} {
		for want, first := range map[string][]string{"1": {}, "42": {"--setup-exit-status", "42"}} {
			program := slices.Concat(c.program[:1], []string{"--json-status-fd", "3"}, first, c.program[1:])
			args := slices.Concat(program, box()[1:4], c.options, []string{"--", "/h/probe", "echo", "ran"})
			o, docs := launch{who: root, wrap: append(slices.Clone(refused), down...), args: args}.told(t)
			f := failure{want: c.want, early: true}
			if complaint := f.judge(o, docs); complaint != "" || o.Status != want || !strings.Contains(o.Stderr, c.hint) {
				t.Errorf("%s: want status %s, %s: %s", c.name, want, complaint, o)
			}
		}
	}
	// And where the second way works, nothing is said of the first.
	args := slices.Concat([]string{copied, "--json-status-fd", "3"}, box()[1:4], []string{"--", "/h/probe", "exit", "6"})
	o, docs := launch{who: root, wrap: append(slices.Clone(refused), down...), args: args}.told(t)
	if !slices.Equal(keys(docs), complete) || docs[1].all["mode"] != "setuid" || o.Status != "6" || o.Stderr != "" {
		t.Errorf("second way: %v: %s", docs, o)
	}
}

// The option changes nothing but the status of a failure: not the command's, whatever it
// is, and not that of an answer.
func TestSetupExitStatusIsForFailures(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for _, options := range [][]string{nil, {"--unshare-pid"}} {
			for want, words := range map[string][]string{
				"0": {"exit", "0"}, "1": {"exit", "1"}, "7": {"exit", "7"}, "42": {"exit", "42"}, "255": {"exit", "255"}, "137": {"raise", "9"},
			} {
				args := slices.Concat(v.box(append([]string{"--setup-exit-status", "42"}, options...)...), []string{"/h/probe"}, words)
				if o := (launch{who: v.who, args: args}).run(t); o.Status != want || o.Stderr != "" {
					t.Errorf("%v %v: want %s: %s", options, words, want, o)
				}
			}
		}
		for _, answer := range []string{"--help", "--version", "--features", "--dry-run"} {
			args := append(v.box("--setup-exit-status", "42", answer), "/h/probe")
			if o := (launch{who: v.who, args: args}).run(t); o.Status != "0" || o.Stdout == "" {
				t.Errorf("%s: %s", answer, o)
			}
		}
	})
}

// Where the option has not been read it cannot count: a line that is wrong before it, a
// runtime that does not start. A launch that takes none does not mind the same limits, but
// for one on processes.
func TestSetupExitStatusNotReadYet(t *testing.T) {
	t.Parallel()
	late := slices.Concat([]string{gobwrap, "--bogus"}, box("--setup-exit-status", "42")[1:], []string{"/h/probe"})
	launch{who: user, args: late}.run(t).Refused(t, "Unknown option --bogus")
	for i, limit := range []string{"--as=100000000", "--data=1000000", "--nproc=3"} {
		who := identity{name: "user", id: harness.UID(i)}
		wrap := []string{"prlimit", limit, "--"}
		args := append(box("--explain", "--setup-exit-status", "42"), "/h/probe", "echo", "ran")
		o := launch{who: who, wrap: wrap, args: args}.run(t)
		if o.Status != "1" || o.Stdout != "" || o.Message("gobwrap") != "" {
			t.Errorf("%s: %s", limit, o)
		}
		args = append(box("--setup-exit-status", "42"), "/h/probe", "echo", "ran")
		if o := (launch{who: who, wrap: wrap, args: args}).run(t); o.Status != "0" || o.Stdout != "ran\n" || o.Stderr != "" {
			t.Errorf("%s: without a runtime: %s", limit, o)
		}
	}
}

// Under a limit on processes the part of the launcher that reports may have to go before
// the failure: its status stays.
func TestSetupExitStatusWithoutTheFrontEnd(t *testing.T) {
	t.Parallel()
	gone := false
	for limit := 4; limit < 10; limit++ {
		for i, options := range [][]string{{}, {"--unshare-pid"}, all()} {
			who := identity{name: "user", id: harness.UID(100 + 10*limit + i)}
			args := append(box(append([]string{"--setup-exit-status", "42"}, options...)...), "/none")
			wrap := []string{"prlimit", fmt.Sprint("--nproc=", limit), "--"}
			if o := (launch{who: who, wrap: wrap, args: args}).run(t); o.Status != "42" || o.Message("gobwrap") != "" {
				t.Errorf("%d processes, %v: %s", limit, options, o)
			}
			// Such capabilities take a front end from the start.
			options = append([]string{"--setup-exit-status", "42", "--dev", "/dev", "--uid", "0", "--gid", "0", "--cap-add", "CAP_CHOWN"}, options...)
			fronted := append(box(options...), "/none")
			for _, words := range [][]string{withProgram(installed, args), withProgram(installed, fronted), withProgram(gobwrap, fronted)} {
				o := launch{who: who, wrap: wrap, args: words}.run(t)
				early := strings.Contains(o.Stderr, "the Go runtime ended") || strings.Contains(o.Stderr, "Can't start the ")
				gone = gone || strings.Contains(o.Stderr, "no process can be started that reports where")
				if o.Status != "42" && !(early && o.Status == "1") || o.Message("gobwrap") != "" {
					t.Errorf("%d processes, %v: %s", limit, words, o)
				}
			}
		}
	}
	if !gone {
		t.Error("the front end never had to go: this shows nothing")
	}
}

// withProgram is a command line with another program.
func withProgram(program string, words []string) []string {
	return append([]string{program}, words[1:]...)
}

// notReadYet are the sentences of failures before anybody has read the option.
var notReadYet = regexp.MustCompile(`^gobwrap: (Can't (make a socket pair|start the (front end|keeper)|give up the privileges)|this binary was started with)`)

// Whatever call fails, the launch ends with the status that was asked for, and never as
// if the command had.
func TestSetupExitStatusWhateverFails(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		args := box("--tmpfs", "/tmp", "--unshare-pid", "--setup-exit-status", "42")
		everyCall(t, who, engine{}, fmt.Sprint(int(unix.EPERM)), args, nil, func(s injection) string {
			early := s.end == "status 1" && notReadYet.MatchString(s.Stderr)
			switch {
			case s.left != "":
				return "something hangs"
			case s.ran && s.end == "status 0", !s.ran && s.end == "status 42", early:
				return ""
			}
			return "want status 42"
		})
	})
}

// On standard error itself, or on standard output, the documents do not get lost.
func TestStatusOnAStandardStream(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, v via) {
		for _, fd := range []string{"1", "2"} {
			for want, command := range map[string][]string{"5": {"/h/probe", "exit", "5"}, "1": {"/none"}} {
				o := launch{who: v.who, args: append(v.box("--json-status-fd", fd), command...)}.run(t)
				var lines []string
				for line := range strings.Lines(o.Stdout + o.Stderr) {
					if strings.HasPrefix(line, "{ ") {
						lines = append(lines, line)
					}
				}
				wanted := complete
				if want == "1" {
					wanted = []string{"child-pid", "mode", "error"}
				}
				if have := keys(documents(t, strings.Join(lines, ""))); o.Status != want || !slices.Equal(have, wanted) {
					t.Errorf("on %s: %v: %s", fd, have, o)
				}
			}
		}
	})
}
