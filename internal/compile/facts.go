package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// Facts is everything that the compiler may know about this machine and the caller. The
// zero value is root without capabilities, in a directory that has no name.
type Facts struct {
	UID, GID uint32
	Caps     uint64 // the caller's permitted capabilities
	RootCaps bool   // a caller who is root keeps them

	// The caller's environment: the strings of the text from Env up to EnvEnd, in order.
	Env, EnvEnd flat.Word
	Cwd         []byte // where the command should start; empty if the directory has no name
	Tty         bool   // standard output is a terminal

	// For the -try forms.
	UserNamespaces, CgroupNamespaces bool
	SELinux                          bool

	Setuid    bool // the plan is for the keeper of setuid mode (package suid)
	Tentative bool // the kernel may refuse direct mode, and there is another way
	Filtered  bool // the launcher runs under a seccomp filter, which may kill what sets the sandbox up
	Embedded  bool // an embedding program starts the launcher, and goes on

	// PWD says whether $PWD, as changed, leads to Cwd. It is asked for (AskPWD) where the
	// two differ.
	PWD Answer

	// With several ids (Ranges), which Go code has settled: the texts of the maps, and the
	// option that asked for them.
	Ranges         bool
	UIDMap, GIDMap flat.Word
	UIDNest        flat.Word // maps of the same ids to themselves
	GIDNest        flat.Word
	MapsFrom       flat.Word
	RangeUID       uint32 // the payload's ids inside
	RangeGID       uint32
	Becomes        bool // the payload is not the caller
	DropsGroups    bool // the caller's supplementary groups are given up
}

// Answer is what is known of a question.
type Answer uint8

// Answers.
const (
	Unknown Answer = iota
	Yes
	No
)

// Rule is a combination of options that is not possible. Package sandbox has the texts.
type Rule uint8

// The rules, in the order in which they are checked.
const (
	Fine Rule = iota
	NoCommand
	Uncompiled
	RangesJoin
	JoinNewUser
	RangesNeedUser
	AutoAndMaps
	DisableNeedsUser
	DisableAndBlock
	BlockNeedsUser
	BlockNeedsInfo
	UIDNeedsUser
	GIDNeedsUser
	HostnameNeedsUTS
	PID1NeedsPID
	PID1AndLocks
	AdminOfGiven
	LabelsNeedSELinux
	UsageNeedsStatus
	SocketsNeedScope
	ForegroundSession
)

// Check returns the first rule that is broken.
func (c *Compiler) Check() Rule {
	s, f := c.Spec, c.Facts
	maps := c.has(flat.UIDMap) || c.has(flat.GIDMap)
	ranges := maps || s.On(flat.MapAuto)
	join := s.FDs[flat.JoinUser].Given()
	user := s.Wishes[flat.User]
	block := s.FDs[flat.UserBlockFD].Given()
	mapped := join || c.WantsUser()
	switch {
	case s.Args == 0:
		return NoCommand
	case c.has(flat.Profile):
		return Uncompiled
	case ranges && join:
		return RangesJoin
	case join && user.IsNew():
		return JoinNewUser
	case ranges && user != flat.Want:
		return RangesNeedUser
	case maps && s.On(flat.MapAuto):
		return AutoAndMaps
	case s.On(flat.DisableUsers) && user != flat.Want:
		return DisableNeedsUser
	case s.On(flat.DisableUsers) && block && !ranges:
		return DisableAndBlock
	case block && user != flat.Want:
		return BlockNeedsUser
	case block && !s.FDs[flat.InfoFD].Given():
		return BlockNeedsInfo
	case s.IDs[flat.UID].Given && s.IDs[flat.UID].N != f.UID && !mapped:
		return UIDNeedsUser
	case s.IDs[flat.GID].Given && s.IDs[flat.GID].N != f.GID && !mapped:
		return GIDNeedsUser
	case s.Strs[flat.Hostname].Given() && !s.Wishes[flat.UTS].IsNew():
		return HostnameNeedsUTS
	case s.On(flat.AsPID1) && !s.Wishes[flat.PID].IsNew():
		return PID1NeedsPID
	case s.On(flat.AsPID1) && c.has(flat.Lock):
		return PID1AndLocks
	case (join || block) && c.opensDenials():
		return AdminOfGiven
	case (s.Strs[flat.ExecLabel].Given() || s.Strs[flat.FileLabel].Given()) && !f.SELinux:
		return LabelsNeedSELinux
	case s.On(plan.FlagUsage) && !s.FDs[flat.StatusFD].Given() && !f.Embedded: // an embedding program is told
		return UsageNeedsStatus
	case c.has(flat.Socket) && (s.Scopes|s.TryScopes)&flat.ScopeSockets == 0:
		return SocketsNeedScope
	case s.On(plan.FlagForeground) && s.Wishes[flat.Session].IsNew():
		return ForegroundSession
	}
	return Fine
}

// has reports whether there is an item of a kind.
func (c *Compiler) has(kind flat.Kind) bool {
	for i := range c.Items {
		if c.Items[i].Kind == kind {
			return true
		}
	}
	return false
}
