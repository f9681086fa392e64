package sandbox

import (
	"errors"

	"github.com/gobwrap/gobwrap/internal/jsontext"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// tell writes the documents about a sandbox that has just been made: to InfoFD over
// several lines, to JSONStatusFD on one. A reader that went away changes nothing.
func (r *Report) tell(to link, pid int, ready *plan.Message, clone uint32, keeper bool) {
	var sandbox jsontext.Object
	sandbox.PutInt("child-pid", pid)
	for i, ns := range plan.NamespaceFiles {
		if id := ready.Namespace(i); clone&ns.Flag != 0 && id != 0 {
			sandbox.Put(ns.Name+"-namespace", jsontext.Uint(id))
		}
	}
	if r.InfoFD.Given() {
		to.write(r.InfoFD.N(), string(sandbox.Lines())+"\n")
		if r.InfoFD.N() != r.JSONStatusFD.N() || !r.JSONStatusFD.Given() {
			to.done(r.InfoFD.N())
		}
	}
	mode := "direct"
	if keeper {
		mode = "setuid"
	}
	r.document(to, &sandbox)
	r.member(to, "mode", jsontext.String(mode))
}

// wantsEnd reports whether the options need the difference between a command that ran and a
// set-up that was killed.
func (r *Report) wantsEnd() bool { return r.JSONStatusFD.Given() || r.FailStatus != 0 }

// complete writes that the command runs, and its pid as seen from outside; 0: unknown.
func (r *Report) complete(to link, command int) {
	if command != 0 {
		r.member(to, "command-pid", jsontext.Int(command))
	}
	r.member(to, "setup-complete", jsontext.Bool(true))
}

// failed writes why the command does not run. Any error will do; one of a launch says
// more.
func (r *Report) failed(to link, err error) {
	e := &SetupError{Stage: "options", Err: err}
	errors.As(err, &e)
	var fault jsontext.Object
	fault.PutString("stage", e.Stage)
	if e.Field != "" {
		fault.PutString("option", e.Field)
	}
	if e.Path != "" {
		fault.PutString("path", e.Path)
	}
	if errno := errnoOf(e); errno != 0 {
		fault.PutInt("errno", int(errno))
	}
	fault.PutString("message", e.Error())
	if e.Hint != "" {
		fault.PutString("hint", e.Hint)
	}
	r.member(to, "error", fault.Spaced())
}

// member writes a document of one member.
func (r *Report) member(to link, name string, value jsontext.Value) {
	var o jsontext.Object
	o.Put(name, value)
	r.document(to, &o)
}

// document writes one line to JSONStatusFD.
func (r *Report) document(to link, o *jsontext.Object) {
	if r.JSONStatusFD.Given() {
		to.write(r.JSONStatusFD.N(), string(o.Spaced())+"\n")
	}
}
