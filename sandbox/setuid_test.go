package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/judge"
	"golang.org/x/sys/unix"
)

// keeper is an ordinary user's machine where the kernel refuses user namespaces, and the
// launcher is installed for setuid mode; tentative, one where that is not known yet.
func keeper() Host {
	h := user()
	h.Setuid, h.UserNamespaces = true, false
	return h
}

func tentative() Host {
	h := user()
	h.Tentative = true
	return h
}

// goldenModes are more specs for TestGolden: how the modes differ.
var goldenModes = []goldenCase{
	{"setuid", keeper(), Spec{Files: []mounts.Op{roBind("/", "/")}, Command: CommandLine{Args: []string{"true"}}}},
	{"setuid-unshare-all", keeper(), everyNamespace()},
	{"setuid-identity", keeper(), Spec{
		Identity: Identity{UID: SetID(5), GID: SetID(6)},
		Files:    []mounts.Op{roBind("/usr", "/usr"), {Kind: mounts.Dev, Dest: "/dev", From: from("--dev /dev")}},
		Command:  CommandLine{Args: []string{"id"}},
	}},
	{"setuid-session", keeper(), Spec{
		Namespaces: Namespaces{IPC: Want, PID: Want, AssertUsersDisabled: true},
		Identity:   Identity{Caps: []CapEdit{{Drop: true, Caps: idmap.AllCaps}}},
		Files: []mounts.Op{
			roBind("/", "/"),
			{Kind: mounts.Tmpfs, Dest: "/tmp", Size: 4096, From: from("--tmpfs /tmp")},
			{Kind: mounts.Mqueue, Dest: "/dev/mqueue", From: from("--mqueue /dev/mqueue")},
		},
		Session: Session{
			New: Want, DieWithParent: true, BlockFD: fd(9, "--block-fd"),
			SyncFDs: []FD{fd(8, "--sync-fd")}, Locks: []LockFile{{Path: "/lock", From: from("--lock-file /lock")}},
		},
		Report:   Report{InfoFD: fd(6, "--info-fd"), JSONStatusFD: fd(7, "--json-status-fd")},
		Lockdown: Lockdown{Filters: []Filter{{BPF: allow(2), From: from("--seccomp 11")}}},
		Command:  CommandLine{Args: []string{"x"}, Used: []int{6, 7, 8, 9, 11}, Read: []int{6, 7, 11}},
	}},
	{"tentative", tentative(), everyNamespace()},
	{"tentative-root", func() Host {
		h := root()
		h.Tentative = true
		return h
	}(), everyNamespace()},
	{"tentative-mapped-by-others", tentative(), Spec{
		Namespaces: Namespaces{User: Want},
		Files:      []mounts.Op{roBind("/", "/")},
		Report:     Report{InfoFD: fd(6, "--info-fd"), UserBlockFD: fd(7, "--userns-block-fd")},
		Command:    CommandLine{Args: []string{"x"}, Used: []int{6, 7}, Read: []int{6}},
	}},
}

func everyNamespace() Spec {
	return Spec{
		Identity:   Identity{KeepCaps: true},
		Namespaces: Namespaces{User: Try, IPC: Want, PID: Want, Net: Want, UTS: Want, Cgroup: Try, Hostname: SetText("box")},
		Files: []mounts.Op{
			roBind("/", "/"),
			{Kind: mounts.Proc, Dest: "/proc", From: from("--proc /proc")},
			{Kind: mounts.Dev, Dest: "/dev", From: from("--dev /dev")},
		},
		Command: CommandLine{Args: []string{"sh", "-c", "exit"}},
	}
}

