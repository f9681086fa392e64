package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/internal/planner"
	"github.com/gobwrap/gobwrap/sandbox/internal/rules"
	"golang.org/x/sys/unix"
)

func TestEnvironment(t *testing.T) {
	base := []string{"A=1", "malformed", "PWD=/p", "A=2", "=x", "B="}
	setting := func(name, value string) EnvOp { return EnvOp{Name: name, Value: value} }
	unsetting := func(name string) EnvOp { return EnvOp{Name: name, Unset: true} }
	clearing := EnvOp{Clear: true}
	for _, c := range []struct {
		ops  []EnvOp
		want []string
	}{
		{nil, base},
		{[]EnvOp{setting("A", "9")}, []string{"A=9", "malformed", "PWD=/p", "A=2", "=x", "B="}},
		{[]EnvOp{setting("C", "")}, append(slices.Clone(base), "C=")},
		{[]EnvOp{setting("malformed", "y")}, append(slices.Clone(base), "malformed=y")},
		{[]EnvOp{unsetting("A")}, []string{"malformed", "PWD=/p", "=x", "B="}},
		{[]EnvOp{unsetting("B")}, []string{"A=1", "malformed", "PWD=/p", "A=2", "=x"}},
		{[]EnvOp{unsetting("malformed"), unsetting("NOT")}, base},
		{[]EnvOp{clearing}, []string{"PWD=/p"}},
		{[]EnvOp{clearing, setting("X", "1"), setting("A", "2")}, []string{"X=1", "A=2", "PWD=/p"}},
		{[]EnvOp{setting("X", "1"), clearing}, []string{"PWD=/p"}},
		{[]EnvOp{clearing, setting("PWD", "/q"), setting("X", "1")}, []string{"PWD=/q", "X=1"}},
		{[]EnvOp{setting("PWD", "/q"), clearing}, []string{"PWD=/q"}},
		{[]EnvOp{clearing, clearing, setting("A", "1"), setting("A", "2"), unsetting("A")}, []string{"PWD=/p"}},
		{[]EnvOp{setting("A", "a=b"), setting("A", "")}, []string{"A=", "malformed", "PWD=/p", "A=2", "=x", "B="}},
	} {
		given := slices.Clone(base)
		if got := environment(given, c.ops); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.ops, got, c.want)
		}
		if !slices.Equal(given, base) {
			t.Errorf("%+v changed the caller's environment: %q", c.ops, given)
		}
	}
	if got := environment([]string{"A=1"}, []EnvOp{clearing}); len(got) != 0 {
		t.Errorf("cleared without PWD: %q", got)
	}
}

// candidates are the files that the launcher would try.
func candidates(t *testing.T, name string, env []string) []string {
	t.Helper()
	f, known := flatten(wantedOf(&Spec{Command: CommandLine{Args: []string{name}}}, nil), &facts{Env: env}, nil, nil)
	c := f.Compiler(&known)
	c.Buffers = planner.Buffers(64, 64, 1<<16)
	p, err := f.Plan(c, &facts{})
	if err != nil {
		t.Fatal(err)
	}
	h := p.Header()
	var out []string
	for _, slot := range c.Slots[h.Paths : h.Paths+h.Pathc] {
		out = append(out, p.Str(uint32(slot)))
	}
	return out
}

// TestCandidates: the files that execvp(3) tries.
func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		name string
		env  []string
		want string
	}{
		{"ls", []string{"PATH=/a:/b"}, "/a/ls /b/ls"},
		{"ls", nil, "/bin/ls /usr/bin/ls"},
		{"ls", []string{"PATH="}, "ls"},
		{"ls", []string{"PATH=:/a:"}, "ls /a/ls ls"},
		{"ls", []string{"PATH=/a//"}, "/a///ls"},
		{"ls", []string{"PATH=rel"}, "rel/ls"},
		{"ls", []string{"PATH=/a", "PATH=/b"}, "/a/ls"},
		{"/bin/ls", []string{"PATH=/a"}, "/bin/ls"},
		{"./ls", []string{"PATH=/a"}, "./ls"},
		{"a/ls", []string{"PATH=/a"}, "a/ls"},
		{"", []string{"PATH=/a"}, ""},
	} {
		if got := strings.Join(candidates(t, c.name, c.env), " "); got != c.want {
			t.Errorf("%q with %q: %q, want %q", c.name, c.env, got, c.want)
		}
	}
}

