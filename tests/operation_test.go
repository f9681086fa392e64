package tests

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The parts of a made-up operation: its row, and the function that does it.
const (
	madeUpOp  = "	OpMadeUp // A number, B dst: for TestMadeUpOperation\n"
	madeUpRow = "	OpMadeUp: {\"made-up\", inRoot, [7]kind{num, path}, [7]string{\"n\", \"dst\"}, FlagTry, \"Can't make up {A} at {B}\"},\n"
	madeUpDo  = "	case s.Op == plan.OpMadeUp:\n		return step.Fault{Errno: 17, Sub: plan.SubExists}, true\n"
)

// The tests of it, one for each package that looks operations up.
var madeUpTests = map[string]string{
	"internal/plan/madeup_test.go": `package plan_test

import (
	"strings"
	"testing"

	. "github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// program is a plan with a step in the root that is built, or in front of that.
func program(t *testing.T, s Step, early bool) *Program {
	t.Helper()
	b := &planbuild.Builder{Clone: unix.CLONE_NEWNS}
	s.B = b.Str("/x")
	b.Add(Step{Op: OpSlave})
	if early {
		b.Add(s)
	}
	b.Add(Step{Op: OpRoot})
	if !early {
		b.Add(s)
	}
	b.Add(Step{Op: OpPivot})
	b.EndSetup()
	b.Add(Step{Op: OpExec})
	b.Command([]string{"/bin/true"}, []string{"true"}, []string{"PWD=/"}, 0)
	b.Fds(nil, nil, nil, -1)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMadeUp(t *testing.T) {
	for _, c := range []struct {
		step  Step
		early bool
		want  Verdict
	}{
		{Step{Op: OpMadeUp, A: 7}, false, Good},
		{Step{Op: OpMadeUp, A: 7, Flags: FlagTry}, false, Good},
		{Step{Op: OpMadeUp, Flags: FlagLenient}, false, BadOrder}, // a flag that its row has not
		{Step{Op: OpMadeUp}, true, BadOrder},                      // out of its phase
	} {
		p := program(t, c.step, c.early)
		if v := p.Verify(); v != c.want {
			t.Errorf("%+v: %d, want %d", c.step, v, c.want)
		}
		if text := p.Dump(nil); !strings.Contains(text, "made-up    n=") || !strings.Contains(text, "dst=\"/x\"") {
			t.Errorf("listed as\n%s", text)
		}
		at := uint32(2)
		if c.early {
			at = 1
		}
		if text := p.Sentence(p.Step(at)); !strings.HasPrefix(text, "Can't make up ") || !strings.HasSuffix(text, " at /x") {
			t.Errorf("a fault is called %q", text)
		}
	}
}
`,
	"mounts/build/madeup_unsafe_test.go": `package build

import (
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
)

func TestMadeUp(t *testing.T) {
	var h plan.Header
	s := plan.Step{Op: plan.OpMadeUp, A: 17}
	var r Root
	f, mine := r.Do(plan.ViewAt(unsafe.Pointer(&h)), &s)
	if !mine || f.Errno != 17 {
		t.Errorf("%v, %v", f, mine)
	}
}
`,
}

// changed is a copy of the module with changes, for the go command (-overlay).
type changed struct {
	dir     string
	replace map[string]string
}

func newChanged(t *testing.T) *changed { return &changed{t.TempDir(), map[string]string{}} }

