package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// closedFD is a number that no process has open.
const closedFD = "2000000001"

// data returns the number of a descriptor from which text can be read.
func data(t testing.TB, text string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if len(text) > 1<<15 {
		go func() {
			_, _ = w.WriteString(text)
			_ = w.Close()
		}()
	} else {
		if _, err := w.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return strconv.Itoa(int(r.Fd()))
}

// null is a descriptor that is open for reading and for writing.
func null(t testing.TB) string {
	t.Helper()
	f, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return strconv.Itoa(int(f.Fd()))
}

// twoInstructions is what a filter may look like.
var twoInstructions = strings.Repeat("\x06\x00\x00\x00\x00\x00\xff\x7f", 2)

// words splits a command line at spaces and puts descriptors into it: @x is one that
// holds x (~ is NUL), @ one that is open, @filter one with a filter, ” an empty word.
func words(t testing.TB, line string) []string {
	t.Helper()
	var out []string
	for w := range strings.FieldsSeq(line) {
		switch {
		case w == "''":
			w = ""
		case w == "@":
			w = null(t)
		case w == "@filter":
			w = data(t, twoInstructions)
		case w == "@toolong":
			w = data(t, strings.Repeat("12345678", 4097))
		case w == "@closed":
			w = closedFD
		case strings.HasPrefix(w, "@"):
			w = data(t, strings.ReplaceAll(w[1:], "~", "\x00"))
		}
		out = append(out, w)
	}
	return out
}

func mustParse(t *testing.T, line string) *options {
	t.Helper()
	_, opts, err := parse(append([]string{"gobwrap"}, words(t, line)...))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return opts
}

// said is what a command line says, with the Spec's fields at hand.
type said struct {
	*sandbox.Spec
	line *front.Line
}

func (o *options) said() *said { return &said{&o.spec, &o.line} }

// compiled is the plan for a command line.
func compiled(o *options, f front.Facts) (*plan.Program, error) {
	p, err := front.Compile(&o.spec, &o.line, f)
	return p, reword(err)
}

// file tests the only file operation of a command line.
func file(want func(tree.Op) bool) func(*said) bool {
	return func(s *said) bool { return len(s.Files) == 1 && want(s.Files[0].Tree()) }
}

func isBind(a tree.Access, try bool) func(*said) bool {
	return file(func(o tree.Op) bool {
		return o.Kind == tree.Bind && o.Source == "/s" && o.Dest == "/d" && o.Access == a && o.Try == try
	})
}

func isAt(k tree.Kind) func(*said) bool {
	return file(func(o tree.Op) bool { return o.Kind == k && o.Dest == "/d" && !o.Perms.Given && !o.Size.Given })
}

func isDenial(k tree.Kind, try, glob bool) func(*said) bool {
	return file(func(o tree.Op) bool {
		return o.Kind == k && strings.HasPrefix(o.Dest, "/d") && o.Try == try && o.Glob == glob
	})
}

func isFD(where func(*sandbox.Spec) sandbox.FD) func(*said) bool {
	return func(s *said) bool {
		fd := where(s.Spec)
		return fd.Given() && fd.N() > 2 && slices.Contains(s.line.Used, fd.N())
	}
}

// meanings is every option once, with a test of what it came to.
var meanings = map[string]struct {
	line string
	ok   func(*said) bool
}{
	"--args": {"@--uid~7", func(s *said) bool {
		return s.Identity.UID == sandbox.SetID(7) && len(s.line.Read) == 1
	}},
	"--mode": {"setuid", func(s *said) bool { return s.Mode == sandbox.Setuid }},
	"--scope": {"signals", func(s *said) bool {
		return s.Lockdown.Scopes == sandbox.Scopes{Signals: sandbox.Want}
	}},
	"--scope-try": {"abstract-sockets", func(s *said) bool {
		return s.Lockdown.Scopes == sandbox.Scopes{AbstractSockets: sandbox.Try}
	}},
	"--scope-abstract-unix-sockets": {"", func(s *said) bool {
		return s.Lockdown.Scopes == sandbox.Scopes{AbstractSockets: sandbox.Want}
	}},
	"--allow-socket": {"/run/bus", func(s *said) bool {
		return slices.Equal(s.Lockdown.AllowSockets, []string{"/run/bus"})
	}},
	"--argv0": {"x", func(s *said) bool { return s.Command.Argv0.Given() && s.Command.Argv0.String() == "x" }},
	"--unshare-all": {"", func(s *said) bool {
		n := s.Namespaces
		return n.User == sandbox.Try && n.IPC == sandbox.Want && n.PID == sandbox.Want && n.Net == sandbox.Want && n.UTS == sandbox.Want && n.Cgroup == sandbox.Try
	}},
	"--share-net":              {"", func(s *said) bool { return s.Namespaces.Net == sandbox.Share }},
	"--unshare-user":           {"", func(s *said) bool { return s.Namespaces.User == sandbox.Want }},
	"--unshare-user-try":       {"", func(s *said) bool { return s.Namespaces.User == sandbox.Try }},
	"--unshare-ipc":            {"", func(s *said) bool { return s.Namespaces.IPC == sandbox.Want }},
	"--unshare-pid":            {"", func(s *said) bool { return s.Namespaces.PID == sandbox.Want }},
	"--unshare-net":            {"", func(s *said) bool { return s.Namespaces.Net == sandbox.Want }},
	"--unshare-uts":            {"", func(s *said) bool { return s.Namespaces.UTS == sandbox.Want }},
	"--unshare-cgroup":         {"", func(s *said) bool { return s.Namespaces.Cgroup == sandbox.Want }},
	"--unshare-cgroup-try":     {"", func(s *said) bool { return s.Namespaces.Cgroup == sandbox.Try }},
	"--userns":                 {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Namespaces.JoinUser })},
	"--userns2":                {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Namespaces.FinalUser })},
	"--pidns":                  {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Namespaces.JoinPID })},
	"--netns":                  {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Namespaces.JoinNet })},
	"--disable-userns":         {"", func(s *said) bool { return s.Namespaces.DisableUsers }},
	"--assert-userns-disabled": {"", func(s *said) bool { return s.Namespaces.AssertUsersDisabled }},
	"--uid":                    {"4294967294", func(s *said) bool { return s.Identity.UID == sandbox.SetID(1<<32-2) }},
	"--gid":                    {"0", func(s *said) bool { return s.Identity.GID == sandbox.SetID(0) }},
	"--hostname": {"box", func(s *said) bool {
		return s.Namespaces.Hostname.String() == "box" && s.Namespaces.Hostname.Given()
	}},
	"--chdir":        {"a/b", func(s *said) bool { return s.Command.Chdir.String() == "a/b" && s.Command.Chdir.Given() }},
	"--clearenv":     {"", func(s *said) bool { return slices.Equal(s.Env, []sandbox.EnvOp{{Clear: true}}) }},
	"--setenv":       {"A B=C", func(s *said) bool { return slices.Equal(s.Env, []sandbox.EnvOp{{Name: "A", Value: "B=C"}}) }},
	"--unsetenv":     {"A", func(s *said) bool { return slices.Equal(s.Env, []sandbox.EnvOp{{Name: "A", Unset: true}}) }},
	"--lock-file":    {"/l", func(s *said) bool { return len(s.Session.Locks) == 1 && s.Session.Locks[0] == "/l" }},
	"--sync-fd":      {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Session.SyncFDs[0] })},
	"--bind":         {"/s /d", isBind(tree.ReadWrite, false)},
	"--bind-try":     {"/s /d", isBind(tree.ReadWrite, true)},
	"--dev-bind":     {"/s /d", isBind(tree.WithDevice, false)},
	"--dev-bind-try": {"/s /d", isBind(tree.WithDevice, true)},
	"--ro-bind":      {"/s /d", isBind(tree.ReadOnly, false)},
	"--ro-bind-try":  {"/s /d", isBind(tree.ReadOnly, true)},
	"--bind-fd": {"@ /d", file(func(o tree.Op) bool {
		return o.Kind == tree.BindFD && o.FD.N > 2 && o.Source == "" && o.Dest == "/d" && o.Access == tree.ReadWrite
	})},
	"--ro-bind-fd": {"@ /d", file(func(o tree.Op) bool {
		return o.Kind == tree.BindFD && o.FD.N > 2 && o.Source == "" && o.Dest == "/d" && o.Access == tree.ReadOnly
	})},
	"--remount-ro":       {"/d", isAt(tree.RemountRO)},
	"--mask":             {"/d", isDenial(tree.Mask, false, false)},
	"--mask-try":         {"/d", isDenial(tree.Mask, true, false)},
	"--mask-glob":        {"/d/**/[!a]*", isDenial(tree.Mask, false, true)},
	"--mask-glob-try":    {"/d/?", isDenial(tree.Mask, true, true)},
	"--protect":          {"/d/", isDenial(tree.Protect, false, false)},
	"--protect-try":      {"/d", isDenial(tree.Protect, true, false)},
	"--protect-glob":     {"/d/*", isDenial(tree.Protect, false, true)},
	"--protect-glob-try": {"/d/*", isDenial(tree.Protect, true, true)},
	"--overlay-src": {"/l --tmp-overlay /d", file(func(o tree.Op) bool {
		return slices.Equal(o.Layers, []string{"/l"})
	})},
	"--overlay": {"/up /wk /d", file(func(o tree.Op) bool {
		return o.Kind == tree.Overlay && o.Writes == tree.Kept && o.Upper == "/up" && o.Work == "/wk" && o.Dest == "/d"
	})},
	"--tmp-overlay": {"/d", file(func(o tree.Op) bool {
		return o.Kind == tree.Overlay && o.Writes == tree.Forgotten && o.Dest == "/d"
	})},
	"--ro-overlay": {"/d", file(func(o tree.Op) bool {
		return o.Kind == tree.Overlay && o.Writes == tree.Refused && o.Dest == "/d" && slices.Equal(o.Layers, []string{"/low", "/high"})
	})},
	"--exec-label": {"l", func(s *said) bool {
		return s.Lockdown.ExecLabel.Given() && s.Lockdown.ExecLabel.String() == "l"
	}},
	"--file-label": {"l", func(s *said) bool {
		return s.Lockdown.FileLabel.Given() && s.Lockdown.FileLabel.String() == "l"
	}},
	"--proc":   {"/d", isAt(tree.Proc)},
	"--dev":    {"/d", isAt(tree.Dev)},
	"--tmpfs":  {"/d", isAt(tree.Tmpfs)},
	"--mqueue": {"/d", isAt(tree.Mqueue)},
	"--dir":    {"/d", isAt(tree.Dir)},
	"--file":   {"@ /d", file(func(o tree.Op) bool { return o.Kind == tree.File && o.FD.N > 2 && o.Dest == "/d" })},
	"--bind-data": {"@ /d", file(func(o tree.Op) bool {
		return o.Kind == tree.Data && o.FD.N > 2 && o.Dest == "/d" && o.Access == tree.ReadWrite
	})},
	"--ro-bind-data": {"@ /d", file(func(o tree.Op) bool {
		return o.Kind == tree.Data && o.FD.N > 2 && o.Dest == "/d" && o.Access == tree.ReadOnly
	})},
	"--symlink": {"a/../t /d", file(func(o tree.Op) bool { return o.Kind == tree.Symlink && o.Target == "a/../t" && o.Dest == "/d" })},
	"--seccomp": {"@filter", func(s *said) bool {
		return len(s.Lockdown.Filters) == 1 && string(s.Lockdown.Filters[0].BPF) == twoInstructions && len(s.line.Read) == 1
	}},
	"--add-seccomp-fd": {"@filter", func(s *said) bool {
		return len(s.Lockdown.Filters) == 1 && string(s.Lockdown.Filters[0].BPF) == twoInstructions
	}},
	"--seccomp-profile": {"strict", func(s *said) bool {
		return len(s.Lockdown.Filters) == 1 && len(s.Lockdown.Filters[0].BPF) > 8 && s.Lockdown.Filters[0].Profile == ""
	}},
	"--block-fd":        {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Session.BlockFD })},
	"--userns-block-fd": {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Report.UserBlockFD })},
	"--info-fd":         {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Report.InfoFD })},
	"--json-status-fd":  {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Report.JSONStatusFD })},
	"--new-session":     {"", func(s *said) bool { return s.Session.New == sandbox.Want }},
	"--die-with-parent": {"", func(s *said) bool { return s.Session.DieWithParent }},
	"--as-pid-1":        {"", func(s *said) bool { return s.Session.AsPID1 }},
	"--rlimit": {"cpu=1:unlimited", func(s *said) bool {
		return slices.Equal(s.Limits.Rlimits, []sandbox.Rlimit{{Name: "cpu", Soft: 1, Hard: sandbox.Unlimited}})
	}},
	"--oom-score-adj": {"500", func(s *said) bool { return s.Limits.OOMScoreAdj == sandbox.SetInt(500) }},
	"--cpu-affinity":  {"0-3,5", func(s *said) bool { return s.Limits.CPUs == "0-3,5" }},
	"--close-fds":     {"", func(s *said) bool { return s.line.Switches&flat.CloseFDs != 0 && len(s.line.Keep) == 0 }},
	"--keep-fd":       {"@", func(s *said) bool { return s.line.Switches&flat.CloseFDs != 0 && len(s.line.Keep) == 1 }},
	"--timeout": {"1.5:0.0001", func(s *said) bool {
		return s.Limits.Timeout == 1500*time.Millisecond && s.Limits.Grace == time.Millisecond
	}},
	"--cgroup":          {"@", isFD(func(s *sandbox.Spec) sandbox.FD { return s.Limits.Cgroup })},
	"--foreground":      {"", func(s *said) bool { return s.Session.Foreground }},
	"--forward-signals": {"", func(s *said) bool { return s.line.Switches&plan.FlagForward != 0 }},
	"--usage":           {"--json-status-fd @", func(s *said) bool { return s.Report.Usage }},
	"--nice":            {"-5", func(s *said) bool { return s.Limits.Nice == sandbox.SetInt(-5) }},
	"--cap-add": {"CAP_NET_RAW", func(s *said) bool {
		return slices.Equal(s.Identity.Caps, []sandbox.CapEdit{{Caps: 1 << 13}})
	}},
	"--cap-drop": {"ALL", func(s *said) bool {
		return slices.Equal(s.Identity.Caps, []sandbox.CapEdit{{Drop: true, Caps: idmap.AllCaps}})
	}},
	"--perms": {"0750 --dir /d", file(func(o tree.Op) bool { return o.Perms == tree.Perms{Bits: 0o750, Given: true} })},
	"--size":  {"4096 --tmpfs /d", file(func(o tree.Op) bool { return o.Size == tree.Size{Bytes: 4096, Given: true} })},
	"--chmod": {"4711 /d", file(func(o tree.Op) bool {
		return o.Kind == tree.Chmod && o.Perms == tree.Perms{Bits: 0o4711, Given: true}
	})},
	"--map-root-user": {"", func(s *said) bool {
		zero := sandbox.SetID(0)
		return s.Identity.UID == zero && s.Identity.GID == zero && s.Namespaces.User == sandbox.Want && !s.Identity.MapAuto
	}},
	"--uid-map": {"1:100000:9", isMap(func(i *sandbox.Identity) (one, other idmap.Map) { return i.UIDMap, i.GIDMap })},
	"--gid-map": {"1:100000:9", isMap(func(i *sandbox.Identity) (one, other idmap.Map) { return i.GIDMap, i.UIDMap })},
	"--map-auto": {"", func(s *said) bool {
		return s.Identity.MapAuto && s.Namespaces.User == sandbox.Want
	}},
	"--keep-groups":             {"", func(s *said) bool { return s.Identity.KeepGroups }},
	"--setup-exit-status":       {"255", func(s *said) bool { return s.Report.FailStatus == 255 }},
	"--fallback-proc":           {"=bind", func(s *said) bool { return s.ProcFallback == mounts.BindOuter }},
	"--not-a-security-boundary": {"", func(s *said) bool { return s.Lockdown.Forgive }},
}

