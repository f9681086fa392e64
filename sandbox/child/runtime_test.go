package child_test

import (
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/linked"
)

// This file is the list of what the code without a runtime, and the way into the runtime,
// assume of the Go release. go.mod names the oldest release, NEWEST_GO in the Makefile the newest
// one that is tested (make test-go). Where a release changes one of these, the test names
// the row: what was assumed, and the files that rely on it. Calls into the runtime that a new
// compiler adds are named by TestLaws.

// An assumption is about each linked program, or about the sources of the release.
type assumption struct {
	what string // what is assumed
	in   string // who relies on it
	// At most one of these; both report what is otherwise.
	program func(im *linked.Image, file string) error
	release func(root string) error
}

var assumptions = []assumption{
	{
		"compiled code finds its g in R14 (amd64) and R28 (arm64), and of it reads the stack guard alone, at offset 16",
		"entry_linux_*.s, entry_unsafe.go: dummy is zero, so the guard is 0 and every check passes", onlyGuard, nil,
	},
	{"on amd64 assembly and compiled code keep the g at FS-8 between them", "entry_linux_amd64.s, entry_unsafe.go: entered", threadLocal, nil},
	{"the runtime starts at _rt0_GOARCH_linux, with the stack as the kernel made it", "entry_linux_*.s, to become a Go program", runtimeStart, nil},
	{"what has no pointer lies in .noptrbss, zero and outside the collector's view", "the state of each package; TestLaws", plainMemory, nil},
	{
		"the packages that a program imports are initialised before it, and one without imports before all others than the runtime's",
		"sandbox/internal/self: a host leaves the runtime before package syscall has changed the limit on descriptors; see TestSelfIsFirst", nil, nil,
	},
	{"the environment variables that the runtime and packages below os obey are those that hideSettings hides", "runtime_unsafe.go", nil, variables},
	{"the limit on descriptors is changed by package syscall, and not by the runtime", "self_unsafe.go, planmode_unsafe.go: the payload's limits are the caller's", nil, limitsAlone},
	{"a Go program starts within 720 MiB of address space", "runtime_unsafe.go: addressSpace", startsWithin, nil},
	{"functions of these names in the runtime do what TestLaws permits", "laws_test.go: allowed, checks", nil, knownNames},
}

// TestRuntimeAssumptions goes through the list. TestSelfIsFirst in tests/hosted has the order.
func TestRuntimeAssumptions(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	root, release, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range arches() {
		dir := t.TempDir()
		im, err := linked.Build(dir, linked.Options{Arch: arch})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range assumptions {
			if a.program != nil {
				a.report(t, release+" "+arch, a.program(im, filepath.Join(dir, "gobwrap")))
			}
		}
		_ = im.File.Close()
	}
	for _, a := range assumptions {
		if a.release != nil {
			a.report(t, release, a.release(root))
		}
	}
}

func (a assumption) report(t *testing.T, release string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: it no longer holds that %s (%s): %v", release, a.what, a.in, err)
	}
}

