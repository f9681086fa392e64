package compile

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/seccomp"
	"golang.org/x/sys/unix"
)

// command is the payload's part: capabilities, then, without them, the place to start
// in, filters, exec. Init, where there is one, has forked before: it takes the locks,
// drops its own capabilities and gets the filters too.
func (c *Compiler) command() {
	// Init carries these out; the payload's process passes over
	// them. With --as-pid-1 there is none, and Check refuses locks.
	for i := range c.Items {
		if it := &c.Items[i]; it.Kind == flat.Lock {
			c.Origin = it.From
			c.Step(plan.Step{Op: plan.OpLock, A: c.Word(it.A)})
		}
	}
	c.Origin = 0
	// From here on the payload has its final permissions:
	// what it could not reach, set-up does not reach for it.
	c.caps()
	c.fence()
	// After the capabilities, or the command could start in a directory that it may not enter; before the
	// filters, which may refuse chdir(2).
	c.cwd()
	// Where it matters whether the command was reached: for reports, for the status of a
	// set-up that failed, and where a filter of the caller's may kill a process of set-up.
	if c.Spec.FDs[flat.StatusFD].Given() || c.Spec.Numbers[flat.FailStatus] != 0 || c.Facts.Embedded || c.Facts.Filtered {
		// Before the payload's filters: one of them might refuse it.
		c.Step(plan.Step{Op: plan.OpTell})
	}
	// After OpTell, which writes to a descriptor that is closed here.
	c.closes()
	if t := c.Spec.Timeout; t.After != 0 {
		c.Origin = t.From
		// The monitor finds these two by their operation: it keeps
		// the time, and starts the first process in the cgroup.
		c.Step(plan.Step{Op: plan.OpTimeout, A: t.After, B: t.Grace})
		c.Origin = 0
	}
	if g := c.Spec.FDs[flat.CgroupFD]; g.Given() {
		c.Origin = g.From
		c.Step(plan.Step{Op: plan.OpCgroup, A: uint32(g.N())})
		c.Origin = 0
	}
	// Late, since limits could be in the way of what comes before: RLIMIT_NOFILE, say, or RLIMIT_AS.
	c.settings()
	// Last before the exec, so that a filter need not permit the calls of set-up, as with bwrap.
	c.filters()
	c.Origin = c.Spec.Command
	c.Step(plan.Step{Op: plan.OpExec})
	c.Origin = 0
	// The end of the environment, whose slots were filled first; the files that exec tries come next.
	c.Slot(0)
	// After the environment was changed: PATH counts as the payload has it.
	c.candidates(c.Text.At(c.Spec.Command))
	c.settleEnv()
}

// closes appends the steps that close every descriptor except for the standard streams and
// those that are to be kept.
func (c *Compiler) closes() {
	// Descriptors are of type int: this is the highest number there is.
	const top = 1<<31 - 1
	for next := uint32(3); c.Spec.On(flat.CloseFDs) && next <= top; {
		// The lowest one from next on that is to be kept; there
		// are few, so the list is searched again each time.
		kept := uint32(top) + 1
		for i := range c.Items {
			if it := &c.Items[i]; it.Kind == flat.KeepFD && uint32(it.FD) >= next {
				kept = min(kept, uint32(it.FD))
			}
		}
		// A range for close_range(2). Between two kept neighbours there is nothing to close.
		if kept > next {
			c.Step(plan.Step{Op: plan.OpClose, A: next, B: kept - 1})
		}
		next = kept + 1
	}
}

// settings appends what the payload's process sets for itself. Of several settings of the same
// thing, the last one counts.
func (c *Compiler) settings() {
	for i := range c.Items {
		// What the first process sets has a step of its own (session).
		if it := &c.Items[i]; it.Kind == flat.Setting && !setting.Kind(it.N).InSetUp() && !c.replaced(i) {
			c.Origin = it.From
			c.setting(setting.Kind(it.N), c.Text.At(it.A))
		}
	}
	c.Origin = 0
}

