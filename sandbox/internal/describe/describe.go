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
	Files []tree.Op // in the order in which they are done

	// The namespaces. NewUser: there will be one of the sandbox's own, perhaps below a given one.
	User, Net, Processes Namespace
	NewUser              bool
	IPC, UTS, Cgroup     bool // new ones

	IDs         []IDs // the maps, where several ids are mapped
	LosesGroups bool  // the caller's supplementary groups are given up

	Caps    Caps
	Filters int // how many filters of system calls there are

	Scopes struct {
		Signals, Abstract, Sockets Scope
	}
	AllowSockets []string // exceptions of Scopes.Sockets

	Limits       []string // by their names, with their values
	CgroupFD     int      // has the directory of the command's cgroup open; -1: the caller's cgroup
	Timed        bool     // there is a time-out, with:
	After, Grace time.Duration

	NewSession, Foreground bool
	Setuid                 bool // setuid mode
	Forgive                bool // mounts that cannot be tightened are let pass
	OuterProc              bool // the host's proc is shown where the kernel refuses a new one

	// Of the caller and the host.
	Home, SSHAgent string // HOME and SSH_AUTH_SOCK outside
	StdinFile      bool   // standard input is a file that the caller may write
	Unscoped       bool   // the kernel has no Landlock scopes
}

// Namespace is where a namespace of the sandbox's comes from.
type Namespace int

// Where a namespace comes from. The zero value is the caller's.
const (
	Shared Namespace = iota
	New
	Joined // given by a descriptor
)

// IDs is the map of user ids, or of group ids.
type IDs struct {
	Kind   string // "uid" or "gid"
	Ranges idmap.Map
}

// Caps is which capabilities the command has.
type Caps int

// Which capabilities the command has.
const (
	NoCaps     Caps = iota
	ForIDs          // those that make several ids usable
	CallersAll      // the caller's
	Chosen          // by Identity.Caps
)

// Scope is how certain it is that a scope of Landlock's is there.
type Scope int

// How certain a scope is.
const (
	Off Scope = iota
	Tried
	Certain
)

// Lines describes a sandbox.
func Lines(s *Sandbox) []string {
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
	lists := [...][]string{Shared: nil, New: nil, Joined: nil}
	for _, ns := range []struct {
		name string
		from Namespace
	}{
		{"user", d.User},
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
	signals := d.Scopes.Signals
	if signals != Certain && d.Processes == New && !d.Unscoped {
		signals = Certain
	}
	add("signals", signals)
	add("abstract sockets", d.Scopes.Abstract)
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
