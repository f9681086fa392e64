// Package report writes the documents about a launch (--info-fd, --json-status-fd) for programs that
// wait for them: JSON objects, one after the other, by way of the link, since the descriptors may be
// another process's. A reader that went away changes nothing.
package report

import (
	"github.com/gobwrap/gobwrap/internal/jsontext"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/link"
)

// Documents is where documents go.
type Documents struct {
	// How the descriptors are reached.
	To link.Link
	// Descriptors of options; -1: not given. They may be the same.
	Info, Status int
}

// Failure is why a command does not run. Empty strings, and 0, are left out.
type Failure struct {
	// The step by its name in a listing, the option or field, and the file.
	Stage, Field, Path string
	// What the kernel said; 0: it was not the kernel.
	Errno         int
	Message, Hint string
}

// Tell writes the documents about a sandbox that has just been made: to Info over
// several lines, to Status on one. A reader that went away changes nothing.
func (d Documents) Tell(pid int, ready *plan.Message, clone uint32, keeper bool) {
	var sandbox jsontext.Object
	sandbox.PutInt("child-pid", pid)
	// Only the new ones, as with bwrap: a reader looks which keys are there.
	for i, ns := range plan.NamespaceFiles {
		if id := ready.Namespace(i); clone&ns.Flag != 0 && id != 0 {
			sandbox.Put(ns.Name+"-namespace", jsontext.Uint(id))
		}
	}
	if d.Info >= 0 {
		d.To.Write(d.Info, string(sandbox.Lines())+"\n")
		// The status has more to come on the same descriptor.
		if d.Info != d.Status {
			d.To.Done(d.Info)
		}
	}
	mode := "direct"
	if keeper {
		mode = "setuid"
	}
	// The same object, on one line: bwrap's readers take a line each.
	d.document(&sandbox)
	d.member("mode", jsontext.String(mode))
}

// Complete writes that the command runs, and its pid as seen from outside; 0: unknown.
func (d Documents) Complete(command int) {
	// A member that is missing means "not known".
	if command != 0 {
		d.member("command-pid", jsontext.Int(command))
	}
	d.member("setup-complete", jsontext.Bool(true))
}

// member writes a document of one member.
func (d Documents) member(name string, value jsontext.Value) {
	var o jsontext.Object
	o.Put(name, value)
	d.document(&o)
}

// document writes one line to Status.
func (d Documents) document(o *jsontext.Object) {
	if d.Status >= 0 {
		d.To.Write(d.Status, string(o.Spaced())+"\n")
	}
}

// Failed writes why the command does not run.
func (d Documents) Failed(f Failure) {
	var o jsontext.Object
	o.PutString("stage", f.Stage)
	// A reader must not depend on a member: what is not known is left out.
	if f.Field != "" {
		o.PutString("option", f.Field)
	}
	if f.Path != "" {
		o.PutString("path", f.Path)
	}
	if f.Errno != 0 {
		o.PutInt("errno", f.Errno)
	}
	o.PutString("message", f.Message)
	if f.Hint != "" {
		o.PutString("hint", f.Hint)
	}
	d.member("error", o.Spaced())
}