// replaced reports whether a later setting of the same thing, such as the same resource limit, takes the
// place of item i. Otherwise both steps would be carried out, and a hard limit that the first has lowered
// could not be raised again.
func (c *Compiler) replaced(i int) bool {
	it := &c.Items[i]
	for k := i + 1; k < len(c.Items); k++ {
		later := &c.Items[k]
		if later.Kind == flat.Setting && later.N == it.N && setting.Same(setting.Kind(it.N), c.Text.At(it.A), c.Text.At(later.A)) {
			return true
		}
	}
	return false
}

// setting appends one setting. The text was checked by the parser with the same function; it is not kept
// in another form, since an item has no room for it.
func (c *Compiler) setting(k setting.Kind, text []byte) {
	var v setting.Values
	setting.Parse(k, text, &v)
	c.Align()
	at := c.Here()
	for i := uint32(0); i < v.N && i < plan.MaxValues; i++ {
		c.Native(v.Words[i])
	}
	// A NUL, as behind a filter.
	c.Byte(0)
	c.Step(plan.Step{Op: plan.OpSet, A: uint32(k), B: at, C: v.N})
}

// fence is what Landlock does. The payload is in its caller's process group, whose processes
// a signal to the group reaches in every PID namespace: with a new one, signals end at it.
func (c *Compiler) fence() {
	s := c.Spec
	// The scope of signals that a new PID namespace adds was not asked for, so an older kernel may lack it.
	try := s.TryScopes
	if c.newPID {
		try |= flat.ScopeSignals
	}
	for i := range c.Items {
		// Before OpFence, which collects them: a domain that has been entered cannot be widened (landlock(7)).
		if it := &c.Items[i]; it.Kind == flat.Socket {
			c.Origin = it.From
			c.Step(plan.Step{Op: plan.OpSocket, A: c.Word(it.A)})
		}
	}
	c.Origin = 0
	// In setuid mode always: without a user namespace the payload could
	// trace the user's processes outside, and so leave the sandbox.
	if c.Facts.Setuid || s.Scopes|try != 0 {
		c.Origin = s.ScopesFrom
		// What must be there need not be tried.
		c.Step(plan.Step{Op: plan.OpFence, A: uint32(s.Scopes), B: uint32(try &^ s.Scopes)})
		c.Origin = 0
	}
}

// filters are installed in the order in which they were given. The kernel runs all of them for each
// call, the latest first, and the strictest answer counts (seccomp(2)).
func (c *Compiler) filters() {
	for i := range c.Items {
		it := &c.Items[i]
		c.Origin = it.From
		switch it.Kind {
		// A is the place of BPF instructions in the text, and N their
		// number of bytes: they may hold zeros, and so are not a Word.
		case flat.Filter:
			c.filter(c.Text[it.A:][:it.N])
		case flat.Builtin:
			c.builtin(seccomp.BuiltinText(c.Text.At(it.A)))
		}
	}
}

// filter appends a filter that stands in the text. Its instructions begin at a multiple of 8, as
// those of struct sock_filter do in the memory of a program.
func (c *Compiler) filter(bpf []byte) {
	c.Align()
	at := c.Here()
	c.Bytes(bpf)
	// A NUL, so that the arena's last byte is one wherever the filter lies.
	c.Byte(0)
	c.Step(plan.Step{Op: plan.OpSeccomp, A: at, B: uint32(len(bpf) / seccomp.Size)})
}

// builtin is filter for one that is a constant of the program.
func (c *Compiler) builtin(bpf string) {
	c.Align()
	at := c.Here()
	c.Literal(bpf)
	c.Byte(0)
	c.Step(plan.Step{Op: plan.OpSeccomp, A: at, B: uint32(len(bpf) / seccomp.Size)})
}

