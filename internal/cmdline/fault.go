package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import "github.com/gobwrap/gobwrap/internal/flat"

// Code is what a [Fault] is about.
type Code uint8

// Codes. The first few are not mistakes: the option asks for a text.
const (
	// There is no fault.
	None Code = iota
	// --help; Word: the option that it is about, or none.
	AskHelp
	// --version, which the launcher answers without the front end, if it can.
	AskVersion
	// --features
	AskFeatures
	// --doctor; Word: the form asked for, or none.
	AskDoctor

	// At: the last option of the command line, if "--" does not end it; Word: what --args dropped.
	NoCommand
	// Word: it, with its value. Also a value for an option that takes none.
	UnknownOption
	// "--option=VALUE" is the only form, and there is no "=".
	WantsValue
	// The command line ends before the option's last operand.
	WantsOperands
	// --overlay-src without its overlay.
	LayersDangle
	// --perms without its operation.
	PermsDangle
	// --size without its operation.
	SizeDangles
	// N: index of the operand.
	EmptyPath
	// Word: not a descriptor number.
	BadFD
	// Word: the number of a descriptor that the caller has not passed.
	ClosedFD
	// Word: the number of one that cannot be written.
	ReadOnlyFD
	// Word: the number; Other: the option that uses it up.
	FDTaken
	// Word: a path below /proc/self/fd of a descriptor that is not open.
	NotPassed
	// Word: not a uid.
	BadUID
	// Word: not a gid.
	BadGID
	// Word: not INSIDE:OUTSIDE:COUNT, or with ids that the kernel does not take.
	BadRange
	// Word: not a capability.
	BadCap
	// Word: not what the option Wants.
	BadValue
	// Word: not a name that a variable can have.
	BadName
	// --argv0 was given before.
	Argv0Twice
	// Word: not an octal mode; for --chmod.
	BadChmod
	// Word: the same, for --perms.
	BadPerms
	// --perms stands in front of the same operation twice.
	PermsTwice
	// Word: not a number of bytes above 0.
	BadSize
	// The same for --size.
	SizeTwice
	// More than MaxLayers.
	TooManyLayers
	// An overlay without --overlay-src.
	NoLayers
	// There is one layer, where two are needed.
	OneLayer
	// --args in an arguments file. A file could name itself, and be read without an end.
	NestedArgs
	// N: errno; 0: longer than MaxArgs.
	UnreadableArgs
	// N: errno; 0: longer than a filter can be.
	UnreadableBPF
	// The kernel would refuse it. What is wrong, package seccomp finds again.
	BadBPF
	// Both --seccomp and --add-seccomp-fd.
	MixedSeccomp
	// Word: there is no such built-in profile.
	NoProfile
)

// Fault says why a command line was refused. The zero value means that it was not.
type Fault struct {
	// None if there is no fault; the other fields mean nothing then.
	Code Code
	// Index in Options.
	Option uint8
	// The option as typed; 0 where no option is concerned.
	At flat.Word
	// See the codes; 0: none.
	Word flat.Word
	// A second option, for FDTaken.
	Other flat.Word
	// A number; see the codes.
	N uint32
}
