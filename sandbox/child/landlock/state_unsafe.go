package landlock

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the first process, if it splits an init off; otherwise in the payload's process.

// state is about the domain of this process.
//
//nolint:gochecknoglobals // static memory of code without a runtime
var state struct {
	tried    bool // EnterScopes is done
	inDomain bool // it has made a domain
}
