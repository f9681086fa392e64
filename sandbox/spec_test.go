package sandbox

import (
	"reflect"
	"testing"
)

// TestNothingIsHalfGiven: a value that may not have been given is made by a constructor, so
// that no program can write the value and forget to say that it counts. Its type has no
// field that a program could set.
func TestNothingIsHalfGiven(t *testing.T) {
	optional := 0
	seen := map[reflect.Type]bool{}
	var walk func(path string, v reflect.Type)
	walk = func(path string, v reflect.Type) {
		for v.Kind() == reflect.Slice {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct || seen[v] {
			return
		}
		seen[v] = true
		hidden := 0
		for i := range v.NumField() {
			f := v.Field(i)
			name := path + "." + f.Name
			switch {
			case !f.IsExported():
				hidden++
				continue
			case f.Name == "Set" || f.Name == "Valid" || f.Name == "Given":
				t.Errorf("%s has to be set for other fields to count", name)
			}
			walk(name, f.Type)
		}
		if hidden > 0 && hidden < v.NumField() {
			t.Errorf("%s can be set in part", path)
		}
		if hidden > 0 {
			optional++
		}
	}
	walk("Spec", reflect.TypeFor[Spec]())
	if optional != 5 { // ID, Text, FD, Int, mounts.Op
		t.Errorf("%d types of optional values", optional)
	}
}

// TestGiven: what is given is there, zero or not, and what is not given is nothing.
func TestGiven(t *testing.T) {
	if id := SetID(0); !id.Given() || id.N() != 0 || (ID{}).Given() || SetID(7).N() != 7 {
		t.Error("ID")
	}
	if s := SetText(""); !s.Given() || s.String() != "" || (Text{}).Given() || SetText("x").String() != "x" {
		t.Error("Text")
	}
	if i := SetInt(0); !i.Given() || i.N() != 0 || (Int{}).Given() || SetInt(-7).N() != -7 {
		t.Error("Int")
	}
	if fd := SetFD(0); !fd.Given() || fd.N() != 0 || (FD{}).Given() || (FD{}).N() >= 0 {
		t.Error("FD: none must not be standard input")
	}
}
