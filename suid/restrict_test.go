package suid_test

import (
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/suid/broker"
	"github.com/gobwrap/gobwrap/tests/lib/fence"
	"golang.org/x/sys/unix"
)

// feature is the number of an option that can be refused.
func feature(t testing.TB, option string) uint32 {
	t.Helper()
	n := slices.Index(suid.Features(), option)
	if n < 0 {
		t.Fatalf("%s can't be refused", option)
	}
	return uint32(n)
}

// option is what CheckSteps or Judge says of an option that is refused.
func option(name string) uint32 {
	if flag, ok := namespaces[name]; ok {
		return uint32(suid.ReasonConfOption) | flag
	}
	return suid.Extra(suid.ReasonConfOption, uint32(slices.Index(suid.Features(), name)))
}

// user is a plan that uses one of the features and none of the others.
type user struct {
	feature      string
	clone, flags uint32
	step         plan.Step
}

func (u user) plan(t testing.TB) *plan.Program {
	if u.step.Op == 0 {
		return with(t, u.clone, u.flags)
	}
	return with(t, u.clone, u.flags, u.step)
}

// users are all features, each by all that counts as it.
var users = []user{
	{feature: "--bind", step: plan.Step{Op: plan.OpBind, A: 1, C: tight}},
	{feature: "--bind", step: plan.Step{Op: plan.OpBind, A: 1, C: tight | unix.MS_NOEXEC}},
	{feature: "--bind", step: plan.Step{Op: plan.OpBind, A: 1, C: unix.MS_NOSUID}},
	{feature: "--bind", step: plan.Step{Op: plan.OpBind, A: 1}},
	{feature: "--dev", step: plan.Step{Op: plan.OpMount, A: plan.MountDevpts}},
	{feature: "--tmpfs", step: plan.Step{Op: plan.OpMount, A: plan.MountTmpfs}},
	{feature: "--mqueue", step: plan.Step{Op: plan.OpMount, A: plan.MountMqueue}},
	{feature: "--proc", step: plan.Step{Op: plan.OpProc}},
	{feature: "--proc", step: plan.Step{Op: plan.OpProc, A: 1}},
	{feature: "--dir", step: plan.Step{Op: plan.OpDir}},
	{feature: "--file", step: plan.Step{Op: plan.OpFile, A: 4}},
	{feature: "--bind-data", step: plan.Step{Op: plan.OpData, A: 4, C: tight}},
	{feature: "--bind-data", step: plan.Step{Op: plan.OpData, A: 4, C: tight | unix.MS_RDONLY}},
	{feature: "--symlink", step: plan.Step{Op: plan.OpSymlink}},
	{feature: "--chmod", step: plan.Step{Op: plan.OpChmod}},
	{feature: "--remount-ro", step: plan.Step{Op: plan.OpRemountRO}},
	{feature: "--hostname", step: plan.Step{Op: plan.OpHostname}},
	{feature: "--block-fd", step: plan.Step{Op: plan.OpWaitFd, A: 4}},
	{feature: "--new-session", step: plan.Step{Op: plan.OpSetsid}},
	{feature: "--lock-file", step: plan.Step{Op: plan.OpLock}},
	{feature: "--seccomp", step: plan.Step{Op: plan.OpSeccomp, B: 1}},
}

// free are plans that use no feature.
var free = []user{
	{},
	{step: plan.Step{Op: plan.OpBind, A: 1, C: tight | unix.MS_RDONLY}},
	{step: plan.Step{Op: plan.OpBind, A: 1, C: unix.MS_NOSUID | unix.MS_RDONLY}},
	{step: plan.Step{Op: plan.OpSource, B: 7}},
	{step: plan.Step{Op: plan.OpNoUserns}},
	{step: plan.Step{Op: plan.OpMask}},
	{step: plan.Step{Op: plan.OpProtect}},
	{step: plan.Step{Op: plan.OpLabel}},
	{step: plan.Step{Op: plan.OpGo}},
	{step: plan.Step{Op: plan.OpChdir}},
}

// TestFeatures: a refused feature is refused to who uses it and to nobody else.
func TestFeatures(t *testing.T) {
	count := len(suid.Features())
	everything := suid.Conf{Refused: 1<<count - 1}
	for _, u := range users {
		p := u.plan(t)
		n := feature(t, u.feature)
		want := plan.NoStep
		if u.step.Op != 0 {
			want = last(t, p, u.step)
		}
		for name, c := range map[string]suid.Conf{"alone": {Refused: 1 << n}, "with all others": everything} {
			if extra, at := c.CheckSteps(base(p)); extra != suid.Extra(suid.ReasonConfOption, n) || at != want {
				t.Errorf("%s refused %s: %#x, step %d; want step %d\n%s", u.feature, name, extra, int32(at), int32(want), listing(p))
			}
		}
		others := suid.Conf{Refused: everything.Refused &^ (1 << n)}
		if extra, at := others.CheckSteps(base(p)); extra != 0 || at != 0 {
			t.Errorf("all but %s refused: %#x, step %d\n%s", u.feature, extra, at, listing(p))
		}
	}
	for _, u := range free {
		if extra, at := everything.CheckSteps(base(u.plan(t))); extra != 0 || at != 0 {
			t.Errorf("all refused: %#x, step %d\n%s", extra, at, listing(u.plan(t)))
		}
	}
	for _, option := range suid.Features() {
		_, byNamespace := namespaces[option]
		if !byNamespace && !slices.ContainsFunc(users, func(u user) bool { return u.feature == option }) {
			t.Errorf("no plan uses %s", option)
		}
	}
	if count > 64 {
		t.Errorf("%d features do not go into the bits that there are", count)
	}
}

