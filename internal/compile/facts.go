package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// Facts is everything that the compiler may know about this machine and the caller. The
// zero value is root without capabilities, in a directory that has no name.
type Facts struct {
	// The caller's real ids, in the user namespace of the launcher.
	UID, GID uint32
	// The caller's permitted capabilities, bit n for capability n.
	Caps uint64
	// A caller who is root keeps them, as with bwrap. An embedding program must ask for that.
	RootCaps bool

	// The caller's environment: the strings of the text from Env up to EnvEnd, in order.
	Env, EnvEnd flat.Word
	// Where the command should start: the caller's directory. It is empty if that has no name (getcwd(2)).
	Cwd []byte
	// Standard output is a terminal, which a small /dev shows as console.
	Tty bool

	// For the -try forms.
	// The kernel has them; for user namespaces, max_user_namespaces is not
	// 0 either. Whether one is refused is found out by trying (Tentative).
	UserNamespaces, CgroupNamespaces bool
	// SELinux is enabled: labels can be set.
	SELinux bool

	// The plan is for the keeper of setuid mode (package suid).
	Setuid bool
	// The kernel may refuse direct mode, and there is another
	// way: setuid mode, or root without a user namespace.
	Tentative bool
	// The launcher runs under a seccomp filter, which may kill what sets the sandbox up.
	Filtered bool
	// An embedding program starts the launcher, and goes on.
	Embedded bool

	// PWD says whether $PWD, as changed, leads to Cwd. It is asked for (AskPWD) where the
	// two differ.
	PWD Answer

	// With several ids (Ranges), which Go code has settled: the texts of the maps, and the
	// option that asked for them.
	// Ranges says that several ids are mapped, in a user namespace that the sandbox makes.
	Ranges         bool
	UIDMap, GIDMap flat.Word
	// Maps of the same ids to themselves, for a user namespace below the first (plan.OpNest).
	UIDNest  flat.Word
	GIDNest  flat.Word
	MapsFrom flat.Word
	// The payload's ids inside.
	RangeUID uint32
	RangeGID uint32
	// The payload's ids are not the caller's, so that set-up switches to them (plan.OpBecome).
	Becomes bool
	// The caller's supplementary groups are given up. With one
	// mapped gid they cannot be: setgroups(2) is denied there.
	DropsGroups bool
}

// Answer is what is known of a question.
type Answer uint8

// Answers.
const (
	// Not asked yet: most launches never need to.
	Unknown Answer = iota
	Yes
	No
)

// Rule is a combination of options that is not possible. Package sandbox has the texts.
type Rule uint8

// The rules, in the order in which they are checked.
const (
	Fine Rule = iota
	// The options end without a command.
	NoCommand
	// A seccomp profile in a file has not been compiled to a filter: Go code has to do that first.
	Uncompiled
	// A given namespace has its maps already, which can be written once (user_namespaces(7)).
	RangesJoin
	// A user namespace is given, and a new one wanted.
	JoinNewUser
	// Maps belong to a new user namespace, which --unshare-user-try does not promise.
	RangesNeedUser
	// --map-auto with maps of the caller's own, which may contradict it.
	AutoAndMaps
	// The limit on user namespaces is set in a namespace of the sandbox's own, as with bwrap.
	DisableNeedsUser
	// --disable-userns maps ids a second time, in a nested namespace. With --userns-block-fd
	// it is not known here which ids the first namespace has. bwrap refuses the two as well.
	DisableAndBlock
	// There must be a user namespace to wait for.
	BlockNeedsUser
	// The process that writes the maps learns the pid from the report.
	BlockNeedsInfo
	// Another uid than the caller's takes a map.
	UIDNeedsUser
	// The same for the gid.
	GIDNeedsUser
	// Or the host itself would be renamed, if the caller is root.
	HostnameNeedsUTS
	// Only a new PID namespace has a PID 1 to be.
	PID1NeedsPID
	// Locks are held by init, which --as-pid-1 leaves out.
	PID1AndLocks
	// Masks cannot be kept from a payload with CAP_SYS_ADMIN
	// where set-up does not map the ids itself (opensDenials).
	AdminOfGiven
	// Without it the kernel knows no such label, and refuses it.
	LabelsNeedSELinux
	// There is no place to report to.
	UsageNeedsStatus
	// An exception without the restriction is a mistake.
	SocketsNeedScope
	// A new session has no terminal to lend (setsid(2)).
	ForegroundSession
)

// Check returns the first rule that is broken.
func (c *Compiler) Check() Rule {
	s, f := c.Spec, c.Facts
	// Asked for once, since several rules are about the same things.
	maps := c.has(flat.UIDMap) || c.has(flat.GIDMap)
	ranges := maps || s.On(flat.MapAuto)
	join := s.FDs[flat.JoinUser].Given()
	user := s.Wishes[flat.User]
	block := s.FDs[flat.UserBlockFD].Given()
	mapped := join || c.WantsUser()
	switch {
	// The order is that of Rule, which decides which message a command line with two mistakes gets.
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
	// With ranges the maps are known: the launcher has them written.
	case s.On(flat.DisableUsers) && block && !ranges:
		return DisableAndBlock
	case block && user != flat.Want:
		return BlockNeedsUser
	case block && !s.FDs[flat.InfoFD].Given():
		return BlockNeedsInfo
	// The caller's own number is accepted everywhere: it changes nothing.
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
	// An embedding program is told in another way.
	case s.On(plan.FlagUsage) && !s.FDs[flat.StatusFD].Given() && !f.Embedded:
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
