package cmdline

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

import (
	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/seccomp"
)

// do carries out the current option. It changes nothing before it has all that it needs,
// because it is called again for the same option after a question.
func (p *Parser) do(o *Option, text flat.Text, known []Known, items []flat.Item) Status {
	switch {
	// These end parsing at once, whatever mistakes follow.
	case o.do == doHelp:
		return p.fail(AskHelp, p.args)
	case o.do == doVersion:
		return p.fail(AskVersion, 0)
	case o.do == doFeatures:
		return p.fail(AskFeatures, 0)
	case o.do == doDoctor:
		return p.fail(AskDoctor, p.args)
	case o.do == doArgs:
		return p.file(text, known, items)
	// By the first operand: these have a descriptor, the next ones a host path.
	case o.do == doNamedFD, o.do == doSyncFD, o.do == doKeepFD, o.do == doOpenFile, o.do == doSeccomp, o.do == doAddSeccomp:
		return p.descriptor(o, text, known, items)
	case o.do == doBind, o.do == doBindTry, o.do == doLayer, o.do == doOverlay:
		return p.source(o, text, known, items)
	case o.do == doAt, o.do == doMask, o.do == doMaskTry, o.do == doLink, o.do == doMode, o.do == doPerms, o.do == doSize:
		return p.operation(o, text, items)
	default:
		return p.setting(o, text, items)
	}
}

// setting carries out the options that concern neither files nor descriptors.
func (p *Parser) setting(o *Option, text flat.Text, items []flat.Item) Status {
	word := text.At(p.args)
	switch {
	case o.do == doSwitch:
		// Switches have no opposite, so their order does not count.
		p.Spec.Switches |= o.turns
	case o.do == doWish:
		// --unshare-user-try does not take back what --unshare-user has demanded.
		if w := &p.Spec.Wishes[o.on]; flat.Wish(o.with) != flat.Try || *w != flat.Want {
			*w = flat.Wish(o.with)
		}
	case o.do == doUnshareAll:
		w := &p.Spec.Wishes
		// Of these every kernel has all; user and cgroup namespaces may be missing or refused, and
		// --unshare-all does without, as with bwrap.
		w[flat.IPC], w[flat.PID], w[flat.Net], w[flat.UTS] = flat.Want, flat.Want, flat.Want, flat.Want
		w[flat.User], w[flat.Cgroup] = max(w[flat.User], flat.Try), max(w[flat.Cgroup], flat.Try)
	case o.do == doNewSession:
		p.Spec.Wishes[flat.Session] = flat.Want
	// The last one counts; word has noted the warning.
	case o.do == doText:
		p.Spec.Strs[o.on] = flat.Str{Word: p.args, From: p.from}
	case o.do == doArgv0:
		// Unlike other options: two names for one argument cannot both be meant.
		if p.Spec.Strs[flat.Argv0].Given() {
			return p.fail(Argv0Twice, 0)
		}
		p.Spec.Strs[flat.Argv0] = flat.Str{Word: p.args, From: p.from}
	case o.do == doEnv:
		return p.environment(flat.Kind(o.with), text, items)
	case o.do == doPath:
		p.add(items, flat.Item{Kind: o.makes, A: p.args})
	case o.do == doNumber:
		n, ok := flat.Decimal(word, uint64(o.high))
		if !ok || n < uint64(o.low) {
			return p.fail(BadValue, p.args)
		}
		p.Spec.Numbers[o.on] = uint32(n)
	case o.do == doChoice:
		n, ok := o.choose(word)
		if !ok {
			return p.fail(BadValue, p.args)
		}
		p.Spec.Numbers[o.on] = n
	case o.do == doSeccompProfile:
		return p.profile(text, items)
	case o.do == doTimeout:
		return p.timeout(word)
	case o.do == doSetting:
		// Only checked here; package compile parses it again for
		// the plan, since an item has no room for the result.
		if !isValid(setting.Kind(o.on), word) {
			return p.fail(BadValue, p.args)
		}
		p.add(items, flat.Item{Kind: flat.Setting, A: p.args, N: uint32(o.on)})
	case o.do == doScope:
		return p.scope(o, word)
	default:
		return p.identity(o, word, items)
	}
	return Done
}

// isValid reports whether word is a value of a setting.
func isValid(k setting.Kind, word []byte) bool {
	var v setting.Values
	return setting.Parse(k, word, &v)
}

// choose returns the number of a word among the choices.
func (o *Option) choose(word []byte) (n uint32, ok bool) {
	n = uint32(o.with)
	for from, i := 0, 0; i <= len(o.Choices); i++ {
		if i < len(o.Choices) && o.Choices[i] != '|' {
			continue
		}
		if flat.Equal(word, o.Choices[from:i]) {
			return n, true
		}
		n, from = n+1, i+1
	}
	return 0, false
}