// cwd chooses where the command starts: what was asked for; else the same place as
// outside, by its real path or else by $PWD; else home, else the root.
func (c *Compiler) cwd() {
	// There is no second place: a user who names a directory does not want the command to run in another one.
	if d := c.Spec.Strs[flat.Chdir]; d.Given() {
		c.Origin = d.From
		c.chdir(c.Text.At(d.Word), 0)
		c.Origin = 0
		return
	}
	// By its real path: the directory that the process has
	// inherited lies on the host's mounts, and must not be kept.
	c.try(c.Facts.Cwd)
	// $PWD is another name of the same directory, through links,
	// which may be there inside where the real path is not.
	if at := c.find(pwd); at >= 0 && c.Facts.PWD == Yes && !same(c.value(at), c.Facts.Cwd) {
		c.try(c.value(at))
	}
	// As the payload has it, after --setenv and --unsetenv, as with bwrap.
	if at := c.find("HOME"); at >= 0 {
		c.try(c.value(at))
	}
	// Without FlagTry: the root is always there.
	c.Step(plan.Step{Op: plan.OpChdir, A: c.Constant("/"), B: c.Constant("PWD=/")})
}

// try appends a directory that may be missing. An empty value is ignored.
func (c *Compiler) try(dir []byte) {
	// An empty path is ENOENT for chdir(2) in any case.
	if len(dir) > 0 {
		c.chdir(dir, plan.FlagTry)
	}
}

// chdir appends an OpChdir; "PWD=DIR" holds DIR, too.
func (c *Compiler) chdir(dir []byte, flags uint16) {
	at := c.Here()
	// One string for both operands: the path is its end.
	c.Literal("PWD=")
	c.Bytes(dir)
	c.Byte(0)
	c.Step(plan.Step{Op: plan.OpChdir, Flags: flags, A: at + 4, B: at})
}

// arguments are what the command is started with.
func (c *Compiler) arguments() {
	h := &c.header
	// They are the first slots, as Verify demands. They become argv
	// in place (payload, toAddresses), and so end with one that is 0.
	h.Argv, h.Argc = uint32(c.Used.Slots), c.Spec.Args
	w := c.Spec.Command
	for i := range c.Spec.Args {
		// Only what the command sees of its name changes; which file is executed does not (candidates).
		if a := c.Spec.Strs[flat.Argv0]; i == 0 && a.Given() {
			c.Slot(uint64(c.Word(a.Word)))
		} else {
			c.Slot(uint64(c.Word(w)))
		}
		w = c.Text.Next(w)
	}
	c.Slot(0)
}

// candidates are the files that execvp(3) would try, in its order. It passes over entries
// of PATH that no path is long enough for.
func (c *Compiler) candidates(name []byte) {
	h := &c.header
	h.Paths = uint32(c.Used.Slots)
	// An empty PATH is set: its one entry is the working directory.
	path, set := c.path()
	// With a slash a name is a path, and PATH does not count; so it is with an empty name, which
	// then fails with ENOENT.
	slash := len(name) == 0
	for _, x := range name {
		slash = slash || x == '/'
	}
	switch {
	case slash:
		c.candidate(nil, name)
	// As execvp(3) searches: the errors of one entry do not end
	// the search, except for those that package payload knows.
	case set:
		c.search(path, name)
	default:
		// Without PATH the C library has a default; this is glibc's, from confstr(_CS_PATH).
		c.Slot(uint64(c.constant2("/bin/", name)))
		c.Slot(uint64(c.constant2("/usr/bin/", name)))
	}
	h.Pathc = uint32(c.Used.Slots) - h.Paths
}

// constant2 returns a constant with a name behind it.
func (c *Compiler) constant2(dir string, name []byte) uint32 {
	at := c.Here()
	c.Literal(dir)
	c.Bytes(name)
	c.Byte(0)
	return at
}

// path returns the value of PATH in the payload's environment.
func (c *Compiler) path() (value []byte, set bool) {
	if at := c.find("PATH"); at >= 0 {
		return c.value(at), true
	}
	return nil, false
}

// search appends a candidate for each entry of PATH. An empty entry is the working directory.
func (c *Compiler) search(path, name []byte) {
	before := c.Used.Slots
	rest := path
	// One more entry than there are colons: "a:" ends with an empty one, which counts.
	for more := true; more; {
		end := 0
		for end < len(rest) && rest[end] != ':' {
			end++
		}
		dir := rest[:end]
		if more = end < len(rest); more {
			rest = rest[end+1:]
		}
		if len(dir) < unix.PathMax {
			c.candidate(dir, name)
		}
	}
	// All entries were too long: one is kept, for the errno of the exec.
	if c.Used.Slots == before {
		// The whole PATH as a directory: too long for a path, and so the exec fails with ENAMETOOLONG.
		c.candidate(path, name)
	}
}

