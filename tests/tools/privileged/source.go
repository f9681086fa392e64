package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/gobwrap/gobwrap/tests/lib/linked"
)

// function is a function of the source.
type function struct {
	name, file string // file counts from the module's root
	line       int    // where it begins, its comment included
	lines      int    // how many it has, all counted
	code       int    // without comments and empty lines
	calls      bool   // a system call can be reached from it
}

// source finds functions by the names that the linker knows.
type source struct {
	root  string
	files map[string]map[string]function
}

func openSource() (*source, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", linked.Module).Output()
	if err != nil {
		return nil, fmt.Errorf("where does the source lie? %w", err)
	}
	return &source{strings.TrimSpace(string(out)), map[string]map[string]function{}}, nil
}

// find finds a compiled function's source.
func (s *source) find(f *linked.Function) (function, error) {
	file := strings.TrimPrefix(f.Source, linked.Module+"/")
	known := s.files[file]
	if known == nil {
		text, err := os.ReadFile(filepath.Join(s.root, file))
		if err != nil {
			return function{}, err
		}
		if path.Ext(file) == ".s" {
			known = assembly(string(text))
		} else if known, err = functions(text); err != nil {
			return function{}, err
		}
		s.files[file] = known
	}
	name := strings.TrimPrefix(f.Name, linked.Module+"/"+path.Dir(file)+".")
	at, ok := known[strings.TrimSuffix(name, ".abi0")]
	if !ok {
		return function{}, fmt.Errorf("%s: no function %s", file, name)
	}
	at.file = file
	return at, nil
}

// functions returns the functions of a Go file, by their names without the package's.
func functions(text []byte) (map[string]function, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	out := map[string]function{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		first := f.Pos()
		if f.Doc != nil {
			first = f.Doc.Pos()
		}
		at, end := fset.Position(first).Line, fset.Position(f.End()).Line
		body := lines[at-1 : end]
		out[linkerName(f)] = function{name: linkerName(f), line: at, lines: len(body), code: code(body)}
	}
	return out, nil
}

// code counts the lines that are not empty and not only a comment. There are no comments
// of the other kind: gofumpt and the reader would object.
func code(lines []string) int {
	n := 0
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

// linkerName returns f, T.f or (*T).f.
func linkerName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	switch t := f.Recv.List[0].Type.(type) {
	case *ast.Ident:
		return t.Name + "." + f.Name.Name
	case *ast.StarExpr:
		if id, ok := t.X.(*ast.Ident); ok {
			return "(*" + id.Name + ")." + f.Name.Name
		}
	}
	return f.Name.Name
}

// assembly returns the functions of an assembly file: blocks without an empty line.
func assembly(text string) map[string]function {
	out := map[string]function{}
	at := 1
	for block := range strings.SplitSeq(text, "\n\n") {
		body := strings.Split(strings.TrimRight(block, "\n"), "\n")
		if _, rest, ok := strings.Cut("\n"+block, "\nTEXT ·"); ok {
			name, _, _ := strings.Cut(rest, "(SB)")
			out[name] = function{name: name, line: at, lines: len(body), code: code(body)}
		}
		at += strings.Count(block, "\n") + 2
	}
	return out
}
