package sandbox

import (
	"strings"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/plan"
	"golang.org/x/sys/unix"
)

// Compile turns what is wanted (s) on this machine (h) into a plan. All decisions
// that can be taken before the fork are taken here; the phases below are the reading
// list of a sandbox, in the order in which they happen.
func Compile(s *Spec, h Host) (*plan.Program, error) {
	if err := check(s, &h); err != nil {
		return nil, err
	}
	c := compiler{s: s, h: &h, b: &plan.Builder{}}
	c.env = environment(h.Env, s.Env)
	c.namespaces()
	if err := c.who(); err != nil {
		return nil, err
	}
	c.join()
	c.identity()
	c.files()
	c.host()
	c.finalIdentity()
	c.session()
	c.b.EndSetup()
	c.command()
	c.fds()
	return c.b.Program()
}

type compiler struct {
	s   *Spec
	h   *Host
	b   *plan.Builder
	env []string

	newUser, newPID bool
	uids, gids      axis // who is who
	nested          bool // a second user namespace maps the payload's ids back
	outerUID        uint32
	outerGID        uint32 // what they are in the first one
	init            bool
}

// namespaces decides which namespaces are new.
func (c *compiler) namespaces() {
	n := &c.s.Namespaces
	c.newUser = c.wantsUser()
	c.newPID = n.PID.isNew()
	flags := uint32(unix.CLONE_NEWNS)
	add := func(on bool, flag uint32) {
		if on {
			flags |= flag
		}
	}
	add(c.newUser, unix.CLONE_NEWUSER)
	add(c.newPID, unix.CLONE_NEWPID)
	add(n.IPC.isNew(), unix.CLONE_NEWIPC)
	add(n.Net.isNew(), unix.CLONE_NEWNET)
	add(n.UTS.isNew(), unix.CLONE_NEWUTS)
	add(n.Cgroup == Want || n.Cgroup == Try && c.h.CgroupNamespaces, unix.CLONE_NEWCGROUP)
	c.b.Clone = flags
}

// wantsUser: without root one is implied; root without CAP_SYS_ADMIN (a container)
// takes one by itself, since nothing else could work. In setuid mode only who asks for
// one gets one, or for ids that take one.
func (c *compiler) wantsUser() bool {
	n := &c.s.Namespaces
	switch {
	case n.JoinUser.Given():
		return false
	case c.h.Setuid:
		return n.User.isNew() || c.otherIDs()
	case n.User == Want || c.h.UID != 0:
		return true
	case c.h.Caps>>unix.CAP_SYS_ADMIN&1 == 0:
		return true
	default:
		return n.User == Try && c.h.UserNamespaces
	}
}

// otherIDs tells whether the payload is to have other ids than the caller.
func (c *compiler) otherIDs() bool {
	id := &c.s.Identity
	return id.UID.Given() && id.UID.N() != c.h.UID || id.GID.Given() && id.GID.N() != c.h.GID
}

// join enters the namespaces that must be entered before the first process exists.
func (c *compiler) join() {
	n := &c.s.Namespaces
	if n.JoinUser.Given() {
		c.setns(n.JoinUser, unix.CLONE_NEWUSER)
	}
	if n.JoinPID.Given() {
		c.setns(n.JoinPID, unix.CLONE_NEWPID)
	}
	c.b.EndJoin()
}

func (c *compiler) setns(fd FD, kind uint32) {
	c.b.From(fd.From)
	c.b.Add(plan.Step{Op: plan.OpSetns, A: uint32(fd.N()), B: kind})
	c.b.From(plan.Origin{})
}

// identity maps the ids. A devpts instance belongs to root: where no other id than the
// payload's is mapped, root is mapped first, and a nested user namespace maps the wanted
// ids back at the end. --disable-userns sets its limit in the outer one of two as well.
func (c *compiler) identity() {
	ranges := c.s.Identity.ranges()
	if ranges {
		c.ranges()
	}
	if c.goes() && !c.lateGo() {
		c.b.Add(plan.Step{Op: plan.OpGo})
	}
	if r := c.s.Report.UserBlockFD; r.Given() {
		c.b.From(r.From)
		c.b.Add(plan.Step{Op: plan.OpWaitFd, A: uint32(r.N())})
		c.b.From(plan.Origin{})
	}
	c.b.IDs(c.uids.inside, c.gids.inside)
	if c.newUser && !ranges && !c.s.Report.UserBlockFD.Given() && !c.h.Setuid {
		uid, gid := c.uids.inside, c.gids.inside
		needsRoot := c.hasDev() && (uid != 0 || gid != 0)
		c.nested = c.s.Namespaces.DisableUsers || needsRoot
		if needsRoot {
			uid, gid = 0, 0
		}
		c.outerUID, c.outerGID = uid, gid
		c.idmap(uid, c.h.UID, gid, c.h.GID)
	}
	if n := c.s.Namespaces.JoinNet; n.Given() {
		c.setns(n, unix.CLONE_NEWNET)
	}
}

