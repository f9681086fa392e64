package main

import (
	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/jsontext"
	"github.com/gobwrap/gobwrap/internal/version"
	"github.com/gobwrap/gobwrap/sandbox"
)

// features returns the answer to --features: one JSON object, so that callers need not parse
// --help.
func features() string {
	f := sandbox.Features()
	var options []string
	for i := range cmdline.Options {
		options = append(options, cmdline.Options[i].Name)
	}
	var o jsontext.Object
	o.PutString("version", version.Own)
	o.PutString("bubblewrap", version.Followed)
	o.PutStrings("modes", f.Modes)
	o.PutString("mount-engine", f.MountEngine)
	o.PutBool("seccomp", f.Seccomp)
	o.PutInt("landlock-abi", f.LandlockABI)
	o.PutStrings("scopes", f.Scopes)
	o.PutStrings("options", options)
	return string(o.Lines()) + "\n"
}