// TestSetuidUserNamespace: in setuid mode one is made for who asks for it, or for other
// ids, and left out where it was a wish.
func TestSetuidUserNamespace(t *testing.T) {
	own, other := Identity{UID: SetID(1000), GID: SetID(100)}, Identity{UID: SetID(5)}
	group := Identity{GID: SetID(5)}
	dev := []mounts.Op{{Kind: mounts.Dev, Dest: "/dev"}}
	for name, c := range map[string]struct {
		wish            Wish
		id              Identity
		files           []mounts.Op
		user, try, root bool
		uid, gid        uint32
	}{
		"nothing asked for":        {wish: Share, uid: 1000, gid: 100},
		"tried":                    {wish: Try, user: true, try: true, uid: 1000, gid: 100},
		"wanted":                   {wish: Want, user: true, uid: 1000, gid: 100},
		"tried, own ids":           {wish: Try, id: own, user: true, try: true, uid: 1000, gid: 100},
		"tried, another uid":       {wish: Try, id: other, user: true, uid: 5, gid: 100},
		"tried, another gid":       {wish: Try, id: group, user: true, uid: 1000, gid: 5},
		"own ids alone":            {wish: Share, id: own, uid: 1000, gid: 100},
		"another uid alone":        {wish: Share, id: other, user: true, uid: 5, gid: 100},
		"another gid alone":        {wish: Share, id: group, user: true, uid: 1000, gid: 5},
		"devices":                  {wish: Share, files: dev, root: true, uid: 1000, gid: 100},
		"devices, wanted":          {wish: Want, files: dev, user: true, root: true, uid: 1000, gid: 100},
		"devices, tried, own root": {wish: Try, id: Identity{UID: SetID(0)}, files: dev, user: true, root: true, gid: 100},
	} {
		s := Spec{Namespaces: Namespaces{User: c.wish}, Identity: c.id, Files: c.files, Command: CommandLine{Args: []string{"x"}}}
		p, err := Compile(&s, keeper())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		h := p.Header()
		if got := h.Clone&unix.CLONE_NEWUSER != 0; got != c.user {
			t.Errorf("%s: a user namespace: %v", name, got)
		}
		if got := h.Flags&plan.FlagTryUser != 0; got != c.try {
			t.Errorf("%s: a wish: %v", name, got)
		}
		if got := h.Flags&plan.FlagMapRoot != 0; got != c.root {
			t.Errorf("%s: root mapped: %v", name, got)
		}
		if h.UID != c.uid || h.GID != c.gid {
			t.Errorf("%s: ids %d, %d; want %d, %d", name, h.UID, h.GID, c.uid, c.gid)
		}
		if err := admit(p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// refused are specs that setuid mode refuses: what each adds to one that it takes, and the
// option that has to be named.
var refused = []struct {
	option string
	add    func(*Spec)
}{
	{"--userns", func(s *Spec) {
		s.Namespaces.User, s.Namespaces.JoinUser = Share, fd(30, "--userns")
		s.Identity = Identity{}
	}},
	{"--userns2", func(s *Spec) { s.Namespaces.FinalUser = fd(31, "--userns2") }},
	{"--pidns", func(s *Spec) { s.Namespaces.JoinPID = fd(32, "--pidns") }},
	{"--netns", func(s *Spec) { s.Namespaces.JoinNet = fd(33, "--netns") }},
	{"--disable-userns", func(s *Spec) { s.Namespaces.User, s.Namespaces.DisableUsers = Want, true }},
	{"--userns-block-fd", func(s *Spec) {
		s.Namespaces.User = Want
		s.Report = Report{InfoFD: fd(34, "--info-fd"), UserBlockFD: fd(35, "--userns-block-fd")}
	}},
	{"--not-a-security-boundary", func(s *Spec) { s.Lockdown.Forgive = true }},
	{"--cap-add", func(s *Spec) { s.Identity.Caps = []CapEdit{{Caps: 1 << unix.CAP_NET_RAW}} }},
	{"--cap-add", func(s *Spec) { s.Identity.Caps = []CapEdit{{Caps: idmap.AllCaps}, {Drop: true, Caps: 1}} }},
	{"--overlay", layered(mounts.Kept, "--overlay /up /work /o")},
	{"--tmp-overlay", layered(mounts.Forgotten, "--tmp-overlay /o")},
	{"--ro-overlay", layered(mounts.Refused, "--ro-overlay /o")},
	{"--mqueue", func(s *Spec) {
		s.Namespaces.IPC, s.Files = Share, nil
		s.Files = append(s.Files, mounts.Op{Kind: mounts.Mqueue, Dest: "/q", From: from("--mqueue /q")})
	}},
	{"--size", func(s *Spec) {
		s.Files = append(s.Files, mounts.Op{Kind: mounts.Tmpfs, Dest: "/t", Size: 1 << 62, From: from("--tmpfs /t")})
	}},
	{"this command line", func(s *Spec) { s.Command.Args = []string{"x", strings.Repeat("x", suid.MaxBytes)} }},
	{"this command line", func(s *Spec) {
		for range suid.MaxSteps {
			s.Files = append(s.Files, mounts.Op{Kind: mounts.Dir, Dest: "/d", From: from("--dir /d")})
		}
	}},
}

func layered(w mounts.Writes, option string) func(*Spec) {
	return func(s *Spec) {
		op := mounts.Op{Kind: mounts.Overlay, Dest: "/o", Layers: []string{"/a", "/b"}, Writes: w, From: from(option)}
		if w == mounts.Kept {
			op.Upper, op.Work = "/up", "/work"
		}
		s.Files = append(s.Files, op)
	}
}

// TestSetuidSpecs compiles specs at random. Those without a refused option pass Verify and
// the policy; with one they don't, and the option is named.
func TestSetuidSpecs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 2000 {
		s, h := someSpec(r), keeper()
		h.SELinux = true
		p, err := Compile(&s, h)
		if err != nil {
			t.Fatalf("%v\n%+v", err, s)
		}
		if v := p.Verify(); v != plan.Good {
			t.Fatalf("refused by Verify with %d\n%s", v, p.Dump())
		}
		if err := errors.Join(admit(p), judge.Sound(p.Bytes), judge.Harmless(p, 1<<62)); err != nil {
			t.Fatalf("%v\n%s", err, p.Dump())
		}
		c := refused[n%len(refused)]
		if n > 5*len(refused) {
			continue
		}
		c.add(&s)
		if p, err = Compile(&s, h); err != nil {
			t.Fatalf("%s: %v", c.option, err)
		}
		var e *SetupError
		if err := admit(p); !errors.As(err, &e) {
			t.Errorf("%s is admitted: %v\n%.5000s", c.option, err, p.Dump())
		} else if e.Option != c.option || !strings.HasPrefix(e.Error(), c.option+" is not possible in setuid mode: ") || errnoOf(e) != 0 {
			t.Errorf("%s is refused with option %q: %v", c.option, e.Option, err)
		}
		if p.Verify() == plan.Good && judge.Harmless(p, 1<<61) == nil {
			t.Errorf("%s is harmless", c.option)
		}
	}
}

// someSpec is a spec of what setuid mode takes.
func someSpec(r *rand.Rand) Spec {
	toss := func() bool { return r.IntN(2) == 0 }
	wish := func() Wish { return Wish(r.IntN(4)) }
	s := Spec{
		Namespaces: Namespaces{User: wish(), IPC: wish(), PID: wish(), Net: wish(), UTS: wish(), Cgroup: wish(), AssertUsersDisabled: toss()},
		Command:    CommandLine{Args: []string{"cmd", "arg"}[:1+r.IntN(2)]},
	}
	if s.Namespaces.UTS.isNew() && toss() {
		s.Namespaces.Hostname = textFrom("box", "--hostname box")
	}
	if toss() {
		s.Identity.UID = SetID(r.Uint32N(2000) + 2000)
	}
	if toss() {
		s.Identity.Caps = []CapEdit{{Caps: idmap.AllCaps}, {Drop: true, Caps: idmap.AllCaps}}
	}
	for i := range r.IntN(8) {
		kind := mounts.Bind + mounts.Kind(r.IntN(int(mounts.RemountRO)))
		if kind == mounts.Overlay || kind == mounts.Mqueue && !s.Namespaces.IPC.isNew() {
			kind = mounts.Dev
		}
		op := mounts.Op{Kind: kind, Dest: fmt.Sprintf("/d%d", r.IntN(9)), From: from("--some option")}
		switch kind {
		case mounts.Bind:
			op.Source, op.Access = "/usr", mounts.Access(r.IntN(3))
		case mounts.BindFD:
			op.FD, op.Access = SetFD(20+i), mounts.Access(r.IntN(3))
		case mounts.File:
			op.FD = SetFD(20 + i)
		case mounts.Data:
			op.FD, op.Access = SetFD(20+i), mounts.Access(r.IntN(2))
		case mounts.Symlink:
			op.Target = "t"
		case mounts.Chmod:
			op.Perms = mounts.Mode(uint32(r.IntN(0o10000)))
		}
		s.Files = append(s.Files, op)
	}
	s.Session = Session{New: wish(), DieWithParent: toss()}
	if toss() {
		s.Session.BlockFD = fd(9, "--block-fd")
	}
	if toss() {
		s.Session.SyncFDs = []FD{fd(8, "--sync-fd")}
	}
	if toss() {
		s.Session.Locks = []LockFile{{Path: "/lock", From: from("--lock-file /lock")}}
	} else {
		s.Session.AsPID1 = s.Namespaces.PID.isNew() && toss()
	}
	if toss() {
		s.Report.InfoFD = fd(6, "--info-fd")
	}
	if toss() {
		s.Report.JSONStatusFD = fd(7, "--json-status-fd")
	}
	if toss() {
		s.Lockdown.Filters = []Filter{{BPF: allow(1 + r.IntN(4)), From: from("--seccomp 11")}}
	}
	if toss() {
		s.Lockdown.ExecLabel = textFrom("label", "--exec-label label")
		s.Lockdown.FileLabel = textFrom("label", "--file-label label")
	}
	return s
}