// isMap looks at one of the two maps, and that the other is empty.
func isMap(of func(*sandbox.Identity) (one, other idmap.Map)) func(*said) bool {
	return func(s *said) bool {
		one, other := of(&s.Identity)
		return len(one) == 1 && len(other) == 0 && one[0] == idmap.Range{Inside: 1, Outside: 100000, Count: 9} &&
			s.Namespaces.User == sandbox.Want
	}
}

// elsewhere are the options that do not end up in the spec, each with its own test.
var elsewhere = map[string]string{
	"--help": "TestHelp", "--version": "TestVersion", "--level-prefix": "TestSwitches", "--dry-run": "TestSwitches",
	"--explain": "TestSwitches", "--features": "TestFeatures", "--doctor": "TestDoctor",
}

// before is what must stand in front of some options.
var before = map[string]string{
	"--overlay": "--overlay-src /low", "--tmp-overlay": "--overlay-src /low", "--ro-overlay": "--overlay-src /low --overlay-src /high",
}

// typed is an option with its operands as one types them: a value joins the word.
func typed(name, operands string) string {
	if strings.HasPrefix(operands, "=") {
		return name + operands
	}
	return name + " " + operands
}

// TestEveryOption gives every row of the table once, in an argument vector and in an
// arguments file, and looks at the spec.
func TestEveryOption(t *testing.T) {
	for i := range cmdline.Options {
		name := cmdline.Options[i].Name
		m, ok := meanings[name]
		if !ok {
			if elsewhere[name] == "" {
				t.Errorf("%s has no test", name)
			}
			continue
		}
		line := before[name] + " " + typed(name, m.line)
		t.Run(name, func(t *testing.T) {
			opts := mustParse(t, line+" -- cmd --x y")
			if !m.ok(opts.said()) {
				t.Errorf("%s came to %+v", line, opts.spec)
			}
			if !slices.Equal(opts.spec.Command.Args, []string{"cmd", "--x", "y"}) {
				t.Errorf("the command is %q", opts.spec.Command.Args)
			}
			if len(opts.warnings) != 0 {
				t.Errorf("warnings %q", opts.warnings)
			}
		})
		if name == "--args" {
			continue
		}
		t.Run(name+" in a file", func(t *testing.T) {
			text := strings.Join(words(t, line), "\x00")
			for _, end := range []string{"", "\x00", "\x00--\x00--bogus", "\x00command\x00--bogus", "\x00\x00--bogus"} {
				_, opts, err := parse([]string{"gobwrap", "--args", data(t, text+end), "cmd"})
				if name == "--seccomp" || name == "--add-seccomp-fd" {
					text = strings.Join(words(t, line), "\x00") // the old one has been read
				}
				if err != nil {
					t.Fatalf("%q: %v", end, err)
				}
				opts.line.Read = opts.line.Read[1:]
				if !m.ok(opts.said()) {
					t.Errorf("%q: %s came to %+v", end, line, opts.spec)
				}
			}
		})
	}
	if len(meanings)+len(elsewhere) != len(cmdline.Options) {
		t.Errorf("%d options tested, %d in the table", len(meanings)+len(elsewhere), len(cmdline.Options))
	}
}