// last is the index of the last step with an operation, the one that with has added.
func last(t testing.TB, p *plan.Program, s plan.Step) uint32 {
	t.Helper()
	for i := header(p).Steps; i > 0; i-- {
		if step(p, i-1).Op == s.Op {
			return i - 1
		}
	}
	t.Fatalf("the plan has no %v", s.Op)
	return 0
}

// namespaces are the features that the keeper sees in the header.
var namespaces = map[string]uint32{
	"--unshare-user": unix.CLONE_NEWUSER, "--unshare-pid": unix.CLONE_NEWPID, "--unshare-net": unix.CLONE_NEWNET,
	"--unshare-ipc": unix.CLONE_NEWIPC, "--unshare-uts": unix.CLONE_NEWUTS, "--unshare-cgroup": unix.CLONE_NEWCGROUP,
}

// TestJudge: what the administrator can say of the whole, and of namespaces.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name  string
		conf  suid.Conf
		clone uint32
		want  uint32
	}{
		{"nothing", suid.Conf{}, all, 0},
		{"off", suid.Conf{Off: true}, 0, suid.Extra(suid.ReasonConfOff, 0)},
		{"off, for a member", suid.Conf{Off: true, Limited: true, Member: true}, 0, suid.Extra(suid.ReasonConfOff, 0)},
		{"off, and all refused", suid.Conf{Off: true, Deny: ^uint32(0)}, all, suid.Extra(suid.ReasonConfOff, 0)},
		{"groups, a member", suid.Conf{Limited: true, Member: true}, all, 0},
		{"groups, no member", suid.Conf{Limited: true}, 0, suid.Extra(suid.ReasonConfGroup, 0)},
		{"a member of nothing", suid.Conf{Member: true}, all, 0},
		{"groups, no member, and all refused", suid.Conf{Limited: true, Deny: ^uint32(0)}, all, suid.Extra(suid.ReasonConfGroup, 0)},
		{"groups, a member, and one refused", suid.Conf{Limited: true, Member: true, Deny: unix.CLONE_NEWPID}, all, option("--unshare-pid")},
		{"all refused, nothing asked for", suid.Conf{Deny: ^uint32(0) &^ unix.CLONE_NEWNS}, unix.CLONE_NEWNS, 0},
		{"everything except namespaces", suid.Conf{Deny: ^uint32(all), Refused: ^uint64(0)}, all, 0},
	} {
		if got := c.conf.Judge(c.clone, false); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
	for name, flag := range namespaces {
		c := refusing(t, name)
		wish := uint32(0)
		if flag != unix.CLONE_NEWUSER {
			wish = option(name)
		}
		if c.Judge(flag, false) != option(name) || c.Judge(all&^flag, false) != 0 || c.Judge(flag, true) != wish {
			t.Errorf("%s refused: %#x, %#x, %#x", name, c.Judge(flag, false), c.Judge(all&^flag, false), c.Judge(flag, true))
		}
	}
}

// denied are the bits by which the broker or the keeper denies what takes privilege, and nothing else.
var denied = map[string]uint32{
	"--bind": broker.DenyWritable, "--tmpfs": broker.DenyTmpfs, "--dev": broker.DenyDevpts, "--mqueue": broker.DenyMqueue,
	"--hostname": broker.DenyHostname, "--proc": suid.DenyProc,
	"--unshare-user": unix.CLONE_NEWUSER, "--unshare-pid": unix.CLONE_NEWPID, "--unshare-net": unix.CLONE_NEWNET,
	"--unshare-ipc": unix.CLONE_NEWIPC, "--unshare-uts": unix.CLONE_NEWUTS, "--unshare-cgroup": unix.CLONE_NEWCGROUP,
}

// TestDeny: each option that is refused sets its bits.
func TestDeny(t *testing.T) {
	every := uint32(0)
	for _, option := range suid.Features() {
		if c, line := readConf(t, "refuse "+option); line != 0 || c.Deny != denied[option] {
			t.Errorf("%s: %#x, want %#x", option, c.Deny, denied[option])
		}
		every |= denied[option]
	}
	if c, line := readConf(t, "refuse "+strings.Join(suid.Features(), " ")); line != 0 || c.Deny != every {
		t.Errorf("all: %#x, want %#x", c.Deny, every)
	}
	if broker.DenyTmpfs<<broker.Devpts != broker.DenyDevpts || broker.DenyTmpfs<<broker.Mqueue != broker.DenyMqueue {
		t.Error("the bits of file systems are not in the order of their kinds")
	}
}

// TestSkips: it is --unshare-user, and that alone, that can be a wish.
func TestSkips(t *testing.T) {
	for _, option := range suid.Features() {
		c := refusing(t, option)
		if c.Skips() != (option == "--unshare-user") {
			t.Errorf("%s refused: Skips is %v", option, c.Skips())
		}
	}
	if c := (suid.Conf{Off: true}); c.Skips() {
		t.Error("nothing refused, but skipped")
	}
}

// TestCheckStepsInside: it reads the plan and nothing else, and writes nothing.
func TestCheckStepsInside(t *testing.T) {
	for _, p := range []*plan.Program{sample(t), bare(t)} {
		for n := range 64 {
			c := suid.Conf{Refused: 1 << n}
			fence.Around(t, p.Bytes, func(data []byte) { c.CheckSteps(unsafe.Pointer(unsafe.SliceData(data))) })
		}
	}
}
