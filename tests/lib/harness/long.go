package harness

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// leaveOutOfLong leaves out the tests of the package in a directory that are the same at full length.
func leaveOutOfLong(dir string) error {
	asking, others, err := askForLong(dir)
	if err != nil || len(others) == 0 {
		return err
	}
	if len(asking) == 0 {
		others = []string{".*"}
	}
	return LeaveOut("^(" + strings.Join(others, "|") + ")$")
}

// askForLong divides the tests of the package in a directory into those that differ at full length and
// those that do not. It does not know types: a test differs if it mentions Long or Times, or the name of
// a function, method or variable of the package's tests that does, and so on.
func askForLong(dir string) (asking, others []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, nil, err
	}
	mentions := map[string][]string{} // by name of a declaration
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range file.Decls {
			for _, name := range declared(d) {
				ast.Inspect(d, func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok && isHarness(s.X) {
						mentions[name] = append(mentions[name], "harness."+s.Sel.Name)
						return false
					}
					if id, ok := n.(*ast.Ident); ok {
						mentions[name] = append(mentions[name], id.Name)
					}
					return true
				})
			}
		}
	}
	asks := map[string]bool{"harness.Long": true, "harness.Times": true}
	for grown := true; grown; {
		grown = false
		for name, words := range mentions {
			if !asks[name] && slices.ContainsFunc(words, func(word string) bool { return asks[word] }) {
				asks[name], grown = true, true
			}
		}
	}
	for name := range mentions {
		switch {
		case !testName.MatchString(name):
		case asks[name]:
			asking = append(asking, name)
		default:
			others = append(others, name)
		}
	}
	slices.Sort(asking)
	slices.Sort(others)
	return asking, others, nil
}

func isHarness(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == "harness"
}

// declared returns the names of a function or method, or of variables.
func declared(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.Name != "TestMain" {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				for _, id := range v.Names {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}
