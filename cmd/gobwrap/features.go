package main

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/sandbox"
)

// features is the answer to --features: one JSON object, so that callers need not parse --help.
func features() string {
	f := sandbox.Features()
	var options []string
	for i := range cmdline.Options {
		options = append(options, cmdline.Options[i].Name)
	}
	lines := []string{
		`"version": ` + strconv.Quote(version),
		`"bubblewrap": ` + strconv.Quote(compatible),
		`"modes": ` + list(f.Modes),
		`"mount-engine": ` + strconv.Quote(f.MountEngine),
		`"seccomp": ` + strconv.FormatBool(f.Seccomp),
		`"landlock-abi": ` + strconv.Itoa(f.LandlockABI),
		`"options": ` + list(options),
	}
	return "{\n    " + strings.Join(lines, ",\n    ") + "\n}\n"
}

// list is a JSON array of plain words.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
