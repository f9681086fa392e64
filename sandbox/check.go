package sandbox

import (
	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/front"
)

// rules are about fields of a Spec that cannot be combined (see compile.Rule): the field to
// change, and why.
//
//nolint:gochecknoglobals // read-only table
var rules = [...]struct{ field, problem string }{
	compile.NoCommand:         {"Command.Args", "must not be empty"},
	compile.Uncompiled:        {"Lockdown.Filters", "a profile was not compiled"},
	compile.RangesJoin:        {"Namespaces.JoinUser", "cannot be combined with Identity.UIDMap, GIDMap and MapAuto: the ids of a given namespace are mapped already"},
	compile.JoinNewUser:       {"Namespaces.JoinUser", "cannot be combined with a new user namespace (Namespaces.User)"},
	compile.RangesNeedUser:    {"Namespaces.User", "must be Want or Default with Identity.UIDMap, GIDMap or MapAuto"},
	compile.AutoAndMaps:       {"Identity.MapAuto", "cannot be combined with Identity.UIDMap and GIDMap"},
	compile.DisableNeedsUser:  {"Namespaces.DisableUsers", "needs a new user namespace (Namespaces.User: Want or Default)"},
	compile.DisableAndBlock:   {"Namespaces.DisableUsers", "excludes Report.UserBlockFD"},
	compile.BlockNeedsUser:    {"Report.UserBlockFD", "needs a new user namespace (Namespaces.User: Want or Default)"},
	compile.BlockNeedsInfo:    {"Report.UserBlockFD", "needs Report.InfoFD"},
	compile.UIDNeedsUser:      {"Identity.UID", "needs a user namespace (Namespaces.User or JoinUser)"},
	compile.GIDNeedsUser:      {"Identity.GID", "needs a user namespace (Namespaces.User or JoinUser)"},
	compile.HostnameNeedsUTS:  {"Namespaces.Hostname", "needs a new UTS namespace (Namespaces.UTS)"},
	compile.PID1NeedsPID:      {"Session.AsPID1", "needs a new PID namespace (Namespaces.PID)"},
	compile.PID1AndLocks:      {"Session.AsPID1", "cannot be combined with Session.Locks, which an init holds"},
	compile.AdminOfGiven:      {"Identity.Caps", "with Namespaces.JoinUser or Report.UserBlockFD, CAP_SYS_ADMIN takes away what mounts.Mask and mounts.Protect do"},
	compile.UsageNeedsStatus:  {"Report.Usage", "needs Report.JSONStatusFD"},
	compile.ForegroundSession: {"Session.Foreground", "needs the caller's session (Session.New: Share), which has the terminal"},
	compile.LabelsNeedSELinux: {"Lockdown.ExecLabel", "needs SELinux, which this system does not have"},
}

// broken returns the error for a rule that is broken.
func (w *wanted) broken(r compile.Rule) error {
	field := rules[r].field
	if r == compile.LabelsNeedSELinux && !w.Lockdown.ExecLabel.Given() {
		field = "Lockdown.FileLabel"
	}
	field = w.name(field)
	return &SetupError{Stage: "options", Field: field, Err: &front.Broken{Rule: r, Field: field, Problem: rules[r].problem}}
}
