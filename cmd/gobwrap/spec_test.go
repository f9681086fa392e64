package main

import (
	"go/ast"
	source "go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// TestNoOtherWay: what a command line says reaches the sandbox through the Spec alone. For
// each option of the table, a Spec made anew of the values of the fields has the same plan
// as the one that was parsed.
func TestNoOtherWay(t *testing.T) {
	hosts := []front.Facts{{Caps: 1<<41 - 1, Cwd: "/", SELinux: true, UserNamespaces: true}, {UID: 5, GID: 5, Cwd: "/", SELinux: true}}
	plans := 0
	for name, c := range meanings {
		for _, more := range []string{" x", " --unshare-user --unshare-pid --unshare-uts x"} {
			opts := mustParse(t, before[name]+" "+typed(name, c.line)+more)
			var again sandbox.Spec
			copyFields(reflect.ValueOf(&again).Elem(), reflect.ValueOf(opts.spec))
			if !reflect.DeepEqual(again, opts.spec) {
				t.Errorf("%s: something is where no program could put it", name)
			}
			for _, h := range hosts {
				one, errOne := front.Compile(&opts.spec, &opts.line, h)
				two, errTwo := front.Compile(&again, &opts.line, h)
				if (errOne == nil) != (errTwo == nil) {
					t.Errorf("%s: %v, %v", name, errOne, errTwo)
				}
				if errOne == nil {
					plans++
					if string(one.Bytes) != string(two.Bytes) {
						t.Errorf("%s: two plans\n%s\n%s", name, one.Dump(nil), two.Dump(nil))
					}
				}
			}
		}
	}
	if plans < 3*len(meanings) {
		t.Errorf("only %d plans", plans)
	}
}

// constructed makes the values whose fields are not exported, as a program outside of the package
// has to make them.
func constructed(v any) any {
	switch v := v.(type) {
	case sandbox.ID:
		if v.Given() {
			return sandbox.SetID(v.N())
		}
	case mounts.Op:
		return v // package mounts makes it
	case sandbox.Int:
		if v.Given() {
			return sandbox.SetInt(v.N())
		}
	case sandbox.Text:
		if v.Given() {
			return sandbox.SetText(v.String())
		}
	case sandbox.FD:
		if v.Given() {
			return sandbox.SetFD(v.N())
		}
	default:
		return nil
	}
	return reflect.Zero(reflect.TypeOf(v)).Interface()
}

// copyFields copies what a program outside of the package could have written: exported
// fields, down to the last, and what constructors make.
func copyFields(to, from reflect.Value) {
	if again := constructed(from.Interface()); again != nil {
		to.Set(reflect.ValueOf(again))
		return
	}
	switch from.Kind() {
	case reflect.Struct:
		for i := range from.NumField() {
			if from.Type().Field(i).IsExported() {
				copyFields(to.Field(i), from.Field(i))
			}
		}
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			copyFields(to.Index(i), from.Index(i))
		}
	default:
		to.Set(from)
	}
}

// TestDoors: the program uses of package sandbox what any other could, and of package
// child only what tells it how it was started, what became of a launch, and what ends it.
func TestDoors(t *testing.T) {
	may := map[string][]string{"child": {"Args", "Attempt", "Entered", "Exit", "Heard", "Here", "Killed", "LaunchHeard", "Passed", "Spoken", "InstallKind", "Words", "Writable"}}
	seen := 0
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := source.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && may[x.Name] != nil {
					if seen++; !slices.Contains(may[x.Name], s.Sel.Name) {
						t.Errorf("%s uses %s.%s", name, x.Name, s.Sel.Name)
					}
				}
			}
			return true
		})
	}
	if seen < 6 {
		t.Errorf("only %d uses seen", seen)
	}
}
