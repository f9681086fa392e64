package jsontext

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestString: a JSON reader gets back what went in, and U+FFFD for what is not text.
func TestString(t *testing.T) {
	texts := []string{"", "plain", `"`, `\`, `\"`, "/", "a\nb\tc\r", "\x00\x01\x1f\x20\x7f", "é–€𝄞", "\u2028\u2029\ufeff", "\ufffd"}
	for b := range 256 {
		texts = append(texts, string([]byte{byte(b)}), "<"+string([]byte{byte(b)})+">")
	}
	texts = append(texts, "\xff\xfe", "ab\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf", "a\x80b")
	for _, in := range texts {
		var out string
		quoted := string(String(in))
		if err := json.Unmarshal([]byte(quoted), &out); err != nil {
			t.Errorf("%q is quoted as %s: %v", in, quoted, err)
			continue
		}
		if want := string([]rune(in)); out != want {
			t.Errorf("%q comes back as %q, want %q", in, out, want)
		}
		if !utf8.ValidString(quoted) || strings.ContainsFunc(quoted, func(r rune) bool { return r < 0x20 }) {
			t.Errorf("%q is quoted as %q, which is not one line of text", in, quoted)
		}
	}
}

// FuzzString: what is quoted comes back by encoding/json.
func FuzzString(f *testing.F) {
	f.Add("a\xff\"\\\x00")
	f.Fuzz(func(t *testing.T, in string) {
		var out string
		if err := json.Unmarshal([]byte(string(String(in))), &out); err != nil || out != string([]rune(in)) {
			t.Fatalf("%q: %s, %q, %v", in, string(String(in)), out, err)
		}
	})
}

// TestForms: each form of an object is what its comment says, and is JSON.
func TestForms(t *testing.T) {
	var o, c, empty Object
	c.PutBool("d", true)
	c.Put("e", OrNull(""))
	o.PutInt(`a"`, -1)
	o.PutStrings("b", []string{"x", "y"})
	o.Put("c", c.Value())
	o.Put("f", Uint(1<<63))
	o.Put("g", Array(nil, Int))
	o.Put("h", OrNull("i"))
	o.Put("j", empty.Value())
	o.PutString("k", "")
	const inside = `"a\"": -1|"b": ["x", "y"]|"c": {"d": true, "e": null}|"f": 9223372036854775808|"g": []|"h": "i"|"j": {}|"k": ""`
	for form, c := range map[Value][3]string{
		o.Value():  {"{", ", ", "}"},
		o.Spaced(): {"{ ", ", ", " }"},
		o.Lines():  {"{\n    ", ",\n    ", "\n}"},
	} {
		if want := c[0] + strings.ReplaceAll(inside, "|", c[1]) + c[2]; string(form) != want {
			t.Errorf("%s, want %s", form, want)
		}
		var have map[string]any
		if err := json.Unmarshal([]byte(form), &have); err != nil || len(have) != 8 || !reflect.DeepEqual(have["c"], map[string]any{"d": true, "e": nil}) {
			t.Errorf("%s: %v, %v", form, have, err)
		}
	}
}
