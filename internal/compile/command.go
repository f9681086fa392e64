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
	for i := range c.Items {
		if it := &c.Items[i]; it.Kind == flat.Lock {
			c.from = it.From
			c.step(plan.Step{Op: plan.OpLock, A: c.word(it.A)})
		}
	}
	c.from = 0
	c.caps()
	c.fence()
	c.cwd()
	if c.Spec.FDs[flat.StatusFD].Given() || c.Spec.FailStatus != 0 || c.Facts.Embedded || c.Facts.Filtered {
		c.step(plan.Step{Op: plan.OpTell}) // a filter might refuse it
	}
	// After OpTell, which writes to a descriptor that is closed here.
	c.closes()
	if t := c.Spec.Timeout; t.After != 0 {
		c.from = t.From
		c.step(plan.Step{Op: plan.OpTimeout, A: t.After, B: t.Grace})
		c.from = 0
	}
	if g := c.Spec.FDs[flat.CgroupFD]; g.Given() {
		c.from = g.From
		c.step(plan.Step{Op: plan.OpCgroup, A: uint32(g.N())})
		c.from = 0
	}
	c.settings() // they could be in the way of what comes before
	c.filters()
	c.from = c.Spec.Command
	c.step(plan.Step{Op: plan.OpExec})
	c.from = 0
	c.slot(0) // the end of the environment
	c.candidates(c.Text.At(c.Spec.Command))
	c.settleEnv()
}

// closes appends the steps that close every descriptor except for the standard streams and
// those that are to be kept.
func (c *Compiler) closes() {
	const top = 1<<31 - 1
	for next := uint32(3); c.Spec.On(flat.CloseFDs) && next <= top; {
		kept := uint32(top) + 1
		for i := range c.Items {
			if it := &c.Items[i]; it.Kind == flat.KeepFD && uint32(it.FD) >= next {
				kept = min(kept, uint32(it.FD))
			}
		}
		if kept > next {
			c.step(plan.Step{Op: plan.OpClose, A: next, B: kept - 1})
		}
		next = kept + 1
	}
}

// settings appends what the payload's process sets for itself. Of several settings of the same
// thing, the last one counts.
func (c *Compiler) settings() {
	for i := range c.Items {
		it := &c.Items[i]
		v, ok := c.setting(it)
		for k := i + 1; ok && k < len(c.Items); k++ {
			if w, also := c.setting(&c.Items[k]); also && c.Items[k].N == it.N {
				ok = !setting.Same(setting.Kind(it.N), v, w)
			}
		}
		if ok {
			c.from = it.From
			c.step(plan.Step{Op: plan.OpSet, A: it.N, B: v[0], C: v[1], D: v[2], E: v[3], F: v[4]})
		}
	}
	c.from = 0
}

// setting returns what an item sets, if the payload's process does that. The score for the OOM
// killer is not among these: the first process sets it, so that init inherits it (session).
func (c *Compiler) setting(it *flat.Item) (v setting.Values, ok bool) {
	if it.Kind != flat.Setting || it.N == uint32(setting.Score) {
		return v, false
	}
	return setting.Parse(setting.Kind(it.N), c.Text.At(it.A))
}

// fence is what Landlock does. The payload is in its caller's process group, whose processes
// a signal to the group reaches in every PID namespace: with a new one, signals end at it.
func (c *Compiler) fence() {
	s := c.Spec
	try := s.TryScopes
	if c.newPID {
		try |= flat.ScopeSignals
	}
	for i := range c.Items {
		if it := &c.Items[i]; it.Kind == flat.Socket {
			c.from = it.From
			c.step(plan.Step{Op: plan.OpSocket, A: c.word(it.A)})
		}
	}
	c.from = 0
	if c.Facts.Setuid || s.Scopes|try != 0 {
		c.from = s.ScopesFrom
		c.step(plan.Step{Op: plan.OpFence, A: uint32(s.Scopes), B: uint32(try &^ s.Scopes)})
		c.from = 0
	}
}

