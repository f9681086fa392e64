package doctor_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
)

// world is a place where something is in the way.
type world struct {
	name string
	// setup is a shell script, run as root in a mount namespace of its own. It finds the
	// launcher at $gobwrap and a directory of its own at $dir, and may set $gobwrap, and
	// $as, the words in front of the launcher.
	setup  string
	userns bool // in a user namespace with all ids, whose limits root may set
	root   bool // the caller is root

	status int               // of --doctor
	mode   string            // "": none
	causes map[string]string // failed steps and their causes
	says   string            // a part of the report for people,
	also   []string          // and further ones
	lacks  string            // what must not be in it; "": nothing
	fix    string            // how to fix it; printed: as the report says, to root
	launch string            // a command line that fails before that, and works after it
	hint   string            // a part of that failure's hint; "": there is none
	warns  string            // what the fixed launch says; "": nothing
}

const printed = "as printed"

// steps is what runs in a world, after its setup. What is to be typed is what the
// report has under "To fix it".
const steps = `
run() { # NAME WORD…
	out=$dir/$1 status=0
	shift
	$as "$gobwrap" "$@" >"$out.out" 2>"$out.err" </dev/null || status=$?
	echo $status >"$out.status"
}
run json --doctor=json
[ -z "$report" ] || run text --doctor
[ -z "$launch" ] || run before $launch
if [ -n "$fix" ]; then
	if [ "$fix" = "as printed" ]; then
		fix=$(sed -n '/^  To fix it/,/^  [^ ]*.*[^:]$\|^$/ s/^    //p' "$dir/text.out")
	fi
	echo "$fix" >"$dir/typed"
	eval "$fix" >"$dir/fixed" 2>&1
	run after $launch
fi
`

// played is what a world has said.
type played struct {
	t   *testing.T
	dir string
}

func (p played) file(name string) string {
	data, _ := os.ReadFile(filepath.Join(p.dir, name))
	return strings.TrimSuffix(string(data), "\n")
}

func (w world) play(t *testing.T) played {
	t.Helper()
	dir := harness.Scratch(t, base, 0)
	as := "setpriv --reuid 12345 --regid 12345 --clear-groups"
	if w.root {
		as = ""
	}
	script := w.setup + steps
	cmd := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-euc", script)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "dir=" + dir, "gobwrap=" + gobwrap, "enosys=" + enosys, "as=" + as, "fix=" + w.fix, "launch=" + w.launch, "script=" + script, "report=" + w.reports()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if w.userns {
		all := []syscall.SysProcIDMap{{Size: 1 << 16}}
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = all, all
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
		cmd.SysProcAttr.Credential = &syscall.Credential{}
	}
	late := time.AfterFunc(harness.Patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the world: %v\n%s\n%s", err, out, played{t, dir}.file("fixed"))
	}
	return played{t, dir}
}

// reports tells, in a word that is empty or not, whether the report for people is needed.
func (w world) reports() string {
	if w.says != "" || w.fix == printed || strings.Contains(w.fix, "text.out") {
		return "yes"
	}
	return ""
}

// verdict is what the tests need of --doctor=json.
type verdict struct {
	Status int
	Mode   *string
	Steps  []struct{ Step, Result, Cause, Message string }
	Causes []struct{ Cause string }
	Notes  []string
}

func (p played) verdict() (v verdict) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.file("json.out")), &v); err != nil {
		p.t.Fatalf("%v in:\n%s\n%s", err, p.file("json.out"), p.file("json.err"))
	}
	return v
}

// check holds a world against what is said about it.
func (w world) check(t *testing.T) {
	t.Helper()
	p := w.play(t)
	v := p.verdict()
	text := p.file("text.out")
	mode := ""
	if v.Mode != nil {
		mode = *v.Mode
	}
	status := fmt.Sprint(w.status)
	if v.Status != w.status || p.file("json.status") != status || mode != w.mode {
		t.Errorf("status %d (exit status %s), mode %q, want %d and %q", v.Status, p.file("json.status"), mode, w.status, w.mode)
	}
	if w.reports() != "" && p.file("text.status") != status {
		t.Errorf("the report for people ends with %s, want %s", p.file("text.status"), status)
	}
	causes := map[string]string{}
	for _, s := range v.Steps {
		if s.Result == "failed" {
			causes[s.Step] = s.Cause
		}
	}
	if !maps.Equal(causes, w.causes) {
		t.Errorf("failed steps and causes %q, want %q", causes, w.causes)
	}
	for _, part := range append(w.also, w.says) {
		if !strings.Contains(text, part) {
			t.Errorf("the report lacks %q", part)
		}
	}
	if w.lacks != "" && strings.Contains(text, w.lacks) {
		t.Errorf("the report has %q", w.lacks)
	}
	w.checkLaunch(t, p)
	if t.Failed() {
		t.Logf("report:\n%s%s\ntyped: %s\n%s\nbefore: %s\nafter: %s", text, p.file("text.err"), p.file("typed"), p.file("fixed"), p.file("before.err"), p.file("after.err"))
	}
}

// checkLaunch: the launch fails with a hint before the fix, and works after it.
func (w world) checkLaunch(t *testing.T, p played) {
	t.Helper()
	if w.fix != "" && (w.launch == "" || p.file("typed") == "") {
		t.Error("nothing was typed, or nothing launched after it")
	}
	if w.launch == "" {
		return
	}
	lines := append(strings.Split(p.file("before.err"), "\n"), "")
	hinted := strings.HasPrefix(lines[1], "gobwrap: hint: ") && len(lines) == 3
	if p.file("before.status") != "1" || hinted != (w.hint != "") || !strings.Contains(lines[1], w.hint) {
		t.Errorf("before it is fixed the launch ends with %s and says %q, want 1 and a hint with %q", p.file("before.status"), lines, w.hint)
	}
	after := p.file("after.err")
	if w.fix != "" && (p.file("after.status") != "0" || w.warns == "" && after != "" || !strings.Contains(after, w.warns)) {
		t.Errorf("after it is fixed the launch ends with %s and says %q", p.file("after.status"), after)
	}
}