// candidate appends a file that exec tries.
func (c *Compiler) candidate(dir, name []byte) {
	at := c.Here()
	c.Bytes(dir)
	// An empty entry of PATH: the name alone is looked up in the working directory.
	if len(dir) > 0 {
		c.Byte('/')
	}
	c.Bytes(name)
	c.Byte(0)
	c.Slot(uint64(at))
}

// flags settles which descriptors live where, and the flags of the whole plan.
func (c *Compiler) flags() {
	s, h := c.Spec, &c.header
	// In the order of the slots that Verify demands: close, early, sync, script.
	h.Close, h.Closec = c.descriptors(flat.Used, 0)
	h.Early, h.Earlyc = c.descriptors(flat.Used, flat.Early)
	h.Sync, h.Syncc = c.descriptors(flat.SyncFD, 0)
	h.Script = uint32(c.Used.Slots)
	// "/bin/sh", the script, its arguments, and the 0 at the end: filled in when it is needed
	// (payload, executeAsScript).
	for range s.Args + 2 {
		c.Slot(0)
	}
	// -1 where there is none.
	h.JSONFd = s.FDs[flat.StatusFD].N()
	// 0 is the zero value of the option; bwrap's status is 1.
	h.Failed = max(s.Numbers[flat.FailStatus], 1)
	// Namespaces are entered by a process of its own, which clones the first process.
	c.flag(h.Join > 0, plan.FlagJoin)
	// The first process forks the payload and stays as init.
	c.flag(c.init, plan.FlagInit)
	// The bits of these switches are those of the header: see flat.Spec.Switches.
	c.header.Flags |= s.Switches & plan.AllFlags
	// After set-up, too, the embedding program's end is seen at a socket, its lifeline; a death signal would
	// follow the thread that started the launcher (PR_SET_PDEATHSIG(2const)).
	c.flag(s.On(plan.FlagDieWithParent) && c.Facts.Embedded, plan.FlagLifeline)
	// A sandbox of a Go program ends with its Cmd, so the processes below follow the launcher.
	c.flag(c.Facts.Embedded, plan.FlagDieWithParent)
	// Documents hold its pid, and newuidmap(1) is called with it.
	c.flag(c.reports() || c.Facts.Ranges, plan.FlagHandshake)
	c.flag(c.Facts.Tentative, plan.FlagTentative)
	// Only the keeper learns whether the kernel refuses it. Other
	// ids than the caller's need a user namespace in any case.
	c.flag(c.Facts.Setuid && s.Wishes[flat.User] == flat.Try && !c.otherIDs(), plan.FlagTryUser)
	// There is no init to hold them: the monitor does.
	c.flag(!c.init && h.Syncc > 0, plan.FlagKeepSync)
}

// flag sets a flag of the header if on is true; it never clears one.
func (c *Compiler) flag(on bool, flag uint32) {
	if on {
		c.header.Flags |= flag
	}
}

// descriptors lists those of the items of a kind that have a flag, each once.
func (c *Compiler) descriptors(kind flat.Kind, flag uint8) (first, n uint32) {
	first = uint32(c.Used.Slots)
	for i := range c.Items {
		it := &c.Items[i]
		if it.Kind != kind || it.Flags&flag != flag {
			continue
		}
		// Two options may name one descriptor. A second close would
		// be an error at best, and close another file at worst.
		if kind == flat.Used && c.listed(int(first), uint64(it.FD)) {
			continue
		}
		c.Slot(uint64(it.FD))
	}
	return first, uint32(c.Used.Slots) - first
}

// listed reports whether a descriptor stands in the list that begins at a slot.
func (c *Compiler) listed(first int, v uint64) bool {
	// What did not fit is not compared: the list is made again with larger buffers.
	for i := first; i < min(c.Used.Slots, len(c.Slots)); i++ {
		if c.Slots[i] == v {
			return true
		}
	}
	return false
}
