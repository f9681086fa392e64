package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/sandbox"
)

// optionOf is the option for a field of a Spec that errors name although no option has set it.
//
//nolint:gochecknoglobals // read-only table
var optionOf = map[string]string{
	"Identity.MapAuto": "--map-auto",
	"Identity.UID":     "--uid",
	"Identity.GID":     "--gid",
	"Identity.UIDMap":  "--uid-map",
	"Identity.GIDMap":  "--gid-map",
}

// words returns the option that has set a field, with its operands (front.Line).
func (l *line) words(field string) []string {
	if w, set := l.fields[field]; set {
		return l.origin(w).Words
	}
	if name := optionOf[field]; name != "" {
		return []string{name}
	}
	return nil
}

// rules are the messages for options that cannot be combined. They have bubblewrap's wording
// where scripts may match it.
//
//nolint:gochecknoglobals // read-only table
var rules = [...]string{
	compile.NoCommand:         "No command given",
	compile.Uncompiled:        "a seccomp profile was not compiled",
	compile.RangesJoin:        "--uid-map, --gid-map and --map-auto are not compatible with --userns: the ids of a given namespace are mapped already",
	compile.JoinNewUser:       "--userns not compatible --unshare-user",
	compile.RangesNeedUser:    "--uid-map, --gid-map and --map-auto require --unshare-user",
	compile.AutoAndMaps:       "--map-auto cannot be combined with --uid-map and --gid-map",
	compile.DisableNeedsUser:  "--disable-userns requires --unshare-user",
	compile.DisableAndBlock:   "--disable-userns is not compatible with  --userns-block-fd",
	compile.BlockNeedsUser:    "--userns-block-fd requires --unshare-user",
	compile.BlockNeedsInfo:    "--userns-block-fd requires --info-fd",
	compile.UIDNeedsUser:      "Specifying --uid requires --unshare-user or --userns",
	compile.GIDNeedsUser:      "Specifying --gid requires --unshare-user or --userns",
	compile.HostnameNeedsUTS:  "Specifying --hostname requires --unshare-uts",
	compile.PID1NeedsPID:      "Specifying --as-pid-1 requires --unshare-pid",
	compile.PID1AndLocks:      "Specifying --as-pid-1 and --lock-file is not permitted",
	compile.AdminOfGiven:      "with --userns or --userns-block-fd the command could unmount what --mask and --protect do: add --cap-drop CAP_SYS_ADMIN",
	compile.UsageNeedsStatus:  "--usage requires --json-status-fd",
	compile.ForegroundSession: "--foreground cannot be combined with --new-session: a new session has no terminal",
	compile.LabelsNeedSELinux: "labeling not supported on this system",
}

const noSetuid = "--mode setuid: this binary was not started set-user-id root: " +
	"it must belong to root and have mode 4755, and set-user-id must have an effect (no nosuid mount, no NoNewPrivs)"

// advice lists phrases of package sandbox, each followed by its translation to options.
//
//nolint:gochecknoglobals // read-only table
var advice = [...]string{
	"a new PID namespace, with an init (Namespaces.PID, not Session.AsPID1)", "--unshare-pid, and an init (not --as-pid-1)",
	"Op.Try leaves out", "the form that ends with -try (--mask-try) leaves out",
	"set Identity.KeepGroups to keep", "use --keep-groups to keep",
	"set ProcFallback to mounts.Empty to do without one, or to mounts.BindOuter to show", "use --fallback-proc=none to do without one, or --fallback-proc=bind to show",
	"(mounts.System has both)", "(--ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64)",
	"user namespace of Namespaces.JoinUser does", "user namespace of --userns does",
	"use mounts.ReadOnlyData to bind", "use --ro-bind-data FD DEST to bind",
	"share the user namespace (Namespaces.User)", "leave out --unshare-user",
	"give the outer sandbox mounts.Proc", "give the outer sandbox --proc /proc",
	"with Namespaces.DisableUsers the capabilities of Identity.Caps", "with --disable-userns the capabilities of --cap-add",
	"with mounts.Mask or mounts.Protect, and CAP_SYS_ADMIN, the capabilities of Identity.Caps", "with --mask or --protect, and --cap-add CAP_SYS_ADMIN, the capabilities of --cap-add",
	"with mounts.Dev and a uid or gid other than 0 the capabilities of Identity.Caps", "with --dev and a uid or gid other than 0 the capabilities of --cap-add",
	"namespaces (Identity.UID and GID)", "namespaces (--uid 0 --gid 0)",
	"as set by Identity.Caps", "as set by --cap-add and --cap-drop",
}

// inOptions returns a text of package sandbox in the terms of the command line.
func inOptions(text string) string { return strings.NewReplacer(advice[:]...).Replace(text) }

// reword returns an error of package sandbox in the terms of the command line.
func reword(err error) error {
	var setup *sandbox.SetupError
	hint := ""
	if errors.As(err, &setup) {
		hint = inOptions(setup.Hint)
	}
	if text := sentenceFor(err); text != "" {
		return hinted(text, hint)
	}
	if setup == nil || setup.Hint == hint {
		return err
	}
	out := *setup
	out.Hint = hint
	return &out
}

// sentenceFor returns the sentence for an error that has one, or "".
func sentenceFor(err error) string {
	var broken *front.Broken
	var id *front.Unmapped
	switch {
	case errors.As(err, &broken):
		return rules[broken.Rule]
	case errors.Is(err, sandbox.ErrNoSetuid):
		return noSetuid
	case !errors.As(err, &id):
		return ""
	case id.Device:
		return "--dev needs " + id.Kind + " 0 inside, which its devpts belongs to: map it with --" + id.Kind + "-map or --" + id.Kind + " 0"
	}
	return "--" + id.Kind + " " + strconv.FormatUint(uint64(id.ID), 10) + ": no --" + id.Kind +
		"-map contains this id, and the caller is mapped to another one (" + id.Detail + ")"
}
