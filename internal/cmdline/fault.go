package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import "github.com/gobwrap/gobwrap/internal/flat"

// Code is what a [Fault] is about.
type Code uint8

// Codes. The first few are not mistakes: the option asks for a text.
const (
	None Code = iota
	AskHelp
	AskVersion
	AskFeatures
	AskDoctor // Word: the form asked for, or none

	NoCommand // At: the last option of the command line, if "--" does not end it; Word: what --args dropped
	UnknownOption
	WantsValue     // "--option=VALUE"
	WantsOperands  // N: how many
	LayersDangle   // --overlay-src without its overlay
	PermsDangle    // --perms without its operation
	SizeDangles    // --size without its operation
	EmptyPath      // N: index of the operand
	BadFD          // Word: not a descriptor number
	ClosedFD       // Word: the number
	ReadOnlyFD     // Word: the number of one that cannot be written
	FDTaken        // Word: the number; Other: the option that uses it up
	NotPassed      // Word: a path below /proc/self/fd of a descriptor that is not open
	BadUID         // Word
	BadGID         // Word
	BadRange       // Word: INSIDE:OUTSIDE:COUNT
	BadCap         // Word
	BadValue       // Word: not what the option Wants
	BadName        // Word: of a variable
	Argv0Twice     //
	BadChmod       // Word
	BadPerms       // Word
	PermsTwice     //
	BadSize        // Word
	SizeTwice      //
	TooManyLayers  //
	NoLayers       //
	OneLayer       // where two are needed
	NestedArgs     // --args in an arguments file
	UnreadableArgs // N: errno; 0: too long
	UnreadableBPF  // the same
	BadBPF         // what it is, package seccomp finds again
	MixedSeccomp   // --seccomp and --add-seccomp-fd
	NoProfile      // Word: there is no such built-in profile
)

// Fault says why a command line was refused. The zero value means that it was not.
type Fault struct {
	Code   Code
	Option uint8     // index in Options
	At     flat.Word // the option as typed
	Word   flat.Word
	Other  flat.Word
	N      uint32
}