// timeout is --timeout SECONDS[:GRACE].
func (p *Parser) timeout(word []byte) Status {
	// Without a colon all of it is SECONDS.
	after, grace := word, []byte(nil)
	t := flat.Timeout{Grace: flat.Grace, From: p.from}
	fine := true
	for i, c := range word {
		if c == ':' {
			after, grace = word[:i], word[i+1:]
			t.Grace, fine = flat.Milliseconds(grace)
			break
		}
	}
	var ok bool
	// 0 stands for no time-out in flat.Timeout, and a command without any time is a mistake.
	if t.After, ok = flat.Milliseconds(after); !ok || !fine || t.After == 0 {
		return p.fail(BadValue, p.args)
	}
	p.Spec.Timeout = t
	return Done
}

// Scopes are the operands of --scope.
//
//nolint:gochecknoglobals // read-only table
var Scopes = [...]struct {
	Name string
	bits uint8
}{
	{"signals", flat.ScopeSignals},
	{"abstract-sockets", flat.ScopeAbstractSockets},
	{"sockets", flat.ScopeSockets},
	{"all", flat.ScopeSignals | flat.ScopeAbstractSockets | flat.ScopeSockets},
}

// scope carries out --scope and the options that are variants of it.
func (p *Parser) scope(o *Option, word []byte) Status {
	bits := uint8(0)
	for i := range Scopes {
		// At most one name matches.
		if o.on == scopeNamed && flat.Equal(word, Scopes[i].Name) {
			bits = Scopes[i].bits
		}
	}
	if o.on != scopeNamed {
		// The option with the scope in its name.
		bits = flat.ScopeAbstractSockets
	}
	s := &p.Spec
	switch {
	case bits == 0:
		return p.fail(BadValue, p.args)
	// A scope that is also demanded by another option stays demanded (compile, fence).
	case o.with == scopeTried:
		s.TryScopes |= bits
	default:
		// Which option is named if the kernel lacks a scope: the youngest
		// scope, which is the highest bit, is the most likely one.
		if bits >= s.Scopes {
			s.ScopesFrom = p.from
		}
		s.Scopes |= bits
	}
	return Done
}

// identity carries out the options for the payload's ids and capabilities.
func (p *Parser) identity(o *Option, word []byte, items []flat.Item) Status {
	s := &p.Spec
	switch o.do {
	case doID:
		// (uid_t)-1 is not an id: it means "no change" in setresuid(2).
		n, ok := flat.Decimal(word, 1<<32-2)
		if !ok && o.on == flat.UID {
			return p.fail(BadUID, p.args)
		}
		if !ok {
			return p.fail(BadGID, p.args)
		}
		s.IDs[o.on] = flat.ID{N: uint32(n), Given: true}
	case doMapRoot:
		// Root inside is uid 0 and gid 0.
		s.IDs[flat.UID], s.IDs[flat.GID] = flat.ID{Given: true}, flat.ID{Given: true}
		s.Wishes[flat.User] = flat.Want
	// Which ids those are is read by the front end, which is needed for newuidmap in any case.
	case doMapAuto:
		s.Switches |= flat.MapAuto
		s.Wishes[flat.User] = flat.Want
	case doMapLine:
		// The text is kept: the front end turns it into a map.
		if !isRange(word) {
			return p.fail(BadRange, p.args)
		}
		p.add(items, flat.Item{Kind: flat.Kind(o.with), A: p.args})
		s.Wishes[flat.User] = flat.Want
	case doCapAdd, doCapDrop:
		// A name as in capabilities(7), a number, or ALL, as with bwrap.
		caps, ok := idmap.ParseCap(word)
		if !ok {
			return p.fail(BadCap, p.args)
		}
		// What is left becomes ambient, for root too, even if nothing has changed.
		s.Switches |= flat.CapsGiven
		if o.do == doCapDrop {
			// The order counts: what is dropped and added later is there.
			s.DropCaps, s.AddCaps = s.DropCaps|uint64(caps), s.AddCaps&^uint64(caps)
		} else {
			// DropCaps may keep it: what is added wins over what is dropped (compile, wantedCaps).
			s.AddCaps |= uint64(caps)
		}
	}
	return Done
}

