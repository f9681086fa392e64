package sandbox

import (
	"errors"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// rule is the text of what the fields of a Spec must not say together (see compile.Rule): one
// for the command line, which is bubblewrap's where scripts may match it, and one for programs,
// which names the field that is to change.
type rule struct{ text, field, problem string }

//nolint:gochecknoglobals // read-only table
var rules = [...]rule{
	compile.NoCommand: {
		"No command given",
		"Command.Args", "must not be empty",
	},
	compile.Uncompiled: {
		"a seccomp profile was not compiled",
		"Lockdown.Filters", "a profile was not compiled",
	},
	compile.RangesJoin: {
		"--uid-map, --gid-map and --map-auto are not compatible with --userns: the ids of a given namespace are mapped already",
		"Namespaces.JoinUser", "excludes Identity.UIDMap, GIDMap and MapAuto: the ids of a given namespace are mapped already",
	},
	compile.JoinNewUser: {
		"--userns not compatible --unshare-user",
		"Namespaces.JoinUser", "excludes a new user namespace (Namespaces.User)",
	},
	compile.RangesNeedUser: {
		"--uid-map, --gid-map and --map-auto require --unshare-user",
		"Namespaces.User", "must be Want or Default where there are Identity.UIDMap, GIDMap or MapAuto",
	},
	compile.AutoAndMaps: {
		"--map-auto excludes --uid-map and --gid-map",
		"Identity.MapAuto", "excludes Identity.UIDMap and GIDMap",
	},
	compile.DisableNeedsUser: {
		"--disable-userns requires --unshare-user",
		"Namespaces.DisableUsers", "needs a new user namespace (Namespaces.User: Want or Default)",
	},
	compile.DisableAndBlock: {
		"--disable-userns is not compatible with  --userns-block-fd",
		"Namespaces.DisableUsers", "excludes Report.UserBlockFD",
	},
	compile.BlockNeedsUser: {
		"--userns-block-fd requires --unshare-user",
		"Report.UserBlockFD", "needs a new user namespace (Namespaces.User: Want or Default)",
	},
	compile.BlockNeedsInfo: {
		"--userns-block-fd requires --info-fd",
		"Report.UserBlockFD", "needs Report.InfoFD",
	},
	compile.UIDNeedsUser: {
		"Specifying --uid requires --unshare-user or --userns",
		"Identity.UID", "needs a user namespace (Namespaces.User or JoinUser)",
	},
	compile.GIDNeedsUser: {
		"Specifying --gid requires --unshare-user or --userns",
		"Identity.GID", "needs a user namespace (Namespaces.User or JoinUser)",
	},
	compile.HostnameNeedsUTS: {
		"Specifying --hostname requires --unshare-uts",
		"Namespaces.Hostname", "needs a new UTS namespace (Namespaces.UTS)",
	},
	compile.PID1NeedsPID: {
		"Specifying --as-pid-1 requires --unshare-pid",
		"Session.AsPID1", "needs a new PID namespace (Namespaces.PID)",
	},
	compile.PID1AndLocks: {
		"Specifying --as-pid-1 and --lock-file is not permitted",
		"Session.AsPID1", "excludes Session.Locks, which an init holds",
	},
	compile.LabelsNeedSELinux: {
		"labeling not supported on this system",
		"Lockdown.ExecLabel", "and FileLabel need SELinux, which this system does not have",
	},
}

// broken is the error of a rule that is broken.
func broken(r compile.Rule, h *Host) error {
	if h.Hosted {
		return badField(rules[r].field, plan.Origin{}, rules[r].problem)
	}
	return errors.New(rules[r].text)
}