// put adds a file, or puts another one in its place.
func (c *changed) put(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(c.dir, strings.ReplaceAll(name, "/", "+"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs("../" + name)
	if err != nil {
		t.Fatal(err)
	}
	c.replace[path] = file
}

// plant puts text in front of others: pairs are what stands in the file, and what comes before it.
func (c *changed) plant(t *testing.T, name string, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	if err != nil {
		t.Fatal(err)
	}
	out := string(text)
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(out, pairs[i]) != 1 {
			t.Fatalf("%q stands %d times in %s", pairs[i], strings.Count(out, pairs[i]), name)
		}
		out = strings.Replace(out, pairs[i], pairs[i+1]+pairs[i], 1)
	}
	c.put(t, name, out)
}

// run runs the go command on the copy: build, test and the like, and words.
func (c *changed) run(t *testing.T, command string, words ...string) string {
	t.Helper()
	overlay, err := json.Marshal(map[string]any{"Replace": c.replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", append([]string{command, "-overlay", file}, words...)...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s %q: %v\n%s", command, words, err, out)
	}
	return string(out)
}

// TestMadeUpOperation adds an operation to the table, and the function that does it, and shows
// that nothing else needs to know it by name: everything builds, plans with it are judged and
// listed, and it is carried out. Setuid mode refuses what its policy does not name.
func TestMadeUpOperation(t *testing.T) {
	c := newChanged(t)
	c.plant(t, "internal/plan/op.go", "	NumOps\n", madeUpOp, "	OpExec:    {", madeUpRow)
	c.plant(t, "mounts/build/root_unsafe.go", "	case s.Op == plan.OpSlave:\n", madeUpDo)
	for name, text := range madeUpTests {
		c.put(t, name, text)
	}
	c.run(t, "build", "./cmd/gobwrap", "./sandbox/...", "./suid")
	out := c.run(t, "test", "-count=1", "-run", "^TestMadeUp$", "-v", "./internal/plan", "./mounts/build")
	if strings.Count(out, "--- PASS: TestMadeUp") != 2 {
		t.Errorf("not both tests have run:\n%s", out)
	}
}

// madeUpOptions are the changes for a setting, an operation on files and a number that are made up, and their options, by
// file of code: three for each of the first two, and one more for what carries the number out. Where gofmt
// aligns lines, a change stands in front of what is not aligned, so that a longer name leaves this as it is.
var madeUpOptions = map[string][]string{
	"internal/cmdline/options.go": {
		"	{Name: \"--foreground\",", `	{Name: "--made-up-setting", Operands: "N", Help: "For a test", Wants: "a number", do: doSetting, on: uint8(setting.MadeUp)},
	{Name: "--made-up-number", Operands: "N", Help: "For a test", Wants: "a number from 1 to 9", do: doNumber, on: flat.MadeUp, low: 1, high: 9},
	{Name: "--made-up-operation", Operands: "DEST", Help: "For a test", Paths: true, Takes: TakesPerms, do: doAt, makes: tree.MadeUp},
`,
	},
	// The number, and what carries it out.
	"internal/flat/spec.go": {"	NumNumbers\n)", "	MadeUp\n"},
	"sandbox/spec.go": {
		"	// AllowSockets are paths", "	MadeUp uint8\n",
		"	}\n}\n\n// scope is a wish", "		flat.MadeUp: rules.NumberOf(\"Lockdown.MadeUp\", &s.Lockdown.MadeUp),\n",
	},
	"internal/compile/command.go": {
		"	// Late, since limits could be", "	if n := c.Spec.Numbers[flat.MadeUp]; n != 0 {\n		c.Step(plan.Step{Op: plan.OpClose, A: 100 + n, B: 100 + n})\n	}\n",
	},
	// The setting.
	"internal/setting/kinds_unsafe.go": {
		"	numKinds ", "	MadeUp\n",
		"}\n\n// Values are", "	MadeUp: {\"timer slack\", unix.EINVAL, \"for a test\", asNumber},\n",
		"	case CPUs:\n		return parseCPUs", "	case MadeUp:\n		n, ok := flat.Decimal(word, 1<<63)\n		v.N, v.Words[0] = 1, n\n		return ok\n",
		"	case k == CPUs:\n		return setCPUs", "	case k == MadeUp && n >= 1:\n		return raw.Prctl(unix.PR_SET_TIMERSLACK, uintptr(*(*uint64)(values)), 0, 0, 0)\n",
	},
	"sandbox/limits.go": {
		"	// After this time", "	MadeUp string\n",
		"	if l.CPUs != \"\" {\n", "	if l.MadeUp != \"\" {\n		list = append(list, set{\"Limits.MadeUp\", setting.MadeUp, l.MadeUp, \"a number\"})\n	}\n",
		"	case setting.CPUs:\n", "	case setting.MadeUp:\n		l.MadeUp = text\n		return \"Limits.MadeUp\"\n",
	},
	// The operation.
	"internal/tree/kinds.go": {
		"	numKinds\n", "	MadeUp\n",
		"}\n\n// SourceCount returns", "	MadeUp: {\"MadeUp\", dest, perms, [3]Line{New}, \"a copy\", nothing},\n",
		"	case it.Kind == File:\n", "	case it.Kind == MadeUp:\n		m.Step(plan.Step{Op: plan.OpDir, B: at, D: mode(it, 0o755), E: parents(it)})\n",
	},
	"mounts/op.go": {"// Symlink makes", "// MadeUp is like Dir.\nfunc MadeUp(dest string) Op { return at(tree.MadeUp, dest) }\n\n"},
}

// madeUpSpec shows the same from a program.
const madeUpSpec = `package sandbox

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/policy"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/mounts"
)

func TestMadeUp(t *testing.T) {
	s := Spec{Command: CommandLine{Args: []string{"x"}}, Files: []mounts.Op{mounts.MadeUp("/d").Perms(0o700)}, Limits: Limits{MadeUp: "7"}, Lockdown: Lockdown{MadeUp: 7}}
	p, err := planOf(s.settled(), facts{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"from=107 to=107", "set        timer slack 7 ", "; Limits.MadeUp", "dst=\"/d\" mode=0700", "; \"Files[0]\""} {
		if text := p.Dump(setting.Listed); !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	var rules policy.Policy
	if line := rules.Read([]byte("refuse --made-up-setting"), nil); line != 0 {
		t.Error("policy.conf cannot name the setting")
	}
	if v, option, _ := rules.Judge(plan.ViewAt(unsafe.Pointer(unsafe.SliceData(p.Bytes))), false); v != policy.Refused || option != "--made-up-setting" {
		t.Errorf("the setting refused: %d, %q", v, option)
	}
	for field, change := range map[string]func(*Spec){
		"Limits.MadeUp: invalid value \"x\" (want a number)": func(s *Spec) { s.Limits.MadeUp = "x" },
		"Files[0].Dest: must not be empty":                 func(s *Spec) { s.Files = []mounts.Op{mounts.MadeUp("")} },
		"Files[0].Size: is not used by MadeUp":               func(s *Spec) { s.Files = []mounts.Op{mounts.MadeUp("/d").Size(1)} },
	} {
		bad := s
		change(&bad)
		if _, err := planOf(bad.settled(), facts{}); err == nil || err.Error() != field {
			t.Errorf("%v, want %s", err, field)
		}
	}
}
`

// TestMadeUpOptions adds a setting, an operation on files and a number, with their options, and shows that so many files of
// code are enough: the command line and a program can ask for them, mistakes, listings and descriptions name
// them, and policy.conf can name the setting.
func TestMadeUpOptions(t *testing.T) {
	c := newChanged(t)
	for name, pairs := range madeUpOptions {
		c.plant(t, name, pairs...)
	}
	c.put(t, "sandbox/madeup_test.go", madeUpSpec)
	if out := c.run(t, "test", "-count=1", "-run", "^TestMadeUp$", "-v", "./sandbox"); !strings.Contains(out, "--- PASS: TestMadeUp") {
		t.Errorf("the test has not run:\n%s", out)
	}
	program := filepath.Join(c.dir, "gobwrap")
	c.run(t, "build", "-ldflags=-E="+module+"/sandbox/child.entry", "-o", program, "./cmd/gobwrap")
	for _, l := range []struct {
		words []string
		want  []string
	}{
		{[]string{"--dry-run", "--made-up-number", "7", "--made-up-setting", "5", "--made-up-setting", "7", "--perms", "0700", "--made-up-operation", "/d"}, []string{"from=107 to=107", "set        timer slack 7 ", "; --made-up-setting 7", `dst="/d" mode=0700`, "; --made-up-operation /d"}},
		{[]string{"--dry-run", "--made-up-setting", "x"}, []string{`--made-up-setting: invalid value "x" (want a number)`}},
		{[]string{"--dry-run", "--made-up-number", "10"}, []string{`--made-up-number: invalid value "10" (want a number from 1 to 9)`}},
		{[]string{"--dry-run", "--made-up-operation", ""}, []string{"--made-up-operation: DEST must not be empty"}},
		{[]string{"--explain", "--made-up-setting", "7", "--made-up-operation", "/d", "--bind", "/no-such", "/x"}, []string{"limits: timer slack 7", "new, removed at the end: /d (a copy)"}},
	} {
		out, _ := exec.Command(program, append(l.words, "x")...).CombinedOutput()
		for _, want := range l.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q: no %s in\n%s", l.words, want, out)
			}
		}
		if strings.Contains(string(out), "timer slack 5 ") {
			t.Errorf("%q: the earlier setting counts, too:\n%s", l.words, out)
		}
	}
}
