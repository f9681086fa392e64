package child

// This file is for the front end: it runs with the runtime, above the line.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// Words is the text of the command line and the environment, with what has been read for
// it: the words from first on, up to end; ok is false where there is none.
func Words() (text flat.Text, first, end flat.Word, known []cmdline.Known, ok bool) {
	if line.textAt == 0 || !Entered() || line.textLen == 0 {
		return nil, 0, 0, nil, false
	}
	return lineText(), flat.Word(line.first), flat.Word(line.end), lineKnown(), true
}

// Heard is what became of a launch without a front end.
type Heard struct {
	Fault, Warning bool   // what Message says; neither: set-up was killed
	Message        []byte // see plan.Message
	Plan           []byte
	Origins        []flat.Word // the option that asked for each step, in the text
}

// LaunchHeard reports whether this process is there to say what became of a launch, and
// what did.
func LaunchHeard() (h Heard, ok bool) {
	if line.heard == 0 {
		return h, false
	}
	h.Fault, h.Warning = line.heard == setUpFailed, line.heard == warned
	h.Message = unsafe.Slice((*byte)(unsafe.Pointer(&line.message)), plan.MessageSize)
	h.Plan = unsafe.Slice((*byte)(mapped(line.planAt)), line.planSize)
	h.Origins = unsafe.Slice((*flat.Word)(mapped(line.originsAt)), (*plan.Header)(mapped(line.planAt)).Steps)
	return h, true
}