// TestSwitches: options that change the launcher, not the sandbox.
func TestSwitches(t *testing.T) {
	opts := mustParse(t, "--level-prefix x")
	if !opts.levelPrefix || opts.dryRun {
		t.Errorf("--level-prefix: %+v", opts)
	}
	opts = mustParse(t, "--dry-run x")
	if !opts.dryRun || opts.levelPrefix || opts.explain {
		t.Errorf("--dry-run: %+v", opts)
	}
	opts = mustParse(t, "--explain x")
	if !opts.explain || opts.dryRun {
		t.Errorf("--explain: %+v", opts)
	}
	// The prefix counts for the error that follows it, too.
	_, opts, err := parse([]string{"gobwrap", "--level-prefix", "--bogus"})
	if err == nil || !opts.levelPrefix {
		t.Errorf("--level-prefix before an error: %+v, %v", opts, err)
	}
}

// TestCommand: where options end.
func TestCommand(t *testing.T) {
	for _, c := range []struct {
		argv []string
		want []string
	}{
		{[]string{"b", "true"}, []string{"true"}},
		{[]string{"b", "--", "true"}, []string{"true"}},
		{[]string{"b", "--", "--", "true"}, []string{"--", "true"}},
		{[]string{"b", "--", "-x"}, []string{"-x"}},
		{[]string{"b", "true", "--uid", "5"}, []string{"true", "--uid", "5"}},
		{[]string{"b", "", "x"}, []string{"", "x"}},
		{[]string{"b", "--new-session", "sh", "-c", ""}, []string{"sh", "-c", ""}},
		{[]string{"b", "--setenv", "--", "--", "x"}, []string{"x"}},
		{[]string{"b", "--argv0", "--", "x"}, []string{"x"}},
	} {
		_, opts, err := parse(c.argv)
		if err != nil {
			t.Errorf("%q: %v", c.argv, err)
			continue
		}
		if !slices.Equal(opts.spec.Command.Args, c.want) {
			t.Errorf("%q: command %q, want %q", c.argv, opts.spec.Command.Args, c.want)
		}
	}
	for _, argv := range [][]string{nil, {}, {"b"}, {"b", "--"}, {"b", "--new-session"}, {"b", "--new-session", "--"}} {
		if _, _, err := parse(argv); !errors.Is(err, errNoCommand) {
			t.Errorf("%q: %v, want %v", argv, err, errNoCommand)
		}
	}
}

