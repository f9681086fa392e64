package sandbox

import (
	"errors"

	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// rule is something that the fields of a Spec must not say together. It has two texts: one for
// the command line, which is bubblewrap's where scripts may match it, and one for programs,
// which names the field that is to change.
type rule struct {
	broken         func(*Spec, *Host) bool
	text           string
	field, problem string
}

// rules are checked in order; the first that is broken is the error.
//
//nolint:gochecknoglobals // read-only table
var rules = []rule{
	{
		func(s *Spec, _ *Host) bool { return len(s.Command.Args) == 0 },
		"No command given",
		"Command.Args", "must not be empty",
	},
	{
		uncompiled,
		"a seccomp profile was not compiled",
		"Lockdown.Filters", "a profile was not compiled",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Identity.ranges() && s.Namespaces.JoinUser.Given() },
		"--uid-map, --gid-map and --map-auto are not compatible with --userns: the ids of a given namespace are mapped already",
		"Namespaces.JoinUser", "excludes Identity.UIDMap, GIDMap and MapAuto: the ids of a given namespace are mapped already",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Namespaces.JoinUser.Given() && s.Namespaces.User.isNew() },
		"--userns not compatible --unshare-user",
		"Namespaces.JoinUser", "excludes a new user namespace (Namespaces.User)",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Identity.ranges() && s.Namespaces.User != Want },
		"--uid-map, --gid-map and --map-auto require --unshare-user",
		"Namespaces.User", "must be Want or Default where there are Identity.UIDMap, GIDMap or MapAuto",
	},
	{
		func(s *Spec, _ *Host) bool {
			return s.Identity.MapAuto && len(s.Identity.UIDMap)+len(s.Identity.GIDMap) > 0
		},
		"--map-auto excludes --uid-map and --gid-map",
		"Identity.MapAuto", "excludes Identity.UIDMap and GIDMap",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Namespaces.DisableUsers && s.Namespaces.User != Want },
		"--disable-userns requires --unshare-user",
		"Namespaces.DisableUsers", "needs a new user namespace (Namespaces.User: Want or Default)",
	},
	{
		func(s *Spec, _ *Host) bool {
			return s.Namespaces.DisableUsers && s.Report.UserBlockFD.Given() && !s.Identity.ranges()
		},
		"--disable-userns is not compatible with  --userns-block-fd",
		"Namespaces.DisableUsers", "excludes Report.UserBlockFD",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Report.UserBlockFD.Given() && s.Namespaces.User != Want },
		"--userns-block-fd requires --unshare-user",
		"Report.UserBlockFD", "needs a new user namespace (Namespaces.User: Want or Default)",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Report.UserBlockFD.Given() && !s.Report.InfoFD.Given() },
		"--userns-block-fd requires --info-fd",
		"Report.UserBlockFD", "needs Report.InfoFD",
	},
	{
		func(s *Spec, h *Host) bool {
			return s.Identity.UID.Given() && s.Identity.UID.N() != h.UID && !mapsIDs(s, h)
		},
		"Specifying --uid requires --unshare-user or --userns",
		"Identity.UID", "needs a user namespace (Namespaces.User or JoinUser)",
	},
	{
		func(s *Spec, h *Host) bool {
			return s.Identity.GID.Given() && s.Identity.GID.N() != h.GID && !mapsIDs(s, h)
		},
		"Specifying --gid requires --unshare-user or --userns",
		"Identity.GID", "needs a user namespace (Namespaces.User or JoinUser)",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Namespaces.Hostname.Given() && !s.Namespaces.UTS.isNew() },
		"Specifying --hostname requires --unshare-uts",
		"Namespaces.Hostname", "needs a new UTS namespace (Namespaces.UTS)",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Session.AsPID1 && !s.Namespaces.PID.isNew() },
		"Specifying --as-pid-1 requires --unshare-pid",
		"Session.AsPID1", "needs a new PID namespace (Namespaces.PID)",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Session.AsPID1 && len(s.Session.Locks) > 0 },
		"Specifying --as-pid-1 and --lock-file is not permitted",
		"Session.AsPID1", "excludes Session.Locks, which an init holds",
	},
	{
		func(s *Spec, h *Host) bool {
			return (s.Lockdown.ExecLabel.Given() || s.Lockdown.FileLabel.Given()) && !h.SELinux
		},
		"labeling not supported on this system",
		"Lockdown.ExecLabel", "and FileLabel need SELinux, which this system does not have",
	},
}

func uncompiled(s *Spec, _ *Host) bool {
	for i := range s.Lockdown.Filters {
		if len(s.Lockdown.Filters[i].BPF) == 0 {
			return true
		}
	}
	return false
}

// mapsIDs reports whether there will be a user namespace with ids to choose.
func mapsIDs(s *Spec, h *Host) bool {
	c := compiler{s: s, h: h}
	return s.Namespaces.JoinUser.Given() || c.wantsUser()
}

// check reports what a Spec says that cannot be: first each field for itself, then the rules.
func check(s *Spec, h *Host) error {
	if err := validate(s); err != nil {
		return err
	}
	for _, r := range rules {
		switch {
		case !r.broken(s, h):
		case h.Hosted:
			return badField(r.field, plan.Origin{}, r.problem)
		default:
			return errors.New(r.text)
		}
	}
	return nil
}
