package describe

import (
	"strconv"
	"strings"
	"time"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/tree"
)

// Sandbox is what is known about a sandbox before it is made. Package sandbox fills it from a Spec.
type Sandbox struct {
	// In the order in which they are done.
	Files []tree.Op

	// The namespaces. NewUser: there will be one of the sandbox's own, perhaps below a given one.
	// These three may also be given by descriptor.
	User, Net, Processes Namespace
	NewUser              bool
	// These are new or the caller's.
	IPC, UTS, Cgroup bool

	// The maps, where several ids are mapped; empty for one id.
	IDs []IDs
	// The caller's supplementary groups are given up.
	LosesGroups bool

	// What the command may do as a privileged process.
	Caps Caps
	// How many filters of system calls there are. What they refuse is not known here.
	Filters int

	Scopes struct {
		// See scope in the manual: what the command reaches in its sandbox only.
		Signals, Abstract, Sockets Scope
	}
	// Exceptions of Scopes.Sockets, as paths inside.
	AllowSockets []string

	// By their names, with their values.
	Limits []string
	// Has the directory of the command's cgroup open; -1: the caller's cgroup.
	CgroupFD int
	// There is a time-out: After, and Grace until everything is killed.
	Timed        bool
	After, Grace time.Duration

	// Either separates the command from the caller's process group.
	NewSession, Foreground bool
	// Setuid mode, where a user namespace is not implied.
	Setuid bool
	// Mounts that cannot be tightened are let pass.
	Forgive bool
	// The host's proc is shown where the kernel refuses a new one.
	OuterProc bool

	// Of the caller and the host.
	// HOME and SSH_AUTH_SOCK outside: the paths of secrets and of a socket on the host. "": not set.
	Home, SSHAgent string
	// Standard input is a file that the caller may write.
	StdinFile bool
	// The kernel has no Landlock scopes, which Linux has since 6.12.
	Unscoped bool
}

// Namespace is where a namespace of the sandbox's comes from.
type Namespace int

// Where a namespace comes from. The zero value is the caller's.
const (
	// The caller's own.
	Shared Namespace = iota
	// Made for this sandbox.
	New
	// Given by a descriptor.
	Joined
)

// IDs is the map of user ids, or of group ids.
type IDs struct {
	// "uid" or "gid".
	Kind string
	// Inside, outside and count of each range.
	Ranges idmap.Map
}

// Caps is which capabilities the command has.
type Caps int

// Which capabilities the command has.
const (
	// None, as for an ordinary user.
	NoCaps Caps = iota
	// Those that make several ids usable: to change owners, and to switch to other ids.
	ForIDs
	// The caller's, who is root.
	CallersAll
	// By Identity.Caps.
	Chosen
)

// Scope is how certain it is that a scope of Landlock's is there.
type Scope int

// How certain a scope is.
const (
	// Not asked for.
	Off Scope = iota
	// There if the kernel has it.
	Tried
	// There, or the launch fails.
	Certain
)

// Lines describes a sandbox.
func Lines(s *Sandbox) []string {
	// What is there comes first, what may go wrong last, where a terminal still shows it.
	d := describer{Sandbox: s}
	d.files()
	d.namespaces()
	d.ids()
	d.privilege()
	d.limits()
	d.risks()
	return d.lines
}

// namespaces says which namespaces are the sandbox's own. A mount namespace always is.
func (d *describer) namespaces() {
	is := func(isNew bool) Namespace {
		if isNew {
			return New
		}
		return Shared
	}
	// Each list is one line; an empty one is left out.
	lists := [...][]string{Shared: nil, New: nil, Joined: nil}
	for _, ns := range []struct {
		name string
		from Namespace
	}{
		{"user", d.User},
		// A launch without one is not possible.
		{"mount", New},
		{"processes", d.Processes},
		{"network", d.Net},
		{"IPC", is(d.IPC)},
		{"host name", is(d.UTS)},
		{"cgroup", is(d.Cgroup)},
	} {
		lists[ns.from] = append(lists[ns.from], ns.name)
	}
	d.say("new namespaces", lists[New]...)
	d.say("namespaces entered", lists[Joined]...)
	d.say("namespaces shared with the caller", lists[Shared]...)
}

// ids describes the id maps, if several ids are mapped.
func (d *describer) ids() {
	// One id is the default, and says nothing.
	if len(d.IDs) == 0 {
		return
	}
	for _, a := range d.IDs {
		var list []string
		for _, r := range a.Ranges {
			list = append(list, span(r.Inside, r.Count)+" (outside "+span(r.Outside, r.Count)+")")
		}
		d.say(a.Kind+"s", list...)
	}
	// Groups that are not mapped still count for access to files.
	groups := "the caller's supplementary groups stay usable"
	if d.LosesGroups {
		groups = "no supplementary groups of the caller"
	}
	d.say("groups", groups)
}

// span formats a range of ids.
func span(first, count uint32) string {
	text := strconv.FormatUint(uint64(first), 10)
	if count == 1 {
		return text
	}
	return text + " to " + strconv.FormatUint(uint64(first+count-1), 10)
}

// privilege describes the capabilities and the filters.
func (d *describer) privilege() {
	// Capabilities count only towards what the user namespace owns (user_namespaces(7)).
	inside := ""
	if d.NewUser || d.User == Joined {
		inside = ", inside its user namespace only"
	}
	caps := "none"
	switch d.Caps {
	case ForIDs:
		caps = "what package managers need for these ids" + inside
	case CallersAll:
		caps = "all of the caller's" + inside
	case Chosen:
		caps = "as set by Identity.Caps" + inside
	}
	d.say("capabilities", caps)
	filters := "none"
	if d.Filters > 0 {
		filters = strconv.Itoa(d.Filters)
	}
	d.say("system call filters", filters)
	d.say("reached only inside", d.scopes()...)
}

// scopes lists what the command reaches in the sandbox only. Where it is not asked for, signals are
// scoped nevertheless if the kernel can: what a new PID namespace hides cannot be signalled then by
// its process group either.
func (d *describer) scopes() (list []string) {
	add := func(what string, s Scope) {
		switch s {
		case Certain:
			list = append(list, what)
		case Tried:
			list = append(list, what+" (if the kernel has the scope)")
		}
	}
	// Asked for by every launch with a new PID namespace, so what the kernel has decides.
	signals := d.Scopes.Signals
	if signals != Certain && d.Processes == New && !d.Unscoped {
		signals = Certain
	}
	add("signals", signals)
	add("abstract sockets", d.Scopes.Abstract)
	// Named with their exceptions: the line must not promise more than there is.
	sockets := "sockets with a path"
	if len(d.AllowSockets) > 0 {
		sockets += " other than " + strings.Join(d.AllowSockets, ", ")
	}
	add(sockets, d.Scopes.Sockets)
	return list
}

// limits describes the resource limits and the time-out.
func (d *describer) limits() {
	list := d.Limits
	if d.CgroupFD >= 0 {
		list = append(list, "those of the cgroup that fd "+strconv.Itoa(d.CgroupFD)+" has open")
	}
	d.say("limits", list...)
	if !d.Timed {
		return
	}
	// The same rules, in the same order, as those of the monitor (the manual lists them at --timeout).
	end := "the command only"
	switch {
	case d.Processes == New:
		end = "everything in the sandbox"
	case d.CgroupFD >= 0:
		end = "everything in its cgroup"
	case d.NewSession:
		end = "everything in its session"
	}
	d.say("after "+d.After.String(), "SIGTERM to the command, and "+d.Grace.String()+" later SIGKILL to "+end)
}
