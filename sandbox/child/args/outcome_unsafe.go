package args

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.
// Runs in: the launcher, and in a fork of it that has become a Go program.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
)

// Words returns the text of the command line and the environment, with what has been read for
// it: the words from first on, up to end; ok is false where there is none.
func Words() (text flat.Text, first, end flat.Word, known []cmdline.Known, ok bool) {
	if state.textAt == 0 || state.textLen == 0 {
		return nil, 0, 0, nil, false
	}
	return lineText(), flat.Word(state.first), flat.Word(state.end), knownDescriptors(), true
}

// Documents returns the descriptors of --info-fd and --json-status-fd.
func Documents() (info, status flat.FD) {
	return state.parser.Spec.FDs[flat.InfoFD], state.parser.Spec.FDs[flat.StatusFD]
}

// Bytes returns the bytes of the plan, and for each of its steps the option that asked for it, in
// the text. The plan has been made.
func Bytes() (bytes []byte, origins []flat.Word) {
	return bytesAt(state.planAt, state.planSize, state.originsAt)
}

// RefusedBytes returns the same of the plan that KeepRefused has kept, and the message about it.
func RefusedBytes() (message, bytes []byte, origins []flat.Word, ok bool) {
	if state.refusedPlanAt == 0 || state.refusedPlanAt == state.planAt {
		return nil, nil, nil, false
	}
	bytes, origins = bytesAt(state.refusedPlanAt, state.refusedPlanSize, state.refusedOriginsAt)
	return unsafe.Slice((*byte)(unsafe.Pointer(&state.refusedMessage)), plan.MessageSize), bytes, origins, true
}

func bytesAt(at, size, originsAt uintptr) (bytes []byte, origins []flat.Word) {
	return unsafe.Slice((*byte)(raw.Mapped(at)), size),
		unsafe.Slice((*flat.Word)(raw.Mapped(originsAt)), (*plan.Header)(raw.Mapped(at)).Steps)
}

// KeepRefused keeps the plan that has been made, which the kernel refused, and the message about
// it: if the next plan fails too, the user is told of both.
func KeepRefused(message *[plan.MessageSize / 4]uint32) {
	state.refusedPlanAt, state.refusedPlanSize, state.refusedOriginsAt = state.planAt, state.planSize, state.originsAt
	state.refusedMessage = *message
}

// ForgetRefused forgets it again.
func ForgetRefused() { state.refusedPlanAt = 0 }
