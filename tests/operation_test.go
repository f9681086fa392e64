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
		if text := p.Dump(); !strings.Contains(text, "made-up    n=") || !strings.Contains(text, "dst=\"/x\"") {
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

// TestMadeUpOperation adds an operation to the table, and the function that does it, and shows
// that nothing else needs to know it by name: everything builds, plans with it are judged and
// listed, and it is carried out. Setuid mode refuses what its policy does not name.
func TestMadeUpOperation(t *testing.T) {
	dir := t.TempDir()
	replace := map[string]string{}
	put := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "+"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		path, err := filepath.Abs("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		replace[path] = file
	}
	plant := func(name string, pairs ...string) {
		t.Helper()
		text, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		changed := string(text)
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(changed, pairs[i]) {
				t.Fatalf("no %q in %s", pairs[i], name)
			}
			changed = strings.Replace(changed, pairs[i], pairs[i+1]+pairs[i], 1)
		}
		put(name, changed)
	}
	plant("internal/plan/op.go", "	NumOps\n", madeUpOp, "	OpExec:    {", madeUpRow)
	plant("mounts/build/root_unsafe.go", "	case s.Op == plan.OpSlave:\n", madeUpDo)
	for name, text := range madeUpTests {
		put(name, text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{
		{"build", "-overlay", file, "./cmd/gobwrap", "./sandbox/...", "./suid"},
		{"test", "-overlay", file, "-count=1", "-run", "^TestMadeUp$", "-v", "./internal/plan", "./mounts/build"},
	} {
		cmd := exec.Command("go", words...)
		cmd.Dir = ".."
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("go %q: %v\n%s", words, err, out)
		}
		if words[0] == "test" && strings.Count(string(out), "--- PASS: TestMadeUp") != 2 {
			t.Errorf("not both tests have run:\n%s", out)
		}
	}
}
