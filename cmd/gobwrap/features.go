package main

import (
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/jsontext"
	"github.com/gobwrap/gobwrap/sandbox"
)

// features is the answer to --features: one JSON object, so that callers need not parse --help.
func features() string {
	f := sandbox.Features()
	var options []string
	for i := range cmdline.Options {
		options = append(options, cmdline.Options[i].Name)
	}
	return string(jsontext.Object{
		{Name: "version", Value: jsontext.String(version)},
		{Name: "bubblewrap", Value: jsontext.String(compatible)},
		{Name: "modes", Value: jsontext.Array(f.Modes, jsontext.String)},
		{Name: "mount-engine", Value: jsontext.String(f.MountEngine)},
		{Name: "seccomp", Value: jsontext.Bool(f.Seccomp)},
		{Name: "landlock-abi", Value: jsontext.Int(f.LandlockABI)},
		{Name: "options", Value: jsontext.Array(options, jsontext.String)},
	}.Lines()) + "\n"
}