// goes tells whether somebody waits for the namespaces to be there; lateGo, that this
// comes after the frame, so that what the kernel refuses is known by then.
func (c *compiler) goes() bool { return c.reports() || c.h.Tentative }

func (c *compiler) lateGo() bool {
	return c.h.Tentative && !c.s.Report.UserBlockFD.Given()
}

func (c *compiler) reports() bool {
	return c.s.Report.InfoFD.Given() || c.s.Report.JSONStatusFD.Given()
}

func (c *compiler) hasDev() bool {
	for i := range c.s.Files {
		if c.s.Files[i].Kind == mounts.Dev {
			return true
		}
	}
	return false
}

func (c *compiler) idmap(uid, outUID, gid, outGID uint32) {
	c.b.Add(plan.Step{
		Op: plan.OpIDMap,
		A:  c.b.Str(idmap.Single(uid, outUID).Text()), B: c.b.Str(idmap.Single(gid, outGID).Text()),
	})
}

// files builds the root, and with it the namespaces' own equipment.
func (c *compiler) files() {
	if c.s.Namespaces.Net.isNew() {
		c.b.Add(plan.Step{Op: plan.OpLoopback})
	}
	mounts.Lower(c.b, c.s.Files, mounts.Frame{
		NewPID:    c.newPID || c.s.Namespaces.JoinPID.Given(),
		HostRoot:  c.h.UID == 0,
		Console:   c.h.Tty,
		FileLabel: c.s.Lockdown.FileLabel.String(),
		Go:        c.goes() && c.lateGo(),
		Become:    c.become(),
		Fallback:  c.s.ProcFallback,
	})
}

func (c *compiler) host() {
	n := &c.s.Namespaces
	if n.Hostname.Given() {
		c.b.From(n.Hostname.From)
		c.b.Add(plan.Step{Op: plan.OpHostname, A: c.b.Str(n.Hostname.String())})
		c.b.From(plan.Origin{})
	}
}

// cwd chooses where the command starts: what was asked for; else the same place as
// outside, by its real path or else by $PWD; else home, else the root.
func (c *compiler) cwd() {
	if d := c.s.Command.Chdir; d.Given() {
		c.b.From(d.From)
		c.b.Add(plan.Step{Op: plan.OpChdir, A: c.b.Str(d.String()), B: c.b.Str("PWD=" + d.String())})
		c.b.From(plan.Origin{})
		return
	}
	try := func(dir string) {
		if dir != "" {
			c.b.Add(plan.Step{Op: plan.OpChdir, Flags: plan.FlagTry, A: c.b.Str(dir), B: c.b.Str("PWD=" + dir)})
		}
	}
	try(c.h.Cwd)
	if pwd, ok := get(c.env, "PWD"); ok && pwd != c.h.Cwd && c.h.SameFile != nil && c.h.SameFile(pwd, c.h.Cwd) {
		try(pwd)
	}
	if home, ok := get(c.env, "HOME"); ok {
		try(home)
	}
	c.b.Add(plan.Step{Op: plan.OpChdir, A: c.b.Str("/"), B: c.b.Str("PWD=/")})
}

// finalIdentity leaves the user namespace of set-up for the payload's.
func (c *compiler) finalIdentity() {
	n := &c.s.Namespaces
	if c.losesGroups() {
		c.b.Add(plan.Step{Op: plan.OpGroups})
	}
	if n.DisableUsers {
		// In the namespace of set-up, whose root alone may set it; it counts all
		// namespaces below, so that the nested one is the last.
		c.b.Add(plan.Step{Op: plan.OpLimitUserns})
	}
	if n.DisableUsers && c.s.Identity.ranges() {
		c.nest()
	}
	if c.nested {
		c.b.Add(plan.Step{Op: plan.OpUnshare, A: unix.CLONE_NEWUSER})
		c.idmap(c.uids.inside, c.outerUID, c.gids.inside, c.outerGID)
	}
	if n.FinalUser.Given() {
		c.setns(n.FinalUser, unix.CLONE_NEWUSER)
	}
	if n.DisableUsers || n.AssertUsersDisabled {
		c.b.Add(plan.Step{Op: plan.OpNoUserns})
	}
}