// TestRules: each combination that cannot be is refused with the field that is to change, and
// without the offending part it is not.
func TestRules(t *testing.T) {
	on := SetFD(5)
	text := SetText("x")
	cases := map[compile.Rule]func(*Spec){
		compile.NoCommand:   func(s *Spec) { s.Command.Args = nil },
		compile.Uncompiled:  func(s *Spec) { s.Lockdown.Filters = []Filter{{Profile: "/p.json"}} },
		compile.JoinNewUser: func(s *Spec) { s.Namespaces.JoinUser, s.Namespaces.User = on, Try },
		compile.RangesJoin: func(s *Spec) {
			s.Identity.MapAuto, s.Namespaces.JoinUser = true, on
		},
		compile.RangesNeedUser: func(s *Spec) { s.Identity.MapAuto = true },
		compile.AutoAndMaps: func(s *Spec) {
			s.Identity.MapAuto, s.Identity.GIDMap, s.Namespaces.User = true, make(idmap.Map, 1), Want
		},
		compile.DisableNeedsUser: func(s *Spec) { s.Namespaces.DisableUsers = true },
		compile.DisableAndBlock: func(s *Spec) {
			s.Namespaces.User, s.Namespaces.DisableUsers = Want, true
			s.Report.UserBlockFD, s.Report.InfoFD = on, on
		},
		compile.BlockNeedsUser:   func(s *Spec) { s.Report.UserBlockFD, s.Report.InfoFD = on, on },
		compile.BlockNeedsInfo:   func(s *Spec) { s.Report.UserBlockFD, s.Namespaces.User = on, Want },
		compile.UIDNeedsUser:     func(s *Spec) { s.Identity.UID = SetID(5) },
		compile.GIDNeedsUser:     func(s *Spec) { s.Identity.GID = SetID(5) },
		compile.HostnameNeedsUTS: func(s *Spec) { s.Namespaces.Hostname = text },
		compile.PID1NeedsPID:     func(s *Spec) { s.Session.AsPID1 = true },
		compile.AdminOfGiven: func(s *Spec) {
			s.Namespaces.User, s.Namespaces.JoinUser = Share, SetFD(3)
			s.Identity.Caps = []CapEdit{{Caps: 1 << unix.CAP_SYS_ADMIN}}
			s.Files = []mounts.Op{mounts.Mask("/x").Glob().Try()}
		},
		compile.PID1AndLocks: func(s *Spec) {
			s.Session.AsPID1, s.Namespaces.PID = true, Want
			s.Session.Locks = []string{"/l"}
		},
		compile.ForegroundSession: func(s *Spec) { s.Session.Foreground, s.Session.New = true, Want },
		compile.UsageNeedsStatus:  func(s *Spec) { s.Report.Usage = true },
		compile.SocketsNeedScope:  func(s *Spec) { s.Lockdown.AllowSockets = []string{"/run/bus"} },
		compile.LabelsNeedSELinux: func(s *Spec) { s.Lockdown.ExecLabel = text },
	}
	for rule := range rules.Count {
		field, problem := rules.Broken(rule)
		breaks, ok := cases[rule]
		if !ok && rule != compile.Fine {
			t.Errorf("no case for %q", problem)
		}
		if !ok {
			continue
		}
		s := Spec{Command: CommandLine{Args: []string{"x"}}}
		if _, err := planOf(&s, root()); err != nil {
			t.Fatal(err)
		}
		breaks(&s)
		_, err := planOf(&s, root())
		var e *SetupError
		var broken *front.Broken
		if !errors.As(err, &e) || !errors.As(err, &broken) || broken.Rule != rule || e.Field != field || e.Error() != field+": "+problem || strings.Contains(e.Error(), "--") {
			t.Errorf("%q: %+v: %v", field, e, err)
		}
	}
	if len(cases) != int(rules.Count)-1 {
		t.Errorf("%d cases for %d rules", len(cases), rules.Count-1)
	}
	for label, bad := range map[string]bool{
		"": false, "u:object_r:t:s0:c1,c2": false, strings.Repeat("x", plan.MaxLabel-1): false,
		strings.Repeat("x", plan.MaxLabel): true, `a\b`: true, "a\nb": true, `"`: true,
	} {
		if (rules.Label(label) != "") != bad {
			t.Errorf("label %q: %v", label, !bad)
		}
	}
	// What makes it right again.
	for name, spec := range map[string]Spec{
		"uid as a user":       {Identity: Identity{UID: SetID(5)}},
		"label with SELinux":  {Lockdown: Lockdown{ExecLabel: text, FileLabel: text}},
		"uid with --userns":   {Identity: Identity{UID: SetID(5)}, Namespaces: Namespaces{JoinUser: on}},
		"hostname with uts":   {Namespaces: Namespaces{Hostname: text, UTS: Want}},
		"as-pid-1 with pidns": {Namespaces: Namespaces{PID: Want}, Session: Session{AsPID1: true}},
	} {
		spec.Command.Args = []string{"x"}
		h := user()
		h.SELinux = true
		if _, err := planOf(&spec, h); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUserNamespace: who gets one.
func TestUserNamespace(t *testing.T) {
	container := root()
	container.Caps = 0
	refused := root()
	refused.UserNamespaces = false
	for _, c := range []struct {
		name string
		host facts
		wish Wish
		want bool
	}{
		{"a user", user(), Share, true},
		{"a user, try", user(), Try, true},
		{"root", root(), Share, false},
		{"root, wanted", root(), Want, true},
		{"root, try", root(), Try, true},
		{"root, try, refused", refused, Try, false},
		{"root of a container", container, Share, true},
	} {
		s := Spec{Namespaces: Namespaces{User: c.wish}, Command: CommandLine{Args: []string{"x"}}}
		p, err := planOf(&s, c.host)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(plan.Namespaces(p.Header().Clone), "user"); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestSpecByProgram: specs come from programs too, which make mistakes that a command
// line cannot.
func TestSpecByProgram(t *testing.T) {
	command := CommandLine{Args: []string{"x"}}
	for name, s := range map[string]Spec{
		"an operation without a kind": {Files: []mounts.Op{{}}, Command: command},
		"NUL in a source":             {Files: []mounts.Op{roBind("/etc\x00/x", "/etc")}, Command: command},
		"NUL in a destination":        {Files: []mounts.Op{roBind("/etc", "/etc\x00/x")}, Command: command},
		"NUL in an argument":          {Command: CommandLine{Args: []string{"x", "a\x00b"}}},
		"NUL in a variable":           {Env: []EnvOp{{Name: "A", Value: "a\x00b"}}, Command: command},
		"a filter of no size":         {Lockdown: Lockdown{Filters: []Filter{{BPF: make([]byte, 7)}}}, Command: command},
		"a mode with more bits":       {Files: []mounts.Op{mounts.Dir("/d").Perms(0o10000)}, Command: command},
		"a negative descriptor":       {Files: []mounts.Op{mounts.File("/d", mounts.SetFD(-1))}, Command: command},
	} {
		if _, err := planOf(&s, user()); err == nil {
			t.Errorf("%s: compiled", name)
		}
	}
}

// TestEnvironmentWithNUL: a NUL byte ends no entry in the midst of another one.
func TestEnvironmentWithNUL(t *testing.T) {
	got := environment([]string{"A=1", "B=2\x00C=3\x00D=4"}, []EnvOp{{Name: "E", Value: "5\x00F=6"}, {Name: "G\x00H", Unset: true}, {Name: "I", Value: "7"}})
	if want := []string{"A=1", "I=7"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzEnvironment: of each variable the last word counts, whatever was said before it.
func FuzzEnvironment(f *testing.F) {
	f.Add("A=1\nPWD=/\nB", "A=2\n-B\n!\nC=")
	f.Fuzz(func(t *testing.T, base, script string) {
		var ops []EnvOp
		for line := range strings.SplitSeq(script, "\n") {
			name, value, ok := strings.Cut(line, "=")
			switch {
			case line == "!":
				ops = append(ops, EnvOp{Clear: true})
			case strings.HasPrefix(line, "-") && len(line) > 1 && !ok:
				ops = append(ops, EnvOp{Name: line[1:], Unset: true})
			case ok && name != "":
				ops = append(ops, EnvOp{Name: name, Value: value})
			}
		}
		if strings.Contains(base+script, "\x00") { // a part is left out: see TestEnvironmentWithNUL
			_ = environment(strings.Split(base, "\n"), ops)
			return
		}
		given := strings.Split(base, "\n")
		got := environment(slices.Clone(given), ops)
		// The last word on a variable holds.
		last := map[string]EnvOp{}
		for _, op := range ops {
			if op.Clear {
				clear(last)
				continue
			}
			last[op.Name] = op
		}
		for name, op := range last {
			value, ok := front.Getenv(got, name)
			if name != "PWD" && ok == op.Unset || ok && !op.Unset && value != op.Value {
				t.Errorf("%s is %q, %v after %+v", name, value, ok, op)
			}
		}
		if len(ops) == 0 && !slices.Equal(got, given) {
			t.Errorf("nothing asked for, but %q became %q", given, got)
		}
	})
}
