package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/tests/lib/judge"
	"golang.org/x/sys/unix"
)

// keeper is an ordinary user's machine where the kernel refuses user namespaces, and the
// launcher is installed for setuid mode; tentative, one where that is not known yet.
func keeper() facts {
	h := user()
	h.Setuid, h.UserNamespaces = true, false
	return h
}

func tentative() facts {
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
		Files:    []mounts.Op{roBind("/usr", "/usr"), mounts.Dev("/dev")},
		Command:  CommandLine{Args: []string{"id"}},
	}},
	{"setuid-session", keeper(), Spec{
		Namespaces: Namespaces{IPC: Want, PID: Want, AssertUsersDisabled: true},
		Identity:   Identity{Caps: []CapEdit{{Drop: true, Caps: idmap.AllCaps}}},
		Files: []mounts.Op{
			roBind("/", "/"),
			mounts.Tmpfs("/tmp").Size(4096),
			mounts.Mqueue("/dev/mqueue"),
		},
		Session: Session{
			New: Want, DieWithParent: true, BlockFD: SetFD(9),
			SyncFDs: []FD{SetFD(8)}, Locks: []string{"/lock"},
		},
		Report:   Report{InfoFD: SetFD(6), JSONStatusFD: SetFD(7)},
		Lockdown: Lockdown{Filters: []Filter{{BPF: allow(2)}}},
		Command:  CommandLine{Args: []string{"x"}},
	}},
	{"tentative", tentative(), everyNamespace()},
	{"tentative-root", func() facts {
		h := root()
		h.Tentative = true
		return h
	}(), everyNamespace()},
	{"tentative-mapped-by-others", tentative(), Spec{
		Namespaces: Namespaces{User: Want},
		Files:      []mounts.Op{roBind("/", "/")},
		Report:     Report{InfoFD: SetFD(6), UserBlockFD: SetFD(7)},
		Command:    CommandLine{Args: []string{"x"}},
	}},
}

func everyNamespace() Spec {
	return Spec{
		Identity:   Identity{KeepCaps: true},
		Namespaces: Namespaces{User: Try, IPC: Want, PID: Want, Net: Want, UTS: Want, Cgroup: Try, Hostname: SetText("box")},
		Files: []mounts.Op{
			roBind("/", "/"),
			mounts.Proc("/proc"),
			mounts.Dev("/dev"),
		},
		Command: CommandLine{Args: []string{"sh", "-c", "exit"}},
	}
}

// TestSetuidUserNamespace: in setuid mode one is made for who asks for it, or for other
// ids, and left out where it was a wish.
func TestSetuidUserNamespace(t *testing.T) {
	own, other := Identity{UID: SetID(1000), GID: SetID(100)}, Identity{UID: SetID(5)}
	group := Identity{GID: SetID(5)}
	dev := []mounts.Op{mounts.Dev("/dev")}
	for name, c := range map[string]struct {
		wish      Wish
		id        Identity
		files     []mounts.Op
		user, try bool
		uid, gid  uint32
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
		"devices":                  {wish: Share, files: dev, uid: 1000, gid: 100},
		"devices, wanted":          {wish: Want, files: dev, user: true, uid: 1000, gid: 100},
		"devices, tried, own root": {wish: Try, id: Identity{UID: SetID(0)}, files: dev, user: true, gid: 100},
	} {
		s := Spec{Namespaces: Namespaces{User: c.wish}, Identity: c.id, Files: c.files, Command: CommandLine{Args: []string{"x"}}}
		p, err := planOf(&s, keeper())
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
		s.Namespaces.User, s.Namespaces.JoinUser = Share, SetFD(30)
		s.Identity = Identity{}
	}},
	{"--userns2", func(s *Spec) { s.Namespaces.FinalUser = SetFD(31) }},
	{"--pidns", func(s *Spec) { s.Namespaces.JoinPID = SetFD(32) }},
	{"--netns", func(s *Spec) { s.Namespaces.JoinNet = SetFD(33) }},
	{"--disable-userns", func(s *Spec) { s.Namespaces.User, s.Namespaces.DisableUsers = Want, true }},
	{"--userns-block-fd", func(s *Spec) {
		s.Namespaces.User = Want
		s.Report = Report{InfoFD: SetFD(34), UserBlockFD: SetFD(35)}
	}},
	{"--not-a-security-boundary", func(s *Spec) { s.Lockdown.Forgive = true }},
	{"--cap-add", func(s *Spec) { s.Identity.Caps = []CapEdit{{Caps: 1 << unix.CAP_NET_RAW}} }},
	{"--cap-add", func(s *Spec) { s.Identity.Caps = []CapEdit{{Caps: idmap.AllCaps}, {Drop: true, Caps: 1}} }},
	{"--overlay", layered(mounts.WritableOverlay("/o", "/up", "/work", "/a", "/b"))},
	{"--tmp-overlay", layered(mounts.TmpOverlay("/o", "/a", "/b"))},
	{"--ro-overlay", layered(mounts.Overlay("/o", "/a", "/b"))},
	{"--mqueue", func(s *Spec) {
		s.Namespaces.IPC, s.Files = Share, nil
		s.Files = append(s.Files, mounts.Mqueue("/q"))
	}},
	{"--file-label", func(s *Spec) {
		s.Lockdown.FileLabel = SetText("label")
		s.Files = append(s.Files, mounts.Tmpfs("/t"))
	}},
}

