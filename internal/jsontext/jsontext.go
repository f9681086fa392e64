// Package jsontext writes JSON (RFC 8259): the documents of a launch, the answers to
// --features and --doctor=json. Package encoding/json is kept out of the launcher: its
// tables would be set up at every start, for two lines of output.
package jsontext

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is a JSON text.
type Value string

// Object is an object under construction; its members are written in the order in which
// they were put.
type Object struct{ members []string }

// Put adds a member.
func (o *Object) Put(name string, v Value) {
	o.members = append(o.members, string(String(name)+": "+v))
}

// PutString adds a member that is a string.
func (o *Object) PutString(name, s string) { o.Put(name, String(s)) }

// PutInt adds a member that is a number.
func (o *Object) PutInt(name string, n int) { o.Put(name, Int(n)) }

// PutBool adds a member that is true or false.
func (o *Object) PutBool(name string, b bool) { o.Put(name, Bool(b)) }

// PutStrings adds a member that is an array of strings.
func (o *Object) PutStrings(name string, list []string) { o.Put(name, Array(list, String)) }

// String returns s as a JSON string. Bytes that are not UTF-8 become U+FFFD, as an escape.
func String(s string) Value {
	out := []byte{'"'}
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c < 0x20:
			const hex = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c == utf8.RuneError:
			out = append(out, `\ufffd`...)
		default:
			out = utf8.AppendRune(out, c)
		}
	}
	return Value(append(out, '"'))
}

// OrNull returns s as a JSON string, or null where s is empty.
func OrNull(s string) Value {
	if s == "" {
		return "null"
	}
	return String(s)
}

// Int returns n as a JSON number.
func Int(n int) Value { return Value(strconv.Itoa(n)) }

// Uint returns n as a JSON number.
func Uint(n uint64) Value { return Value(strconv.FormatUint(n, 10)) }

// Bool is true or false.
func Bool(b bool) Value { return Value(strconv.FormatBool(b)) }

// Array returns a list on one line, each entry written by one.
func Array[T any](list []T, one func(T) Value) Value {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = string(one(x))
	}
	return Value("[" + strings.Join(parts, ", ") + "]")
}

// Value returns the object on one line: {"a": 1, "b": 2}.
func (o *Object) Value() Value { return o.between("{", ", ", "}") }

// Spaced returns the object on one line with a space inside the braces, as the documents of
// --json-status-fd are written: { "a": 1, "b": 2 }.
func (o *Object) Spaced() Value { return o.between("{ ", ", ", " }") }

// Lines returns the object with one member a line, as the document of --info-fd is written.
func (o *Object) Lines() Value { return o.between("{\n    ", ",\n    ", "\n}") }

func (o *Object) between(first, then, last string) Value {
	return Value(first + strings.Join(o.members, then) + last)
}
