package tests

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// most is how many files of code may know a setting, a value or an operation by its name: the option's
// row is in one of them, and docs/ARCHITECTURE.md says what the others are.
const most = 3

// others are the files that know a name besides, each with the reason.
var others = map[string]map[string]string{
	"tree.Bind": {
		"sandbox/internal/describe/risks.go": "what a bind lets through is a risk",
		"sandbox/sandboxtest/binary.go":      "it covers the root",
	},
	"tree.BindFD": {"sandbox/sandboxtest/binary.go": "the same"},
	"tree.Tmpfs":  {"sandbox/sandboxtest/binary.go": "the same"},
	"tree.Overlay": {
		"internal/tree/check.go":             "it alone needs other fields, by its kind",
		"sandbox/internal/describe/risks.go": "its layers are risks, as binds are",
		"sandbox/sandboxtest/binary.go":      "it covers the root",
	},
	"tree.Proc": {"sandbox/internal/describe/risks.go": "the outer proc is a risk"},
	"tree.Dev": {
		"sandbox/identity.go":                "its devpts belongs to root, which must be mapped",
		"internal/compile/compile.go":        "the same",
		"sandbox/child/args/plan_unsafe.go":  "its console is the caller's terminal",
		"sandbox/child/args/parse_unsafe.go": "capabilities may not count with it",
	},
	"flat.Net":       {"internal/cmdline/act.go": "--unshare-all"},
	"flat.IPC":       {"internal/cmdline/act.go": "--unshare-all"},
	"flat.PID":       {"internal/cmdline/act.go": "--unshare-all"},
	"flat.UTS":       {"internal/cmdline/act.go": "--unshare-all"},
	"flat.Cgroup":    {"internal/cmdline/act.go": "--unshare-all"},
	"flat.User":      {"internal/cmdline/act.go": "--unshare-all, and what implies it"},
	"flat.Session":   {"internal/cmdline/act.go": "--new-session"},
	"flat.Argv0":     {"internal/cmdline/act.go": "it must not be given twice"},
	"flat.UID":       {"internal/cmdline/act.go": "--map-root-user"},
	"flat.GID":       {"internal/cmdline/act.go": "--map-root-user"},
	"flat.MapAuto":   {"internal/cmdline/act.go": "--map-auto implies a user namespace"},
	"flat.CloseFDs":  {"internal/cmdline/descriptor.go": "--keep-fd implies it"},
	"flat.DryRun":    {"cmd/gobwrap/parse.go": "the program itself acts on it"},
	"flat.Explain":   {"cmd/gobwrap/parse.go": "the program itself acts on it"},
	"flat.CapsGiven": {"sandbox/flatten.go": "it says that there are edits of capabilities"},

	"flat.LevelPrefix": {"cmd/gobwrap/parse.go": "the program itself acts on it"},
}

// carriesOut reports whether a file is of what carries out what options say, which differs from one to the
// next: those count for settings and operations alone, which have a place for that.
func carriesOut(file string) bool {
	return strings.HasPrefix(file, "internal/compile/") || strings.HasPrefix(file, "sandbox/child/")
}

// TestFilesOfAnOption: each setting, each operation on files, each value and switch that is given once, and each list of
// paths is known by its name in at most three files of code, so that a new one takes no more.
func TestFilesOfAnOption(t *testing.T) {
	// The constants of these blocks, by the type or the first constant of the block.
	blocks := map[string][]string{
		"internal/setting/kinds_unsafe.go": {"Rlimit"},
		"internal/tree/kinds.go":           {"Invalid"},
		"internal/flat/spec.go":            {"User", "JoinUser", "Hostname", "Mode", "UID", "DisableUsers"},
	}
	names, found := map[string]bool{"flat.Lock": true, "flat.Socket": true}, 0 // the lists of paths
	files := map[string][]string{}
	var uses []func()
	sources(t, func(name string, _ *token.FileSet, file *ast.File) {
		own := path.Base(path.Dir(name))
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST || !slices.Contains(blocks[name], g.Specs[0].(*ast.ValueSpec).Names[0].Name) {
				continue
			}
			found++
			for _, s := range g.Specs {
				if c := s.(*ast.ValueSpec).Names[0].Name; !strings.HasPrefix(strings.ToLower(c), "num") && c != "Invalid" {
					names[own+"."+c] = true
				}
			}
		}
		// Names are known when all files have been seen.
		uses = append(uses, func() {
			seen := map[string]bool{}
			selectors := map[*ast.Ident]bool{}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok {
						seen[x.Name+"."+n.Sel.Name] = true
					}
					selectors[n.Sel] = true
				case *ast.Ident:
					if !selectors[n] && slices.Contains([]string{"internal/setting", "internal/tree", "internal/flat"}, path.Dir(name)) {
						seen[own+"."+n.Name] = true
					}
				}
				return true
			})
			for constant := range seen {
				if names[constant] {
					files[constant] = append(files[constant], name)
				}
			}
		})
	})
	for _, use := range uses {
		use()
	}
	for constant := range names {
		var count []string
		for _, file := range files[constant] {
			if others[constant][file] == "" && !(strings.HasPrefix(constant, "flat.") && carriesOut(file)) {
				count = append(count, file)
			}
		}
		if len(count) > most {
			t.Errorf("%s is known in %d files, want at most %d: %q", constant, len(count), most, count)
		}
		if len(count) < 2 {
			t.Errorf("%s is known in %q: the test does not see where", constant, count)
		}
		for file := range others[constant] {
			if !slices.Contains(files[constant], file) {
				t.Errorf("%s is not known in %s any more", constant, file)
			}
		}
	}
	for constant := range others {
		if !names[constant] {
			t.Errorf("there is no %s", constant)
		}
	}
	if found != 8 || len(names) < 50 {
		t.Errorf("%d blocks of constants, %d names", found, len(names))
	}
}
