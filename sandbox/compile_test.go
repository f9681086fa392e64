package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
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
	f, facts := flatten(&Spec{Command: CommandLine{Args: []string{name}}}, &Host{Env: env}, nil, nil)
	c := compile.Compiler{Spec: &f.spec, Items: f.items, Text: f.text, Facts: &facts, Buffers: buffers(64, 64, 1<<16)}
	p, err := f.run(&c, &Host{})
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

// TestRules: each combination that cannot be is refused with its sentence, and
// without the offending part it is not.
func TestRules(t *testing.T) {
	on := SetFD(5)
	text := SetText("x")
	cases := map[string]func(*Spec){
		"No command given":                       func(s *Spec) { s.Command.Args = nil },
		"a seccomp profile was not compiled":     func(s *Spec) { s.Lockdown.Filters = []Filter{{Profile: "/p.json"}} },
		"--userns not compatible --unshare-user": func(s *Spec) { s.Namespaces.JoinUser, s.Namespaces.User = on, Try },
		"--uid-map, --gid-map and --map-auto are not compatible with --userns: the ids of a given namespace are mapped already": func(s *Spec) {
			s.Identity.MapAuto, s.Namespaces.JoinUser = true, on
		},
		"--uid-map, --gid-map and --map-auto require --unshare-user": func(s *Spec) { s.Identity.MapAuto = true },
		"--map-auto excludes --uid-map and --gid-map": func(s *Spec) {
			s.Identity.MapAuto, s.Identity.GIDMap, s.Namespaces.User = true, make([]MapLine, 1), Want
		},
		"--disable-userns requires --unshare-user": func(s *Spec) { s.Namespaces.DisableUsers = true },
		"--disable-userns is not compatible with  --userns-block-fd": func(s *Spec) {
			s.Namespaces.User, s.Namespaces.DisableUsers = Want, true
			s.Report.UserBlockFD, s.Report.InfoFD = on, on
		},
		"--userns-block-fd requires --unshare-user":            func(s *Spec) { s.Report.UserBlockFD, s.Report.InfoFD = on, on },
		"--userns-block-fd requires --info-fd":                 func(s *Spec) { s.Report.UserBlockFD, s.Namespaces.User = on, Want },
		"Specifying --uid requires --unshare-user or --userns": func(s *Spec) { s.Identity.UID = SetID(5) },
		"Specifying --gid requires --unshare-user or --userns": func(s *Spec) { s.Identity.GID = SetID(5) },
		"Specifying --hostname requires --unshare-uts":         func(s *Spec) { s.Namespaces.Hostname = text },
		"Specifying --as-pid-1 requires --unshare-pid":         func(s *Spec) { s.Session.AsPID1 = true },
		"Specifying --as-pid-1 and --lock-file is not permitted": func(s *Spec) {
			s.Session.AsPID1, s.Namespaces.PID = true, Want
			s.Session.Locks = []LockFile{{Path: "/l"}}
		},
		"labeling not supported on this system": func(s *Spec) { s.Lockdown.ExecLabel = text },
	}
	for _, r := range rules[1:] {
		breaks, ok := cases[r.text]
		if !ok {
			t.Errorf("no case for %q", r.text)
			continue
		}
		s := Spec{Command: CommandLine{Args: []string{"x"}}}
		if _, err := Compile(&s, root()); err != nil {
			t.Fatal(err)
		}
		breaks(&s)
		if _, err := Compile(&s, root()); err == nil || err.Error() != r.text {
			t.Errorf("%q: %v", r.text, err)
		}
		program := root()
		program.Hosted = true
		_, err := Compile(&s, program)
		var e *SetupError
		if !errors.As(err, &e) || e.Option != r.field || e.Error() != r.field+": "+r.problem || strings.Contains(e.Error(), "--") {
			t.Errorf("%q: %+v: %v", r.field, e, err)
		}
	}
	if len(cases) != len(rules)-1 {
		t.Errorf("%d cases for %d rules", len(cases), len(rules)-1)
	}
	for label, bad := range map[string]bool{
		"": false, "u:object_r:t:s0:c1,c2": false, strings.Repeat("x", plan.MaxLabel-1): false,
		strings.Repeat("x", plan.MaxLabel): true, `a\b`: true, "a\nb": true, `"`: true,
	} {
		if badLabel(label) != bad {
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
		if _, err := Compile(&spec, h); err != nil {
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
		host Host
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
		p, err := Compile(&s, c.host)
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
		"an operation without a kind": {Files: []mounts.Op{{Dest: "/d"}}, Command: command},
		"an unknown kind":             {Files: []mounts.Op{{Kind: mounts.RemountRO + 1, Dest: "/d"}}, Command: command},
		"NUL in a source":             {Files: []mounts.Op{roBind("/etc\x00/x", "/etc")}, Command: command},
		"NUL in a destination":        {Files: []mounts.Op{roBind("/etc", "/etc\x00/x")}, Command: command},
		"NUL in an argument":          {Command: CommandLine{Args: []string{"x", "a\x00b"}}},
		"NUL in a variable":           {Env: []EnvOp{{Name: "A", Value: "a\x00b"}}, Command: command},
		"a filter of no size":         {Lockdown: Lockdown{Filters: []Filter{{BPF: make([]byte, 7)}}}, Command: command},
		"a mode with more bits":       {Files: []mounts.Op{{Kind: mounts.Dir, Dest: "/d", Perms: mounts.Mode(0o10000)}}, Command: command},
		"a negative descriptor":       {Files: []mounts.Op{{Kind: mounts.File, FD: mounts.SetFD(-1), Dest: "/d"}}, Command: command},
	} {
		if _, err := Compile(&s, user()); err == nil {
			t.Errorf("%s: compiled", name)
		}
	}
}

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
			value, ok := get(got, name)
			if name != "PWD" && ok == op.Unset || ok && !op.Unset && value != op.Value {
				t.Errorf("%s is %q, %v after %+v", name, value, ok, op)
			}
		}
		if len(ops) == 0 && !slices.Equal(got, given) {
			t.Errorf("nothing asked for, but %q became %q", given, got)
		}
	})
}
