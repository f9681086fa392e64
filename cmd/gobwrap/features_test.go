package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/version"
)

// TestFeatures: the answer is JSON, names every option of the table and nothing else, and
// comes as soon as the option is read.
func TestFeatures(t *testing.T) {
	for _, argv := range [][]string{{"b", "--features"}, {"b", "--dir", "/d", "--features", "--bogus"}} {
		_, _, err := parse(argv)
		var a answered
		if !errors.As(err, &a) {
			t.Fatalf("%q: %v", argv, err)
		}
		var have map[string]any
		if err := json.Unmarshal([]byte(a.text), &have); err != nil {
			t.Fatalf("%v: %s", err, a.text)
		}
		if !strings.HasSuffix(a.text, "}\n") {
			t.Errorf("the text ends with %q", a.text[len(a.text)-5:])
		}
		var options []string
		for _, o := range have["options"].([]any) {
			options = append(options, o.(string))
		}
		var want []string
		for i := range cmdline.Options {
			want = append(want, cmdline.Options[i].Name)
		}
		if !slices.Equal(options, want) {
			t.Errorf("options %q, the table has %q", options, want)
		}
		engine := have["mount-engine"]
		abi, isNumber := have["landlock-abi"].(float64)
		_, isBool := have["seccomp"].(bool)
		switch {
		case have["version"] != version.Own, have["bubblewrap"] != version.Followed, engine != "new" && engine != "classic",
			!isNumber, abi < 0, abi != float64(int(abi)), !isBool, len(have) != 8:
			t.Errorf("%v", have)
		}
		// A test has no set-user-id bit.
		if modes := have["modes"].([]any); !slices.Equal(modes, []any{"direct"}) {
			t.Errorf("modes %v", modes)
		}
	}
}
