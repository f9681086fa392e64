// Package rules knows what may stand in the fields of a Spec, apart from package sandbox, which has
// the Spec: which of them cannot be combined, and what a field may hold. It knows the fields by name.
package rules

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/compile"
	"github.com/gobwrap/gobwrap/internal/plan"
)

// broken are about fields of a Spec that cannot be combined (see compile.Rule): the field to
// change, and why.
//
//nolint:gochecknoglobals // read-only table
var broken = [...]struct{ field, problem string }{
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
	compile.SocketsNeedScope:  {"Lockdown.AllowSockets", "needs Lockdown.Scopes.Sockets"},
	compile.ForegroundSession: {"Session.Foreground", "needs the caller's session (Session.New: Share), which has the terminal"},
	compile.LabelsNeedSELinux: {"Lockdown.ExecLabel", "needs SELinux, which this system does not have"},
}

// Count is the number of rules, with compile.Fine.
const Count = compile.Rule(len(broken))

// Broken returns the field that is to change where a rule is broken, and why.
func Broken(r compile.Rule) (field, problem string) { return broken[r].field, broken[r].problem }

// fields are the fields for what the policy of setuid mode refuses, which it knows by option.
//
//nolint:gochecknoglobals // read-only table
var fields = map[string]string{
	"--userns": "Namespaces.JoinUser", "--not-a-security-boundary": "Lockdown.Forgive", "--userns-block-fd": "Report.UserBlockFD",
	"--disable-userns": "Namespaces.DisableUsers", "--unshare-net": "Namespaces.Net", "--hostname": "Namespaces.Hostname",
	"--cap-add": "Identity.Caps", "--file-label": "Lockdown.FileLabel", "--cgroup": "Limits.Cgroup", "--proc": "Files", "--mqueue": "Files", "--size": "Files", "a bind": "Files", "an overlay": "Files",
	"a user namespace (--unshare-user, --uid, --gid)": "Namespaces.User", "a given namespace": "Namespaces", "this command line": "Spec", "this plan": "Spec",
}

// FieldOf returns the field for an option that setuid mode refuses; "": it names none.
func FieldOf(option string) string { return fields[option] }

// Number is a field that is a number, which may have to be one of a few.
type Number struct {
	Name string
	Get  func() int
	Set  func(int)
	// What the numbers are called, from 0 on; nil: any will do.
	values []string
}

// NumberOf returns a field as a Number.
func NumberOf[T ~int | ~uint8](name string, field *T, values ...string) Number {
	return Number{name, func() int { return int(*field) }, func(n int) { *field = T(n) }, values}
}

// Problem returns what is wrong with the number, or "".
func (n Number) Problem() string {
	i, last := n.Get(), len(n.values)-1
	if last < 0 || i >= 0 && i <= last {
		return ""
	}
	return "invalid value " + strconv.Itoa(i) + " (want " + strings.Join(n.values[:last], ", ") + " or " + n.values[last] + ")"
}

// Label returns what is wrong with a label, or "": one that could not stand between the quotes of a
// mount option.
func Label(label string) string {
	if len(label) >= plan.MaxLabel || strings.ContainsAny(label, "\"\\\n") {
		return "the label is longer than 1023 bytes, or contains a quote, a backslash or a newline"
	}
	return ""
}

// Path returns what is wrong with a path, or "".
func Path(path string) string {
	if path == "" {
		return "must not be empty"
	}
	return ""
}