func layered(op mounts.Op) func(*Spec) {
	return func(s *Spec) { s.Files = append(s.Files, op) }
}

// TestSetuidSpecs compiles specs at random. Those without a refused option pass Verify and
// the policy; with one they don't, and the option is named.
func TestSetuidSpecs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 2000 {
		s, h := someSpec(r), keeper()
		h.SELinux = true
		p, err := planOf(&s, h)
		if err != nil {
			t.Fatalf("%v\n%+v", err, s)
		}
		if v := p.Verify(); v != plan.Good {
			t.Fatalf("refused by Verify with %d\n%s", v, p.Dump(nil))
		}
		if err := errors.Join(admit(p), judge.Sound(p.Bytes)); err != nil {
			t.Fatalf("%v\n%s", err, p.Dump(nil))
		}
		c := refused[n%len(refused)]
		if n > 5*len(refused) {
			continue
		}
		first := len(s.Files)
		c.add(&s)
		if len(s.Files) <= first {
			first = 0
		}
		words := func(field string) []string {
			if i := 0; first > 0 && strings.HasPrefix(field, "Files[") {
				if _, err := fmt.Sscanf(field, "Files[%d]", &i); err != nil || i < first {
					return nil
				}
			}
			return []string{c.option}
		}
		if p, err = compileFor(wantedOf(&s, &front.Line{Words: words}), h); err != nil {
			t.Fatalf("%s: %v", c.option, err)
		}
		var e *SetupError
		if err := admit(p); !errors.As(err, &e) {
			t.Errorf("%s is admitted: %v\n%.5000s", c.option, err, p.Dump(nil))
		} else if e.Field != c.option || !strings.HasPrefix(e.Error(), c.option+" is not possible in setuid mode: ") || fault.ErrnoOf(e) != 0 {
			t.Errorf("%s is refused with option %q: %v", c.option, e.Field, err)
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
		s.Namespaces.Hostname = SetText("box")
	}
	if toss() {
		s.Identity.UID = SetID(r.Uint32N(2000) + 2000)
	}
	if toss() {
		s.Identity.Caps = []CapEdit{{Caps: idmap.AllCaps}, {Drop: true, Caps: idmap.AllCaps}}
	}
	for i := range r.IntN(8) {
		dest, fd := fmt.Sprintf("/d%d", r.IntN(9)), SetFD(20+i)
		op := []mounts.Op{
			mounts.ReadOnly("/usr").At(dest), mounts.ReadWrite("/usr").At(dest), mounts.Devices("/usr").At(dest),
			mounts.ReadOnlyFD(fd, dest), mounts.ReadWriteFD(fd, dest), mounts.Tmpfs(dest).Size(1 << r.IntN(63)), mounts.Proc(dest), mounts.Dev(dest),
			mounts.Dir(dest), mounts.File(dest, fd), mounts.ReadOnlyData(dest, fd), mounts.ReadWriteData(dest, fd),
			mounts.Symlink("t", dest), mounts.Chmod(dest, r.Uint32N(0o10000)), mounts.RemountReadOnly(dest), mounts.Mqueue(dest),
			mounts.Mask(dest), mounts.Protect(dest), mounts.Mask(dest + "/*").Glob().Try(),
		}[r.IntN(19)]
		if op.Tree().Kind == tree.Mqueue && !s.Namespaces.IPC.isNew() {
			op = mounts.Dev(dest)
		}
		s.Files = append(s.Files, op)
	}
	s.Session = Session{New: wish(), DieWithParent: toss()}
	if toss() {
		s.Session.BlockFD = SetFD(9)
	}
	if toss() {
		s.Session.SyncFDs = []FD{SetFD(8)}
	}
	if toss() {
		s.Session.Locks = []string{"/lock"}
	} else {
		s.Session.AsPID1 = s.Namespaces.PID.isNew() && toss()
	}
	if toss() {
		s.Report.InfoFD = SetFD(6)
	}
	if toss() {
		s.Report.JSONStatusFD = SetFD(7)
	}
	if toss() {
		s.Lockdown.Filters = []Filter{{BPF: allow(1 + r.IntN(4))}}
	}
	if toss() {
		s.Lockdown.ExecLabel = SetText("label")
	}
	return s
}
