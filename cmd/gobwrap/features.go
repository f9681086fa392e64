package main

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/sandbox"
)

// features answers --features: one JSON object, so that callers need not parse --help.
func (*parser) features() error {
	f := sandbox.Features()
	var options []string
	for i := range table {
		options = append(options, table[i].name)
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
	return answered{text: "{\n    " + strings.Join(lines, ",\n    ") + "\n}\n"}
}

// list is a JSON array of plain words.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
