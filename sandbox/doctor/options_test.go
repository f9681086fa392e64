package doctor

import (
	"regexp"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
)

// TestOptions: what the report calls an option is one.
func TestOptions(t *testing.T) {
	for step, text := range options {
		if row(step).title == string(step) {
			t.Errorf("%s is not a step", step)
		}
		names := regexp.MustCompile(`--[a-z0-9-]+`).FindAllString(text, -1)
		if len(names) == 0 {
			t.Errorf("%s: %q names no option", step, text)
		}
		for _, name := range names {
			if cmdline.Lookup([]byte(name)) < 0 {
				t.Errorf("%s: there is no option %s", step, name)
			}
		}
	}
}
