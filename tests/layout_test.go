// Package tests holds what is said about the module as a whole. The suites lie in the
// folders below.
package tests

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gobwrap/gobwrap"

// arrows says who may import whom inside the module, and which packages from elsewhere.
// The last word of a row is the reason. What is not here may not be imported.
//
//	cmd/gobwrap → sandbox/doctor → sandbox
//	cmd/gobwrap → sandbox → { mounts, idmap, seccomp } ──→ internal/plan
//	                 └─────→ sandbox/child → { suid/keeper → suid, mounts/build } → suid/broker → internal/{step, raw, plan}
//	sandbox/child → { args, monitor → first → pid1 → payload → landlock } → launch
//	cmd/gobwrap-seccomp → seccomp/profile → seccomp/bpf → seccomp
var arrows = []struct {
	from, to, reason string
}{
	{"cmd/gobwrap", "suid sandbox sandbox/child internal/plan mounts idmap seccomp sandbox/doctor", "it fills a Spec and starts it, or asks why it does not start"},
	{"cmd/gobwrap", "internal/cmdline internal/flat internal/tree", "it reads the command line, and puts the parser's numbers into words"},
	{"cmd/gobwrap", "internal/front internal/compile", "what package sandbox offers to it alone, and the rules that have sentences of their own"},
	{"sandbox", "internal/profiles", "it has profiles compiled by what seccomp/profile has put there"},
	{"seccomp/profile", "internal/profiles", "a program that contains it needs no compiler besides"},
	{"internal/profiles", "", "a variable: below everything"},
	{"sandbox", "internal/front internal/tree", "it offers its plans to cmd/gobwrap and tests, and takes what package mounts has made"},
	{"sandbox/sandboxtest", "internal/tree", "it looks what covers the root"},
	{"internal/front", "internal/compile internal/flat internal/plan", "functions and errors that package sandbox does not export"},
	{"internal/tree", "internal/emit internal/plan internal/flat golang.org/x/sys/unix", "operations on files as data, and as steps: limits of the plan, and what a pattern is"},
	{"internal/emit", "internal/plan internal/flat", "a plan that is being made: steps, slots and strings"},
	{"internal/cmdline", "internal/flat internal/plan internal/setting idmap internal/tree seccomp golang.org/x/sys/unix", "the parser: it knows what options mean, and needs no runtime"},
	{"sandbox", "internal/flat internal/compile", "it has its Specs compiled"},
	{"internal/compile", "internal/emit internal/flat internal/setting idmap internal/tree seccomp internal/plan golang.org/x/sys/unix", "the compiler: a flat description in, a plan out; it needs no runtime"},
	{"internal/policy", "internal/cmdline internal/flat internal/plan internal/raw internal/setting golang.org/x/sys/unix", "the administrator's policy.conf: a text read, and a plan judged by what options leave in it, without a runtime"},
	{"sandbox/internal/fault", "internal/policy", "its verdicts become messages"},
	{"sandbox/doctor", "internal/policy", "it says whether the file binds"},
	{"internal/version", "", "two constants"},
	{"cmd/gobwrap", "internal/version", "it prints them"},
	{"cmd/gobwrap-seccomp", "internal/version", "the same"},
	{"cmd/gobwrap-limit", "internal/version golang.org/x/sys/unix", "the same; it makes cgroups"},
	{"cmd/gobwrap-limit", "github.com/coreos/go-systemd/v22/dbus github.com/godbus/dbus/v5", "it asks systemd for a scope; a program of its own, since nothing that the launcher contains speaks D-Bus"},
	{"internal/setting", "internal/flat internal/plan internal/raw golang.org/x/sys/unix unsafe", "settings are read, and made, without a runtime"},
	{"sandbox", "internal/setting", "fields of a Spec are settings"},
	{"sandbox/internal/fault", "internal/setting", "it says why a setting is refused"},
	{"internal/flat", "internal/plan", "a description of a sandbox without pointers; its switches are flags of the plan"},
	{"cmd/gobwrap", "golang.org/x/sys/unix", "names of system calls"},
	{"sandbox/doctor", "sandbox sandbox/child mounts suid golang.org/x/sys/unix", "it makes launches, as any program does, and reports what they have shown"},
	{"sandbox/doctor", "internal/helper internal/jsontext internal/kernel internal/procfs", "its launches inherit nothing; it reads files, and writes JSON"},
	{"internal/docs", "", "it writes manuals and completions of the tables that tests hand it: no program contains it"},
	{"suid", "internal/plan internal/raw suid/broker golang.org/x/sys/unix unsafe", "the tables of the setuid mode, and what the broker does not do by them"},
	{"suid/keeper", "suid suid/broker internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "the keeper: it runs without a runtime, reports faults as set-up does, and becomes the broker"},
	{"suid/broker", "internal/raw golang.org/x/sys/unix unsafe", "the broker: system calls and nothing else"},
	{"mounts/build", "suid/broker", "it asks the broker in setuid mode"},
	{"mounts/build", "mounts/build/deny mounts/build/engine mounts/build/frame mounts/build/resolve mounts/build/source", "it does the steps of a plan with the parts that these make"},
	{"mounts/build/deny", "mounts/build/engine mounts/build/resolve mounts/build/placeholder mounts/build/pattern mounts/build/pathname suid/broker", "it covers what is found on a path, or by a pattern, or is to stay missing"},
	{"mounts/build/engine", "mounts/build/frame mounts/build/resolve mounts/build/mountinfo mounts/build/pathname suid/broker", "it mounts what is found, on what is found"},
	{"mounts/build/source", "mounts/build/frame mounts/build/resolve mounts/build/pathname suid/broker", "host paths, which are followed by hand where the old root is not this process's"},
	{"mounts/build/resolve", "mounts/build/frame mounts/build/pathname", "paths begin in the frame"},
	{"mounts/build/frame", "mounts/build/mountinfo suid/broker", "mounts have ids; in setuid mode the broker makes the frame"},
	{"mounts/build/pattern", "mounts/build/pathname internal/raw unsafe", "a pattern has components; it makes no system call"},
	{"mounts/build/pathname", "internal/raw unsafe", "the text of paths: below everything that follows them"},
	{"mounts/build/mountinfo", "internal/raw golang.org/x/sys/unix unsafe", "a text of the kernel's"},
	{"sandbox/child/monitor", "mounts/build/placeholder", "it removes them"},
	{"sandbox/child/monitor", "mounts/build/mountinfo", "in setuid mode it sees whether the root is rootfs"},
	{"sandbox/child/pid1", "mounts/build/placeholder", "init holds the locks"},
	{"sandbox/child/launch", "mounts/build/placeholder", "their descriptors are not closed with others"},
	{"sandbox", "sandbox/child internal/plan mounts idmap seccomp suid", "it compiles with the packages below, and hands the plan to package child"},
	{"sandbox", "sandbox/internal/compiler sandbox/internal/describe sandbox/internal/host sandbox/internal/launcher sandbox/internal/link sandbox/internal/maps sandbox/internal/planner sandbox/internal/report sandbox/internal/rules", "what a launch needs and a program that uses it does not see"},
	{"sandbox/internal/compiler", "internal/helper internal/profiles sandbox/child sandbox/internal/fault seccomp", "it runs gobwrap-seccomp, or asks what seccomp/profile has put there"},
	{"sandbox/internal/planner", "internal/compile internal/emit internal/flat internal/front internal/plan", "it has plans made"},
	{"sandbox/internal/rules", "internal/compile internal/flat internal/plan", "it gives the compiler's rules texts"},
	{"sandbox/internal/report", "internal/jsontext internal/plan sandbox/internal/link", "documents go by way of the link"},
	{"sandbox/internal/describe", "idmap internal/tree", "lines about files, ids and namespaces: it reads nothing"},
	{"sandbox/internal/host", "idmap internal/front internal/kernel internal/plan internal/procfs internal/tree sandbox/child suid golang.org/x/sys/unix unsafe", "it fills facts, and asks what setuid mode can do"},
	{"sandbox/internal/launcher", "internal/helper internal/procfs sandbox/child sandbox/internal/fault sandbox/internal/self", "a program may be its own launcher"},
	{"sandbox/internal/link", "internal/helper internal/plan internal/procfs internal/tree sandbox/child golang.org/x/sys/unix", "it sends plans, and hears messages"},
	{"sandbox/internal/maps", "idmap internal/front internal/helper internal/plan internal/procfs sandbox/internal/fault sandbox/internal/host golang.org/x/sys/unix", "it has maps written by newuidmap"},
	{"sandbox", "internal/jsontext internal/kernel internal/procfs", "it writes reports, and knows the host"},
	{"cmd/gobwrap", "internal/jsontext", "it answers --features"},
	{"suid", "internal/procfs", "it reads what the kernel says of a process"},
	{"internal/jsontext", "", "it writes JSON: below everything"},
	{"internal/kernel", "golang.org/x/sys/unix", "it asks the kernel: below everything"},
	{"internal/procfs", "", "it reads small files: below everything"},
	{"sandbox", "golang.org/x/sys/unix", "flags and errnos"},
	{"internal/helper", "golang.org/x/sys/unix", "it starts small programs and waits for them"},
	{"sandbox", "sandbox/internal/fault", "its errors say what a fault means"},
	{"sandbox/internal/fault", "internal/plan internal/procfs internal/tree suid golang.org/x/sys/unix", "texts of numbers: it knows the plan, the errnos, and the policy of setuid mode"},
	{"sandbox/internal/self", "unsafe", "it is initialised before what it would import"},
	{"sandbox/examples/judge", "sandbox mounts", "a program like that of any other module"},
	{"sandbox/sandboxtest", "sandbox mounts", "for the tests of those who use package sandbox"},
	{"mounts", "internal/tree", "it makes operations"},
	{"idmap", "internal/plan", "it formats maps and sets"},
	{"seccomp", "internal/plan golang.org/x/sys/unix", "it checks bytes"},
	{"seccomp/bpf", "seccomp golang.org/x/sys/unix", "reads filters for people and tests; the launcher has no use for it"},
	{"seccomp/profile", "seccomp seccomp/bpf golang.org/x/sys/unix", "makes filters; with cgo, so nothing that the launcher contains may import it"},
	{"seccomp/profile", "github.com/opencontainers/runtime-spec/specs-go github.com/seccomp/libseccomp-golang", "the profiles' words, and the compiler"},
	{"cmd/gobwrap-seccomp", "seccomp seccomp/bpf seccomp/profile golang.org/x/sys/unix", "the compiler as a program of its own, which the launcher runs"},
	{"sandbox/child", "sandbox/child/args sandbox/child/first sandbox/child/launch sandbox/child/monitor", "the entry points: which process this is, and what it does first"},
	{"sandbox/child", "suid/keeper suid/broker", "it starts the keeper, and goes on in the first process that comes of it"},
	{"sandbox/child", "idmap sandbox/child/payload sandbox/child/pid1 mounts/build internal/compile", "only so that the linker lays the code of a launch together"},
	{"sandbox/child", "internal/cmdline internal/flat internal/plan internal/raw internal/step suid golang.org/x/sys/unix unsafe", "it runs without a runtime: constants and struct layouts only, not even package syscall"},
	{"sandbox/child/args", "sandbox/child/launch suid/keeper seccomp", "it knows whether a seccomp filter is in force, the caller's ids, and what a filter is"},
	{"sandbox/child/args", "internal/cmdline internal/compile internal/emit internal/flat internal/plan internal/raw internal/tree internal/version golang.org/x/sys/unix unsafe", "it reads the command line and makes the plan, without a runtime"},
	{"sandbox/child/monitor", "sandbox/child/first sandbox/child/landlock sandbox/child/launch", "it clones the first process, and tries before whether scopes can be had"},
	{"sandbox/child/monitor", "internal/policy", "it asks about every plan before it starts something"},
	{"sandbox/child/monitor", "internal/setting", "it knows from the limits whether one of them has ended the payload"},
	{"sandbox/child/monitor", "suid/keeper", "it sends the keeper its header"},
	{"sandbox/child/monitor", "internal/flat internal/plan internal/raw internal/step mounts/build golang.org/x/sys/unix unsafe", "without a runtime; it removes the placeholders that package build has made"},
	{"sandbox/child/first", "sandbox/child/launch sandbox/child/payload sandbox/child/pid1", "it walks the plan, splits an init off, and becomes the payload"},
	{"sandbox/child/first", "suid/broker suid/keeper", "in setuid mode it is the keeper's clone, and has the broker set the host name"},
	{"sandbox/child/first", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "without a runtime"},
	{"sandbox/child/pid1", "sandbox/child/landlock sandbox/child/launch sandbox/child/payload", "what counts for init and the payload is done before the fork"},
	{"sandbox/child/pid1", "internal/plan internal/raw internal/step mounts/build golang.org/x/sys/unix unsafe", "without a runtime; it holds the locks on placeholders"},
	{"sandbox/child/payload", "sandbox/child/landlock sandbox/child/launch", "it enters a Landlock domain"},
	{"sandbox/child/payload", "internal/setting", "the payload's process makes them"},
	{"sandbox/child/payload", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "without a runtime"},
	{"sandbox/child/landlock", "sandbox/child/launch internal/plan internal/raw golang.org/x/sys/unix unsafe", "without a runtime; what all processes of a launch know"},
	{"sandbox/child/launch", "internal/plan internal/raw internal/step mounts/build suid golang.org/x/sys/unix unsafe", "without a runtime; the root is part of the state of a process"},
	{"mounts/build", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "the same; it knows files and mounts, and no process"},
	{"mounts/build/deny", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "the same"},
	{"mounts/build/engine", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "the same"},
	{"mounts/build/source", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "the same"},
	{"mounts/build/resolve", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "the same"},
	{"mounts/build/placeholder", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "the same"},
	{"mounts/build/frame", "internal/plan internal/raw internal/step golang.org/x/sys/unix unsafe", "the same"},
	{"internal/step", "internal/plan internal/raw golang.org/x/sys/unix unsafe", "the same; what a process that carries out a plan knows, and how it fails"},
	{"internal/raw", "golang.org/x/sys/unix sync/atomic unsafe", "the same; system calls, and single instructions of sync/atomic"},
	{"internal/plan", "golang.org/x/sys/unix", "the contract of both sides: below everything"},
}

// noStd are packages that may import nothing of the standard library beyond arrows.
var noStd = map[string]string{
	"sandbox/child":          "whatever it imports could be called where there is no runtime",
	"sandbox/child/args":     "the same",
	"sandbox/child/monitor":  "the same",
	"sandbox/child/first":    "the same",
	"sandbox/child/pid1":     "the same",
	"sandbox/child/payload":  "the same",
	"sandbox/child/landlock": "the same",
	"sandbox/child/launch":   "the same",
	"mounts/build":           "the same",
	"mounts/build/deny":      "the same",
	"mounts/build/engine":    "the same",
	"mounts/build/frame":     "the same",
	"mounts/build/resolve":   "the same",
	"mounts/build/source":    "the same",
	"mounts/build/pattern":   "the same",
	"mounts/build/pathname":  "the same",

	"mounts/build/mountinfo":   "the same",
	"mounts/build/placeholder": "the same",

	"suid/keeper":           "the same",
	"suid/broker":           "the same",
	"internal/step":         "the same",
	"internal/raw":          "the same",
	"sandbox/internal/self": "what it imports would be initialised first",
}

// keptOut are packages that the launcher must not contain, directly or indirectly.
var keptOut = map[string]string{
	"net":           "resolvers and pollers; with cgo, C",
	"os/user":       "reads the user database; with cgo, C",
	"os/signal":     "the runtime must not handle the launcher's signals",
	"encoding/json": "a start-up of tables for two lines of output",
	"flag":          "the option table is the parser",
	"log":           "printer.go prints",
	"regexp":        "no user's text needs it",
	"text/template": "large, and reflective",
	"crypto/tls":    "nothing here speaks to anybody",
	"plugin":        "nothing is loaded",
	"runtime/cgo":   "C costs half of the start-up, and the entry point could not come first",
	"C":             "see runtime/cgo",
	"testing":       "test code has leaked into the program",

	"github.com/gobwrap/gobwrap/internal/docs": "it writes the manual, before anything is installed",

	"github.com/gobwrap/gobwrap/seccomp/profile":      "it has C in it; cmd/gobwrap-seccomp is run instead",
	"github.com/seccomp/libseccomp-golang":            "C; see seccomp/profile",
	"github.com/opencontainers/runtime-spec/specs-go": "profiles are not the launcher's to read",
	"github.com/syndtr/gocapability/capability":       "its init reads /proc; the tests compare our table with its",
}

// inits are the files that may have an init function, which runs before main.
var inits = map[string]string{
	"sandbox/front.go":              "cmd/gobwrap calls what it sets, and no program can before main",
	"seccomp/profile/here.go":       "a program that links the compiler is told so",
	"sandbox/internal/self/self.go": "a host that starts itself is recognised before anything else acts",
}

// goroutines are the files that may start one. The launcher runs none of them.
var goroutines = map[string]string{
	"sandbox/examples/judge/main.go": "it runs several programs at a time",
	"cmd/gobwrap-limit/cgroup.go":    "it passes signals on while it waits; it is not the launcher",
	"sandbox/hosted.go":              "in a host, what os/exec started may take as long as the caller's own Reader",
}

type goPackage struct {
	ImportPath, Dir, Name              string
	Standard                           bool
	Imports, GoFiles, CgoFiles, SFiles []string
	TestImports, XTestImports          []string
	TestGoFiles, XTestGoFiles, CFiles  []string
	IgnoredGoFiles, EmbedFiles         []string
}

// list asks go list about packages and all that they import.
func list(t *testing.T, cgo string, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOFLAGS=", "GOOS=linux")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for d := json.NewDecoder(out); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return all
}

// product tells the module's own packages from its tests; name is the folder.
func product(p goPackage) (name string, ok bool) {
	name, ok = strings.CutPrefix(p.ImportPath, module+"/")
	return name, ok && !strings.HasPrefix(name, "tests")
}

// TestArrows: imports point one way.
func TestArrows(t *testing.T) {
	may := map[string][]string{}
	for _, a := range arrows {
		may[a.from] = append(may[a.from], strings.Fields(a.to)...)
		if a.reason == "" {
			t.Errorf("%s → %s has no reason", a.from, a.to)
		}
	}
	seen := 0
	for _, p := range list(t, "0", "./...") {
		name, ok := product(p)
		if !ok {
			continue
		}
		seen++
		if _, ok := may[name]; !ok {
			t.Errorf("package %s has no row in arrows", name)
		}
		for _, to := range p.Imports {
			inner, ours := strings.CutPrefix(to, module+"/")
			switch std := !strings.Contains(strings.SplitN(to, "/", 2)[0], "."); {
			case slices.Contains(may[name], inner):
			case ours && strings.HasPrefix(inner, "tests"):
				t.Errorf("%s imports %s, which is for tests", name, inner)
			case ours:
				t.Errorf("%s imports %s: that arrow points the other way", name, inner)
			case !std:
				t.Errorf("%s imports %s: no row in arrows gives a reason", name, to)
			case noStd[name] != "":
				t.Errorf("%s imports %s: %s", name, to, noStd[name])
			}
		}
	}
	if seen < 8 {
		t.Errorf("only %d packages seen", seen)
	}
}

// TestSuitesLieFlat: a suite is a folder of tests, a library one of tests/lib, and a program
// that they start, or that make does, one of tests/tools. None imports a suite or a program.
func TestSuitesLieFlat(t *testing.T) {
	seen := 0
	for _, p := range list(t, "1", "./tests/...") {
		seen++
		name, _ := strings.CutPrefix(p.ImportPath, module+"/tests")
		if kind, below, deeper := strings.Cut(strings.TrimPrefix(name, "/"), "/"); deeper && (kind != "lib" && kind != "tools" || strings.Contains(below, "/")) {
			t.Errorf("%s lies too deep", p.ImportPath)
		}
		for _, to := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if inner, ours := strings.CutPrefix(to, module+"/tests/"); ours && !strings.HasPrefix(inner, "lib/") && to != p.ImportPath {
				t.Errorf("%s imports %s, which is not a library", p.ImportPath, to)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d packages", seen)
	}
}

// TestKeptOut: what the launcher contains, with all that its packages bring along.
func TestKeptOut(t *testing.T) {
	deps := list(t, "1", "-deps", "./cmd/gobwrap")
	if len(deps) < 20 {
		t.Fatalf("only %d packages", len(deps))
	}
	outside := 0
	for _, p := range deps {
		if reason := keptOut[p.ImportPath]; reason != "" {
			t.Errorf("the launcher contains %s: %s", p.ImportPath, reason)
		}
		if len(p.CgoFiles) > 0 || len(p.CFiles) > 0 {
			t.Errorf("%s has C in it", p.ImportPath)
		}
		if !p.Standard && !strings.HasPrefix(p.ImportPath, module) {
			outside++
			if p.ImportPath != "golang.org/x/sys/unix" {
				t.Errorf("the launcher contains %s", p.ImportPath)
			}
		}
	}
	if outside != 1 {
		t.Errorf("%d packages from elsewhere, want one", outside)
	}
}

// sources parses every file of the module that is not a test.
func sources(t *testing.T, visit func(name string, fset *token.FileSet, file *ast.File)) {
	t.Helper()
	n := 0
	for _, p := range list(t, "0", "./...") {
		if _, ok := product(p); !ok {
			continue
		}
		for _, name := range p.GoFiles {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			visit(path.Join(strings.TrimPrefix(p.ImportPath, module+"/"), name), fset, file)
			n++
		}
	}
	if n < 30 {
		t.Errorf("only %d files", n)
	}
}

// TestUnsafeIsAFileName: a reader knows by the name where memory is handled by hand.
func TestUnsafeIsAFileName(t *testing.T) {
	sources(t, func(name string, _ *token.FileSet, file *ast.File) {
		uses := slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"unsafe"` })
		if uses && !strings.HasSuffix(name, "_unsafe.go") {
			t.Errorf("%s imports unsafe, but is not called *_unsafe.go", name)
		}
	})
}

// TestNoRuntimeFiles: every file of code without a runtime says so, and the one that has one
// does not.
func TestNoRuntimeFiles(t *testing.T) {
	sources(t, func(name string, _ *token.FileSet, file *ast.File) {
		dir := path.Dir(name)
		if dir != "sandbox/child" && !strings.HasPrefix(dir, "sandbox/child/") || path.Base(name) == "doc.go" {
			return
		}
		without := slices.ContainsFunc(file.Comments, func(c *ast.CommentGroup) bool { return strings.HasPrefix(c.Text(), "No runtime") })
		if front := name == "sandbox/child/front_unsafe.go"; without == front {
			t.Errorf("%s: has no runtime: %v, says so: %v", name, !front, without)
		}
		if !strings.HasSuffix(name, "_unsafe.go") {
			t.Errorf("%s is not called *_unsafe.go", name)
		}
	})
}

// TestRunsIn: every file of the processes of a launch says in its first comment which of them it
// runs in.
func TestRunsIn(t *testing.T) {
	seen := 0
	sources(t, func(name string, _ *token.FileSet, file *ast.File) {
		if !strings.HasPrefix(name, "sandbox/") || !strings.HasSuffix(name, "_unsafe.go") {
			return
		}
		seen++
		// The first comment behind the package clause: what stands before it is a build constraint.
		for _, c := range file.Comments {
			if c.Pos() < file.Package {
				continue
			}
			for line := range strings.SplitSeq(c.Text(), "\n") {
				if said, ok := strings.CutPrefix(line, "Runs in: "); ok && said != "" {
					return
				}
			}
			break
		}
		t.Errorf("%s: its first comment has no line \"Runs in: \"", name)
	})
	if seen < 30 {
		t.Errorf("only %d files seen", seen)
	}
}

// TestNoInit: what runs before main runs before anything is known to be safe.
func TestNoInit(t *testing.T) {
	sources(t, func(name string, fset *token.FileSet, file *ast.File) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && inits[name] == "" {
				t.Errorf("%v: an init function", fset.Position(f.Pos()))
			}
		}
		for _, group := range file.Comments {
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//go:linkname") {
					t.Errorf("%v: a linkname", fset.Position(c.Pos()))
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok && goroutines[name] == "" {
				t.Errorf("%v: a goroutine: the launcher needs none", fset.Position(g.Pos()))
			}
			return true
		})
	})
}