// isRange reports whether word is INSIDE:OUTSIDE:COUNT, as idmap.ParseRange takes it.
func isRange(word []byte) bool {
	var n [3]uint64
	from, field := 0, 0
	// One step beyond the end, which closes the last field as a colon does.
	for i := 0; i <= len(word); i++ {
		if i < len(word) && word[i] != ':' {
			continue
		}
		v, ok := flat.Decimal(word[from:i], 1<<32-1)
		if !ok || field >= len(n) {
			return false
		}
		n[field] = v
		field, from = field+1, i+1
	}
	// The kernel takes no range that holds (uid_t)-1, which stands for no id in its calls.
	const none = 1<<32 - 1
	return field == len(n) && n[2] > 0 && n[0]+n[2] <= none && n[1]+n[2] <= none
}

// environment is for options that change the command's environment. A name must not be empty, nor
// hold "=", as for setenv(3).
func (p *Parser) environment(kind flat.Kind, text flat.Text, items []flat.Item) Status {
	i := flat.Item{Kind: kind}
	// It alone has no name.
	if kind != flat.ClearEnv {
		name := text.At(p.args)
		// Every byte but "=" may stand in a name; the shell's rules are not the kernel's.
		for _, c := range name {
			if c == '=' {
				return p.fail(BadName, p.args)
			}
		}
		if len(name) == 0 {
			return p.fail(BadName, p.args)
		}
		i.A = p.args
	}
	if kind == flat.SetEnv {
		// A value may be empty, and hold anything.
		i.B = text.Next(p.args)
	}
	p.add(items, i)
	return Done
}

// profile takes the name of a built-in profile, or the path of a file, which has a slash.
func (p *Parser) profile(text flat.Text, items []flat.Item) Status {
	// A name without a slash is never a file: a file of that name in
	// the caller's directory must not take the place of a profile.
	name := text.At(p.args)
	kind := flat.Builtin
	for _, c := range name {
		if c == '/' {
			kind = flat.Profile
		}
	}
	if kind == flat.Builtin && !seccomp.IsBuiltin(name) {
		return p.fail(NoProfile, p.args)
	}
	p.add(items, flat.Item{Kind: kind, A: p.args})
	return Done
}

// operation carries out file options without a source, and the options that modify them.
func (p *Parser) operation(o *Option, text flat.Text, items []flat.Item) Status {
	switch o.do {
	case doAt:
		p.addFile(items, flat.Item{Kind: o.makes, B: p.args})
	case doMask, doMaskTry:
		return p.mask(o, text.At(p.args), items)
	case doLink:
		// The text is stored as it is: it is not looked up.
		p.addFile(items, flat.Item{Kind: o.makes, A: p.args, B: text.Next(p.args)})
	case doMode:
		// At most 07777: set-id bits and the sticky bit are permitted.
		mode, ok := flat.Octal(text.At(p.args))
		if !ok {
			return p.fail(BadChmod, p.args)
		}
		p.addFile(items, flat.Item{Kind: o.makes, B: text.Next(p.args), Mode: mode, Flags: flat.HasMode})
	case doPerms:
		// Twice for one operation is an error, as with bwrap.
		if p.pending&pendingPerms != 0 {
			return p.fail(PermsTwice, 0)
		}
		mode, ok := flat.Octal(text.At(p.args))
		if !ok {
			return p.fail(BadPerms, p.args)
		}
		p.perms, p.pending = mode, p.pending|pendingPerms
	case doSize:
		if p.pending&pendingSize != 0 {
			return p.fail(SizeTwice, 0)
		}
		// tmpfs takes it as a number of bytes, and 0 as no limit, which is what --size is not for.
		n, ok := flat.Decimal(text.At(p.args), 1<<63-1)
		if !ok || n == 0 {
			return p.fail(BadSize, p.args)
		}
		p.size, p.pending = n, p.pending|pendingSize
	}
	return Done
}

// mask is for what masks or protects a path, or what matches a pattern.
func (p *Parser) mask(o *Option, path []byte, items []flat.Item) Status {
	// What follows the root must be named: to mask all of the sandbox is not meant.
	if o.on == flat.Glob && !flat.IsPattern(path) || !flat.IsBelowRoot(path) {
		return p.fail(BadValue, p.args)
	}
	i := flat.Item{Kind: o.makes, B: p.args, Flags: o.on}
	if o.do == doMaskTry {
		// Also for a pattern: no match is not an error then.
		i.Flags |= flat.Absent
	}
	p.addFile(items, i)
	return Done
}

// addFile appends an operation with the values of --perms and --size before it.
func (p *Parser) addFile(items []flat.Item, i flat.Item) {
	// Parser.fits has made sure that this operation takes them.
	if p.pending&pendingPerms != 0 {
		i.Mode, i.Flags = p.perms, i.Flags|flat.HasMode
	}
	if p.pending&pendingSize != 0 {
		i.Size = p.size
	}
	p.pending = 0 // they count for one operation
	p.add(items, i)
}