// session is what init and payload share.
func (c *compiler) session() {
	s := &c.s.Session
	if s.BlockFD.Given() {
		c.b.From(s.BlockFD.From)
		c.b.Add(plan.Step{Op: plan.OpWaitFd, A: uint32(s.BlockFD.N())})
	}
	c.b.From(plan.Origin{})
	if s.New.isNew() {
		c.b.Add(plan.Step{Op: plan.OpSetsid})
	}
	if l := c.s.Lockdown.ExecLabel; l.Given() {
		c.b.From(l.From)
		c.b.Add(plan.Step{Op: plan.OpLabel, A: plan.LabelExec, B: c.b.Str(l.String())})
	}
	c.b.From(plan.Origin{})
	c.init = !s.AsPID1 && (c.newPID || len(s.Locks) > 0 || len(s.SyncFDs) > 0)
}

// command is the payload's part: capabilities, then, without them, the place to start
// in, filters, exec. Init, where there is one, has forked before: it takes the locks,
// drops its own capabilities and gets the filters too.
func (c *compiler) command() {
	for _, l := range c.s.Session.Locks {
		c.b.From(l.From)
		c.b.Add(plan.Step{Op: plan.OpLock, A: c.b.Str(l.Path)})
	}
	c.b.From(plan.Origin{})
	c.caps()
	if c.h.Setuid {
		c.b.Add(plan.Step{Op: plan.OpFence})
	}
	c.cwd()
	if c.s.Report.wantsEnd() || c.h.Hosted || c.h.Filtered {
		c.b.Add(plan.Step{Op: plan.OpTell}) // a filter might refuse it
	}
	for _, f := range c.s.Lockdown.Filters {
		c.b.From(f.From)
		c.b.Add(plan.Step{Op: plan.OpSeccomp, A: c.b.Blob(f.BPF), B: uint32(len(f.BPF) / 8)})
	}
	c.b.From(plan.Origin{Words: c.s.Command.Args[:1]})
	c.b.Add(plan.Step{Op: plan.OpExec})
	argv := append([]string(nil), c.s.Command.Args...)
	if a := c.s.Command.Argv0; a.Given() {
		argv[0] = a.String()
	}
	pwd := lookup(c.env, "PWD")
	if pwd < 0 {
		pwd = len(c.env)
		c.env = append(c.env, "PWD=/")
	}
	c.b.Command(candidates(c.s.Command.Args[0], c.env), argv, c.env, pwd)
}

// candidates are the files that execvp(3) would try, in its order. It passes over entries
// of PATH that no path is long enough for.
func candidates(name string, env []string) []string {
	if strings.Contains(name, "/") || name == "" {
		return []string{name}
	}
	path, ok := get(env, "PATH")
	if !ok {
		path = "/bin:/usr/bin"
	}
	var out []string
	for dir := range strings.SplitSeq(path, ":") {
		if len(dir) >= unix.PathMax {
			continue
		}
		if dir != "" {
			dir += "/"
		}
		out = append(out, dir+name)
	}
	if len(out) == 0 {
		out = []string{path + "/" + name}
	}
	return out
}

// fds settles which descriptors live where, and the flags of the whole plan.
func (c *compiler) fds() {
	s := &c.s.Session
	sync := make([]int, 0, len(s.SyncFDs))
	for _, fd := range s.SyncFDs {
		sync = append(sync, fd.N())
	}
	json := -1
	if r := &c.s.Report; r.JSONStatusFD.Given() {
		json = r.JSONStatusFD.N()
	}
	used, read := c.s.fds()
	c.b.Fds(used, read, sync, json)
	flag := func(on bool, flag uint32) {
		if on {
			c.b.Flags |= flag
		}
	}
	flag(c.init, plan.FlagInit)
	flag(s.DieWithParent || c.h.Hosted, plan.FlagDieWithParent)
	flag(s.DieWithParent && c.h.Hosted, plan.FlagLifeline)
	c.b.Failed(c.s.Report.FailStatus)
	flag(c.reports() || c.s.Identity.ranges(), plan.FlagHandshake)
	flag(c.h.Tentative, plan.FlagTentative)
	flag(c.h.Setuid && c.s.Namespaces.User == Try && !c.otherIDs(), plan.FlagTryUser)
	flag(c.h.Setuid && c.hasDev(), plan.FlagMapRoot)
	flag(!c.init && len(sync) > 0, plan.FlagKeepSync)
	flag(c.s.Lockdown.Forgive, plan.FlagForgive)
}