// TestRuntimeAssumptionsCatch gives the checks what a release could change.
func TestRuntimeAssumptionsCatch(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(root, "src", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range slices.Concat(belowOS, []string{"internal/runtime/syscall/linux"}) {
		write(p+"/x.go", "package x\n")
	}
	write("runtime/env.go", `gogetenv("GODEBUG") gogetenv("GOGC") gogetenv("GOMEMLIMIT") gogetenv("GOMAXPROCS") gogetenv("GOTRACEBACK") gogetenv("GOROOT")`)
	write("syscall/rlimit.go", "setrlimit(RLIMIT_NOFILE, &l)")
	if err := errors.Join(variables(root), limitsAlone(root)); err != nil {
		t.Fatalf("the control: %v", err)
	}
	code := func(text string) *linked.Image {
		return &linked.Image{Arch: "amd64", Funcs: map[string]*linked.Function{"f": {Name: "f", Code: []linked.Instruction{{Text: "CMPQ SP, 0x10(R14)"}, {Text: text}}}}}
	}
	if err := errors.Join(onlyGuard(code("NOP"), ""), threadLocal(code("MOVQ FS:0xfffffff8, R14"), "")); err != nil {
		t.Fatalf("the control: %v", err)
	}
	write("runtime/more.go", `gogetenv("GOSOMETHING")`)
	write("runtime/limits.go", "SYS_prlimit64")
	for what, err := range map[string]error{
		"another variable":              variables(root),
		"limits changed by the runtime": limitsAlone(root),
		"names that are gone":           knownNames(root),
		"another field of the g":        onlyGuard(code("CMPQ SP, 0x18(R14)"), ""),
		"another place of the g":        threadLocal(code("MOVQ FS:0xfffffff0, R14"), ""),
		"another start":                 runtimeStart(code("NOP"), ""),
		"memory elsewhere":              plainMemory(code("NOP"), ""),
	} {
		if err == nil {
			t.Errorf("not caught: %s", what)
		}
	}
}

var (
	fieldX86 = regexp.MustCompile(`(\S*)\(R14\)`)
	fieldARM = regexp.MustCompile(`(\S*)\(R28\)`)
	localX86 = regexp.MustCompile(`\bFS:\S*`)
)

// fields are the offsets by which the functions that reach nothing but each other read the g.
func fields(im *linked.Image, form *regexp.Regexp) (offsets []string) {
	for _, f := range im.Funcs {
		for _, in := range f.Code {
			for _, m := range form.FindAllStringSubmatch(in.Text, -1) {
				offsets = append(offsets, strings.Join(m[len(m)-1:], ""))
			}
		}
	}
	slices.Sort(offsets)
	return slices.Compact(offsets)
}

func onlyGuard(im *linked.Image, _ string) error {
	form, want := fieldX86, "0x10"
	if im.Arch == "arm64" {
		form, want = fieldARM, "16"
	}
	if have := fields(im, form); !slices.Equal(have, []string{want}) {
		return fmt.Errorf("offsets %q", have)
	}
	return nil
}

func threadLocal(im *linked.Image, _ string) error {
	if im.Arch != "amd64" {
		return nil
	}
	for _, f := range im.Funcs {
		for _, in := range f.Code {
			if at := localX86.FindString(in.Text); at != "" && strings.TrimSuffix(at, ",") != "FS:0xfffffff8" {
				return fmt.Errorf("%s has %s", f.Name, in.Text)
			}
		}
	}
	return nil
}

func runtimeStart(im *linked.Image, _ string) error {
	s, err := im.Symbol("_rt0_" + im.Arch + "_linux")
	if err == nil && elf.ST_TYPE(s.Info) != elf.STT_FUNC {
		err = errors.New("it is not a function")
	}
	return err
}

func plainMemory(im *linked.Image, _ string) error {
	s, err := im.Symbol(linked.InChild + "dummy")
	if err != nil {
		return err
	}
	if where := im.Section(s); where != ".noptrbss" {
		return fmt.Errorf("dummy lies in %s", where)
	}
	return nil
}

// sources gives the text of the files of packages, without tests and other systems' files.
func sources(root string, packages ...string) (map[string]string, error) {
	texts := map[string]string{}
	other := regexp.MustCompile(`_(test|windows|darwin|plan9|wasm|js|wasip1|aix|solaris|freebsd|netbsd|openbsd|dragonfly)(_\w+)?\.(go|s)$`)
	for _, p := range packages {
		files, err := filepath.Glob(filepath.Join(root, "src", p, "*.[gs]*"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("package %s: no sources: %w", p, err)
		}
		for _, file := range files {
			if other.MatchString(file) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			if strings.Contains(string(text), "//go:build ignore") {
				continue
			}
			texts[p+"/"+filepath.Base(file)] = string(text)
		}
	}
	return texts, nil
}

// belowOS are packages that run before a front end does.
var belowOS = []string{"runtime", "internal/runtime/maps", "internal/runtime/sys", "internal/godebug", "syscall", "internal/poll", "internal/bisect"}

// harmless are variables that are read, but do not change what a front end does.
var harmless = []string{
	"GOROOT", // runtime.GOROOT, which nobody calls
}

var asked = regexp.MustCompile(`(?:gogetenv|[Gg]etenv|Getenv)\("([A-Z_0-9]+)"\)`)

func variables(root string) error {
	texts, err := sources(root, belowOS...)
	if err != nil {
		return err
	}
	hides, err := os.ReadFile("runtime_unsafe.go")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for file, text := range texts {
		for _, m := range asked.FindAllStringSubmatch(text, -1) {
			seen[m[1]] = true
			if !slices.Contains(harmless, m[1]) && !strings.Contains(string(hides), `"`+m[1]+`=\x00"`) {
				return fmt.Errorf("%s asks for %s", file, m[1])
			}
		}
	}
	for _, name := range []string{"GODEBUG", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK"} {
		if !seen[name] {
			return fmt.Errorf("nothing asks for %s any more, or in another way", name)
		}
	}
	return nil
}

func limitsAlone(root string) error {
	texts, err := sources(root, "runtime", "internal/runtime/syscall/linux")
	if err != nil {
		return err
	}
	for file, text := range texts {
		if strings.Contains(strings.ToLower(text), "setrlimit") || strings.Contains(text, "SYS_prlimit") {
			return fmt.Errorf("%s changes limits", file)
		}
	}
	if texts, err = sources(root, "syscall"); err == nil && !strings.Contains(texts["syscall/rlimit.go"], "setrlimit(RLIMIT_NOFILE") {
		err = errors.New("package syscall no longer changes it")
	}
	return err
}

// startsWithin runs a front end with as much memory as the launcher asks for.
func startsWithin(im *linked.Image, file string) error {
	if im.Arch != runtime.GOARCH {
		return nil
	}
	text, err := os.ReadFile("runtime_unsafe.go")
	if err != nil {
		return err
	}
	m := regexp.MustCompile(`const addressSpace = (\d+) << 20`).FindSubmatch(text)
	if m == nil {
		return errors.New("runtime_unsafe.go does not say how much")
	}
	script := fmt.Sprintf("ulimit -v $((%s * 1024)) && exec %s --help", m[1], file)
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil || !strings.Contains(string(out), "--ro-bind") {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func knownNames(root string) error {
	texts, err := sources(root, "runtime")
	if err != nil {
		return err
	}
	all := strings.Join(slices.Collect(maps.Values(texts)), "\n")
	for _, list := range []map[string]string{allowed, checks} {
		for name := range list {
			short := strings.TrimPrefix(name, "runtime.")
			if !regexp.MustCompile(`(?m)^func ` + short + `\(|^TEXT runtime·` + short + `\b`).MatchString(all) {
				return fmt.Errorf("there is no %s any more", name)
			}
		}
	}
	return nil
}
