package plan

import "errors"

// Errors of a description of a sandbox that makes no plan: a plan beyond MaxSize,
// MaxSteps or MaxSlots; a string with a NUL, which the kernel would cut there.
var (
	ErrTooLarge = errors.New("the command line is too large for one plan")
	ErrNUL      = errors.New("a string contains a NUL byte")
)

// Origin says which option asked for a step, for messages and listings: the option and
// its operands, as typed.
type Origin struct {
	Words []string
}

// Program is a finished plan: the bytes for the acting side, and the origins for messages.
type Program struct {
	Bytes   []byte
	Origins []Origin
	Flags   uint32
}