// filters are installed in the order in which they were given. The kernel runs all of them for each
// call, the latest first, and the strictest answer counts (seccomp(2)).
func (c *Compiler) filters() {
	for i := range c.Items {
		it := &c.Items[i]
		c.from = it.From
		switch it.Kind {
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
	c.align()
	at := c.here()
	c.bytes(bpf)
	c.byte(0)
	c.step(plan.Step{Op: plan.OpSeccomp, A: at, B: uint32(len(bpf) / seccomp.Size)})
}

// builtin is filter for one that is a constant of the program.
func (c *Compiler) builtin(bpf string) {
	c.align()
	at := c.here()
	c.text(bpf)
	c.byte(0)
	c.step(plan.Step{Op: plan.OpSeccomp, A: at, B: uint32(len(bpf) / seccomp.Size)})
}

// cwd chooses where the command starts: what was asked for; else the same place as
// outside, by its real path or else by $PWD; else home, else the root.
func (c *Compiler) cwd() {
	if d := c.Spec.Strs[flat.Chdir]; d.Given() {
		c.from = d.From
		c.chdir(c.Text.At(d.Word), 0)
		c.from = 0
		return
	}
	c.try(c.Facts.Cwd)
	if at := c.find(pwd); at >= 0 && c.Facts.PWD == Yes && !same(c.value(at), c.Facts.Cwd) {
		c.try(c.value(at))
	}
	if at := c.find("HOME"); at >= 0 {
		c.try(c.value(at))
	}
	c.step(plan.Step{Op: plan.OpChdir, A: c.constant("/"), B: c.constant("PWD=/")})
}

// try appends a directory that may be missing. An empty value is ignored.
func (c *Compiler) try(dir []byte) {
	if len(dir) > 0 {
		c.chdir(dir, plan.FlagTry)
	}
}

// chdir appends an OpChdir; "PWD=DIR" holds DIR, too.
func (c *Compiler) chdir(dir []byte, flags uint16) {
	at := c.here()
	c.text("PWD=")
	c.bytes(dir)
	c.byte(0)
	c.step(plan.Step{Op: plan.OpChdir, Flags: flags, A: at + 4, B: at})
}

// arguments are what the command is started with.
func (c *Compiler) arguments() {
	h := &c.header
	// The slots become argv in place (child, vector), and so end with one that is 0.
	h.Argv, h.Argc = uint32(c.used.slots), c.Spec.Args
	w := c.Spec.Command
	for i := range c.Spec.Args {
		if a := c.Spec.Strs[flat.Argv0]; i == 0 && a.Given() {
			c.slot(uint64(c.word(a.Word)))
		} else {
			c.slot(uint64(c.word(w)))
		}
		w = c.Text.Next(w)
	}
	c.slot(0)
}

// candidates are the files that execvp(3) would try, in its order. It passes over entries
// of PATH that no path is long enough for.
func (c *Compiler) candidates(name []byte) {
	h := &c.header
	h.Paths = uint32(c.used.slots)
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
	case set:
		c.search(path, name)
	default:
		// Without PATH the C library has a default; this is glibc's, from confstr(_CS_PATH).
		c.slot(uint64(c.constant2("/bin/", name)))
		c.slot(uint64(c.constant2("/usr/bin/", name)))
	}
	h.Pathc = uint32(c.used.slots) - h.Paths
}

// constant2 returns a constant with a name behind it.
func (c *Compiler) constant2(dir string, name []byte) uint32 {
	at := c.here()
	c.text(dir)
	c.bytes(name)
	c.byte(0)
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
	before := c.used.slots
	rest := path
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
	if c.used.slots == before {
		c.candidate(path, name)
	}
}

// candidate appends a file that exec tries.
func (c *Compiler) candidate(dir, name []byte) {
	at := c.here()
	c.bytes(dir)
	if len(dir) > 0 {
		c.byte('/')
	}
	c.bytes(name)
	c.byte(0)
	c.slot(uint64(at))
}

// flags settles which descriptors live where, and the flags of the whole plan.
func (c *Compiler) flags() {
	s, h := c.Spec, &c.header
	h.Close, h.Closec = c.descriptors(flat.Used, 0)
	h.Early, h.Earlyc = c.descriptors(flat.Used, flat.Early)
	h.Sync, h.Syncc = c.descriptors(flat.SyncFD, 0)
	h.Script = uint32(c.used.slots)
	// "/bin/sh", the script, its arguments, and the 0 at the end: filled in when it is needed
	// (child, asScript).
	for range s.Args + 2 {
		c.slot(0)
	}
	h.JSONFd = s.FDs[flat.StatusFD].N()
	h.Failed = max(uint32(s.FailStatus), 1)
	c.flag(h.Join > 0, plan.FlagJoin) // namespaces are entered before it is cloned
	c.flag(c.init, plan.FlagInit)     // the first process forks the payload
	c.header.Flags |= s.Switches & plan.AllFlags
	c.flag(s.On(plan.FlagDieWithParent) && c.Facts.Embedded, plan.FlagLifeline)
	c.flag(c.Facts.Embedded, plan.FlagDieWithParent)          // a sandbox of a Go program ends with its Cmd
	c.flag(c.reports() || c.Facts.Ranges, plan.FlagHandshake) // documents, or newuidmap, need its pid
	c.flag(c.Facts.Tentative, plan.FlagTentative)
	c.flag(c.Facts.Setuid && s.Wishes[flat.User] == flat.Try && !c.otherIDs(), plan.FlagTryUser)
	c.flag(c.Facts.Setuid && c.has(flat.Dev), plan.FlagMapRoot)
	c.flag(!c.init && h.Syncc > 0, plan.FlagKeepSync) // there is no init to hold them: the monitor does
}

func (c *Compiler) flag(on bool, flag uint32) {
	if on {
		c.header.Flags |= flag
	}
}

// descriptors lists those of the items of a kind that have a flag, each once.
func (c *Compiler) descriptors(kind flat.Kind, flag uint8) (first, n uint32) {
	first = uint32(c.used.slots)
	for i := range c.Items {
		it := &c.Items[i]
		if it.Kind != kind || it.Flags&flag != flag {
			continue
		}
		if kind == flat.Used && c.listed(int(first), uint64(it.FD)) {
			continue
		}
		c.slot(uint64(it.FD))
	}
	return first, uint32(c.used.slots) - first
}

// listed reports whether a descriptor stands in the list that begins at a slot.
func (c *Compiler) listed(first int, v uint64) bool {
	for i := first; i < min(c.used.slots, len(c.Slots)); i++ {
		if c.Slots[i] == v {
			return true
		}
	}
	return false
}
