package sandbox

import (
	"errors"
	"strings"

	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// rule is one thing that cannot be. Its text is bwrap's where scripts may match it.
type rule struct {
	broken func(*Spec, *Host) bool
	text   string
}

// rules are checked in order; the first that is broken is the error.
//
//nolint:gochecknoglobals // read-only table
var rules = []rule{
	{func(s *Spec, _ *Host) bool { return len(s.Command.Args) == 0 }, "No command given"},
	{unknownKind, "a file operation is of no known kind"},
	{uncompiled, "a seccomp profile was not compiled"},
	{
		func(s *Spec, _ *Host) bool { return s.Identity.ranges() && s.Namespaces.JoinUser.Given() },
		"--uid-map, --gid-map and --map-auto are not compatible with --userns: the ids of a given namespace are mapped already",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Namespaces.JoinUser.Given() && s.Namespaces.User.isNew() },
		"--userns not compatible --unshare-user",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Identity.ranges() && s.Namespaces.User != Want },
		"--uid-map, --gid-map and --map-auto require --unshare-user",
	},
	{
		func(s *Spec, _ *Host) bool {
			return s.Identity.MapAuto && len(s.Identity.UIDMap)+len(s.Identity.GIDMap) > 0
		},
		"--map-auto excludes --uid-map and --gid-map",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Namespaces.DisableUsers && s.Namespaces.User != Want },
		"--disable-userns requires --unshare-user",
	},
	{
		func(s *Spec, _ *Host) bool {
			return s.Namespaces.DisableUsers && s.Report.UserBlockFD.Given() && !s.Identity.ranges()
		},
		"--disable-userns is not compatible with  --userns-block-fd",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Report.UserBlockFD.Given() && s.Namespaces.User != Want },
		"--userns-block-fd requires --unshare-user",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Report.UserBlockFD.Given() && !s.Report.InfoFD.Given() },
		"--userns-block-fd requires --info-fd",
	},
	{
		func(s *Spec, h *Host) bool {
			return s.Identity.UID.Given() && s.Identity.UID.N() != h.UID && !mapsIDs(s, h)
		},
		"Specifying --uid requires --unshare-user or --userns",
	},
	{
		func(s *Spec, h *Host) bool {
			return s.Identity.GID.Given() && s.Identity.GID.N() != h.GID && !mapsIDs(s, h)
		},
		"Specifying --gid requires --unshare-user or --userns",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Namespaces.Hostname.Given() && !s.Namespaces.UTS.isNew() },
		"Specifying --hostname requires --unshare-uts",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Session.AsPID1 && !s.Namespaces.PID.isNew() },
		"Specifying --as-pid-1 requires --unshare-pid",
	},
	{
		func(s *Spec, _ *Host) bool { return s.Session.AsPID1 && len(s.Session.Locks) > 0 },
		"Specifying --as-pid-1 and --lock-file is not permitted",
	},
	{
		func(s *Spec, _ *Host) bool {
			return badLabel(s.Lockdown.ExecLabel.String()) || badLabel(s.Lockdown.FileLabel.String())
		},
		"a label of --exec-label or --file-label is longer than 1023 bytes or holds a quote, a backslash or a line's end",
	},
	{
		func(s *Spec, h *Host) bool {
			return (s.Lockdown.ExecLabel.Given() || s.Lockdown.FileLabel.Given()) && !h.SELinux
		},
		"labeling not supported on this system",
	},
}

// badLabel tells what could not stand between the quotes of a mount option.
func badLabel(label string) bool {
	return len(label) >= plan.MaxLabel || strings.ContainsAny(label, "\"\\\n")
}

func unknownKind(s *Spec, _ *Host) bool {
	for i := range s.Files {
		if !s.Files[i].Kind.Valid() {
			return true
		}
	}
	return false
}

func uncompiled(s *Spec, _ *Host) bool {
	for i := range s.Lockdown.Filters {
		if len(s.Lockdown.Filters[i].BPF) == 0 {
			return true
		}
	}
	return false
}

// mapsIDs tells whether there will be a user namespace with ids to choose.
func mapsIDs(s *Spec, h *Host) bool {
	c := compiler{s: s, h: h}
	return s.Namespaces.JoinUser.Given() || c.wantsUser()
}

func check(s *Spec, h *Host) error {
	for _, r := range rules {
		if r.broken(s, h) {
			return errors.New(r.text)
		}
	}
	return nil
}