// TestOrder: operations keep their order, through arguments files too, and --perms
// and --size count for one of them.
func TestOrder(t *testing.T) {
	opts := mustParse(t, "--dir /1 --perms 0700 --args @--dir~/2~--dir~/3 --size 5 --perms 1777 --tmpfs /4 --tmpfs /5 --args @ --ro-bind /s /6 --args @--symlink~t~/7 x")
	var got []string
	for _, op := range opts.spec.Files {
		o := op.Tree()
		got = append(got, o.Dest+" "+strconv.FormatUint(uint64(o.Perms.Bits), 8)+" "+strconv.FormatUint(o.Size.Bytes, 10))
	}
	want := []string{"/1 0 0", "/2 700 0", "/3 0 0", "/4 1777 5", "/5 0 0", "/6 0 0", "/7 0 0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for i, o := range opts.spec.Files {
		from := opts.line.Words("Files[" + strconv.Itoa(i) + "]")
		if len(from) == 0 || !strings.HasPrefix(from[0], "--") || !slices.Contains(from, o.Tree().Dest) {
			t.Errorf("operation %d comes from %q", i, from)
		}
	}
}

// TestLastWins: a scalar option given again counts, with a warning.
func TestLastWins(t *testing.T) {
	for _, c := range []struct {
		line string
		ok   func(*said) bool
	}{
		{"--setup-exit-status 2 --setup-exit-status 3", func(s *said) bool { return s.Report.FailStatus == 3 }},
		{"--fallback-proc=none --fallback-proc=bind", func(s *said) bool { return s.ProcFallback == mounts.BindOuter }},
		{"--fallback-proc=bind --fallback-proc=none", func(s *said) bool { return s.ProcFallback == mounts.Empty }},
		{"--chdir /a --chdir /b", func(s *said) bool { return s.Command.Chdir.String() == "/b" }},
		{"--hostname a --hostname b", func(s *said) bool { return s.Namespaces.Hostname.String() == "b" }},
		{"--uid 1 --uid 2", func(s *said) bool { return s.Identity.UID.N() == 2 }},
		{"--gid 1 --gid 2", func(s *said) bool { return s.Identity.GID.N() == 2 }},
		{"--exec-label a --exec-label b", func(s *said) bool { return s.Lockdown.ExecLabel.String() == "b" }},
		{"--file-label a --file-label b", func(s *said) bool { return s.Lockdown.FileLabel.String() == "b" }},
		{"--seccomp @filter --seccomp @filter", func(s *said) bool { return len(s.Lockdown.Filters) == 1 && len(s.line.Used) == 2 }},
		{"--info-fd @ --info-fd @", func(s *said) bool {
			return s.Report.InfoFD.N() == s.line.Used[1] && len(s.line.Used) == 2
		}},
		{"--json-status-fd @ --json-status-fd @", func(s *said) bool { return s.Report.JSONStatusFD.N() == s.line.Used[1] }},
		{"--block-fd @ --block-fd @", func(s *said) bool { return s.Session.BlockFD.N() == s.line.Used[1] }},
		{"--userns-block-fd @ --userns-block-fd @", func(s *said) bool { return s.Report.UserBlockFD.N() == s.line.Used[1] }},
		{"--userns @ --userns @", func(s *said) bool { return s.Namespaces.JoinUser.N() == s.line.Used[1] }},
		{"--userns2 @ --userns2 @", func(s *said) bool { return s.Namespaces.FinalUser.N() == s.line.Used[1] }},
		{"--pidns @ --pidns @", func(s *said) bool { return s.Namespaces.JoinPID.N() == s.line.Used[1] }},
		{"--netns @ --netns @", func(s *said) bool { return s.Namespaces.JoinNet.N() == s.line.Used[1] }},
	} {
		opts := mustParse(t, c.line+" x")
		name, _, _ := strings.Cut(strings.ReplaceAll(c.line, "=", " "), " ")
		if want := []string{"Only the last " + name + " option will take effect"}; !slices.Equal(opts.warnings, want) {
			t.Errorf("%s: warnings %q, want %q", c.line, opts.warnings, want)
		}
		if !c.ok(opts.said()) {
			t.Errorf("%s: %+v", c.line, opts.spec)
		}
	}
	for i := range cmdline.Options {
		if cmdline.Options[i].Scalar && strings.HasPrefix(cmdline.Options[i].Operands, "FD") && !cmdline.Options[i].Paths && strings.Contains(cmdline.Options[i].Operands, " ") {
			t.Errorf("%s is scalar and has more operands: not covered here", cmdline.Options[i].Name)
		}
	}
}

