package sandbox

import (
	"time"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/internal/describe"
)

// linesOf returns lines that say what a sandbox will contain and which risks remain. It uses
// the Spec and the facts only, and does not look at files.
func linesOf(s *wanted, h facts) []string {
	if err := validate(s); err != nil {
		return []string{"impossible: " + err.Error()}
	}
	n, l, limits := &s.Namespaces, &s.Lockdown, &s.Limits
	d := describe.Sandbox{
		Files: s.files, NewUser: wantsUser(s, &h), Caps: capsKind(s, &h), Filters: len(l.Filters), AllowSockets: l.AllowSockets,
		User: namespaceOf(wantsUser(s, &h), n.JoinUser), Net: namespaceOf(n.Net.isNew(), n.JoinNet), Processes: namespaceOf(n.PID.isNew(), n.JoinPID),
		IPC: n.IPC.isNew(), UTS: n.UTS.isNew(), Cgroup: n.Cgroup == Want || n.Cgroup == Try && h.CgroupNamespaces,
		NewSession: s.Session.New.isNew(), Foreground: s.Session.Foreground, Setuid: h.Setuid, Forgive: l.Forgive,
		OuterProc: s.ProcFallback == mounts.BindOuter, StdinFile: h.StdinFile, Unscoped: h.Unscoped, CgroupFD: limits.Cgroup.N(),
	}
	if n.PID.isNew() { // it lies below a given one, if there is one, and counts
		d.Processes = describe.New
	}
	d.Scopes.Signals, d.Scopes.Abstract, d.Scopes.Sockets = scopeOf(l.Scopes.Signals), scopeOf(l.Scopes.AbstractSockets), scopeOf(l.Scopes.Sockets)
	d.Home, _ = front.Getenv(h.Env, "HOME") // outside: what is called so inside starts nothing later
	d.SSHAgent, _ = front.Getenv(h.Env, "SSH_AUTH_SOCK")
	if uids, gids, err := who(s, &h); err == nil && s.Identity.ranges() { // the launch reports an error
		d.IDs = []describe.IDs{{Kind: uids.kind, Ranges: uids.ids}, {Kind: gids.kind, Ranges: gids.ids}}
		d.LosesGroups = losesGroups(s, &h, &gids)
	}
	for _, x := range limits.settings() {
		d.Limits = append(d.Limits, x.kind.Describe(x.text))
	}
	if d.Timed = limits.Timeout != 0; d.Timed {
		t, _ := limits.flat()
		d.After, d.Grace = time.Duration(t.After)*time.Millisecond, time.Duration(t.Grace)*time.Millisecond
	}
	return describe.Lines(&d)
}

// namespaceOf returns where a namespace comes from.
func namespaceOf(isNew bool, given FD) describe.Namespace {
	switch {
	case given.Given():
		return describe.Joined
	case isNew:
		return describe.New
	}
	return describe.Shared
}

// scopeOf returns what a wish for a scope comes to.
func scopeOf(w Wish) describe.Scope {
	switch w {
	case Want:
		return describe.Certain
	case Try:
		return describe.Tried
	}
	return describe.Off
}

// capsKind returns which capabilities the command will have.
func capsKind(s *wanted, h *facts) describe.Caps {
	switch {
	case wantedCaps(s, h) == 0:
		return describe.NoCaps
	case len(s.Identity.Caps) > 0:
		return describe.Chosen
	case h.UID != 0 || !s.Identity.KeepCaps:
		return describe.ForIDs
	}
	return describe.CallersAll
}