// TestRepeatable: what may be given several times adds up, without a warning.
func TestRepeatable(t *testing.T) {
	opts := mustParse(t, "--sync-fd @ --sync-fd @ --add-seccomp-fd @filter --add-seccomp-fd @filter --lock-file /a --lock-file /b "+
		"--cap-add CAP_KILL --cap-drop CAP_KILL --setenv A 1 --setenv A 2 --unsetenv A --clearenv --dir /a --dir /a x")
	s := &opts.spec
	if len(s.Session.SyncFDs) != 2 || len(s.Lockdown.Filters) != 2 || len(s.Session.Locks) != 2 || len(s.Env) != 4 || len(s.Files) != 2 {
		t.Errorf("%+v", s)
	}
	if want := []sandbox.CapEdit{{Drop: true, Caps: 1 << 5}}; !slices.Equal(s.Identity.Caps, want) { // the last one counts
		t.Errorf("%v, want %v", s.Identity.Caps, want)
	}
	if len(opts.warnings) != 0 {
		t.Errorf("warnings %q", opts.warnings)
	}
}

// TestUnshareAllTry: the weaker wish never replaces the stronger one.
func TestUnshareAllTry(t *testing.T) {
	for _, c := range []struct {
		line              string
		user, net, cgroup sandbox.Wish
	}{
		{"--unshare-user --unshare-all", sandbox.Want, sandbox.Want, sandbox.Try},
		{"--unshare-all --unshare-user", sandbox.Want, sandbox.Want, sandbox.Try},
		{"--unshare-user --unshare-user-try", sandbox.Want, sandbox.Share, sandbox.Share},
		{"--unshare-user-try --unshare-user", sandbox.Want, sandbox.Share, sandbox.Share},
		{"--unshare-cgroup --unshare-all", sandbox.Try, sandbox.Want, sandbox.Want},
		{"--unshare-all --share-net", sandbox.Try, sandbox.Share, sandbox.Try},
		{"--share-net --unshare-all", sandbox.Try, sandbox.Want, sandbox.Try},
		{"--unshare-net --share-net", sandbox.Share, sandbox.Share, sandbox.Share},
	} {
		n := mustParse(t, c.line+" x").spec.Namespaces
		if n.User != c.user || n.Net != c.net || n.Cgroup != c.cgroup {
			t.Errorf("%s: user %d, net %d, cgroup %d", c.line, n.User, n.Net, n.Cgroup)
		}
	}
}

// TestManyWords: no limit on the number of words, and none on time.
func TestManyWords(t *testing.T) {
	argv := []string{"gobwrap"}
	var file []string
	for range 20000 {
		argv = append(argv, "--dir", "/d")
		file = append(file, "--dir", "/d")
	}
	argv = append(argv, "--args", data(t, strings.Join(file, "\x00")), "x")
	_, opts, err := parse(argv)
	if err != nil || len(opts.spec.Files) != 40000 {
		t.Errorf("%d operations, %v", len(opts.spec.Files), err)
	}
}
