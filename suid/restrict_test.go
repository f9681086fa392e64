package suid_test

import (
	"maps"
	"math/bits"
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

// option is what CheckSteps or the keeper says of an option that is refused.
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

// refusal does what runKeeper does with a Header. It returns the refusal, packed, or 0, and the namespaces that
// are left. With try the user namespace is optional.
func refusal(c *suid.Conf, clone uint32, try bool) (extra, left uint32) {
	if try {
		clone &^= c.Deny & unix.CLONE_NEWUSER
	}
	if refused := c.Deny & (clone | suid.DenyAll | suid.DenyOthers); refused != 0 {
		return uint32(suid.ReasonConfOption) | refused, clone
	}
	return 0, clone
}

// TestLaunches: what setuid.conf can refuse of all launches, and of namespaces. The message names "off" before
// "groups", and "groups" before an option. For the keeper itself see TestConf in tests/setuid.
func TestLaunches(t *testing.T) {
	everything := "refuse " + strings.Join(suid.Features(), " ")
	spaces := slices.Sorted(maps.Keys(namespaces))
	others := "refuse " + strings.Join(slices.DeleteFunc(suid.Features(), func(o string) bool { return namespaces[o] != 0 }), " ")
	for _, c := range []struct {
		text   string
		clone  uint32
		reason suid.Reason
		option string
	}{
		{"", all, suid.Permitted, ""},
		{"off", 0, suid.ReasonConfOff, ""},
		{"off", all, suid.ReasonConfOff, ""},
		{"groups 5", 0, suid.ReasonConfGroup, ""},
		{"groups 5", all, suid.ReasonConfGroup, ""},
		{"groups 1001", all, suid.Permitted, ""},
		{"groups 5\ngroups 1001", all, suid.Permitted, ""},
		{"groups 1001\ngroups 5", all, suid.Permitted, ""},
		{"groups 1001\noff", all, suid.ReasonConfOff, ""},
		{"off\ngroups 1001", all, suid.ReasonConfOff, ""},
		{"groups 5\noff", 0, suid.ReasonConfOff, ""},
		{"off\ngroups 5", 0, suid.ReasonConfOff, ""},
		{everything + "\noff", all, suid.ReasonConfOff, ""},
		{everything + "\ngroups 5\noff", all, suid.ReasonConfOff, ""},
		{everything + "\ngroups 5", all, suid.ReasonConfGroup, ""},
		{"groups 5\n" + everything, 0, suid.ReasonConfGroup, ""},
		{"groups 1001\n" + everything, 0, suid.Permitted, ""},
		{"groups 1001\nrefuse --unshare-pid", all, suid.ReasonConfOption, "--unshare-pid"},
		{"groups 1001\nrefuse --unshare-pid", all &^ unix.CLONE_NEWPID, suid.Permitted, ""},
		{everything, unix.CLONE_NEWNS, suid.Permitted, ""},
		{others, all, suid.Permitted, ""},
	} {
		conf, line := readConf(t, c.text, 1001)
		for _, try := range []bool{false, true} {
			extra, left := refusal(&conf, c.clone, try)
			if reason, option := suid.FromExtra(extra); line != 0 || reason != c.reason || option != c.option {
				t.Errorf("%q, line %d, optional %v: reason %d, %q; want %d, %q", c.text, line, try, reason, option, c.reason, c.option)
			}
			if left|unix.CLONE_NEWUSER != c.clone|unix.CLONE_NEWUSER {
				t.Errorf("%q, optional %v: %#x are left of %#x", c.text, try, left, c.clone)
			}
		}
	}
	for name, flag := range namespaces {
		c, line := readConf(t, "refuse "+name)
		if line != 0 {
			t.Fatal(name)
		}
		for clone, refused := range map[uint32]bool{flag: true, all: true, all &^ flag: false, unix.CLONE_NEWNS: false} {
			for _, try := range []bool{false, true} {
				want, kept := uint32(0), clone
				switch {
				case refused && try && name == "--unshare-user": // it, and it alone, can be optional
					kept = clone &^ flag
				case refused:
					want = option(name)
				}
				if extra, left := refusal(&c, clone, try); extra != want || left != kept {
					t.Errorf("%s refused, %#x, optional %v: %#x, %#x are left; want %#x, %#x", name, clone, try, extra, left, want, kept)
				}
			}
		}
	}
	// Of several, one of them is named.
	for mask := range 1 << len(spaces) {
		var text []string
		clone := uint32(unix.CLONE_NEWNS)
		for i, name := range spaces {
			if mask>>i&1 != 0 {
				text, clone = append(text, "refuse "+name), clone|namespaces[name]
			}
		}
		c, _ := readConf(t, strings.Join(text, "\n"))
		for asked := uint32(unix.CLONE_NEWNS); ; asked = (asked - all) & all { // all sets of namespaces
			extra, _ := refusal(&c, asked, false)
			reason, name := suid.FromExtra(extra)
			switch both := clone & asked &^ unix.CLONE_NEWNS; {
			case both == 0 && extra != 0:
				t.Errorf("%q: %#x is refused: %#x", text, asked, extra)
			case both != 0 && (reason != suid.ReasonConfOption || namespaces[name]&both == 0):
				t.Errorf("%q: %#x is refused with reason %d, %q", text, asked, reason, name)
			}
			if asked&all == all {
				break
			}
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
	for text, want := range map[string]uint32{
		"": 0, "off": suid.DenyAll, "groups 5": suid.DenyOthers, "groups 100": 0, "groups 5\ngroups 100": 0, "groups 100\ngroups 5": 0,
		"groups 5\noff": suid.DenyAll | suid.DenyOthers, "off\ngroups 100": suid.DenyAll, "groups 100\noff": suid.DenyAll,
		"off\nrefuse " + strings.Join(suid.Features(), " ") + "\ngroups 5": every | suid.DenyAll | suid.DenyOthers,
	} {
		if c, line := readConf(t, text, 100); line != 0 || c.Deny != want {
			t.Errorf("%q: %#x, line %d; want %#x", text, c.Deny, line, want)
		}
	}
	if broker.DenyTmpfs<<broker.Devpts != broker.DenyDevpts || broker.DenyTmpfs<<broker.Mqueue != broker.DenyMqueue {
		t.Error("the bits of file systems are not in the order of their kinds")
	}
}

// TestBits: each bit of Deny has one meaning. Those that the keeper sends with a reason are above it, and
// above the numbers of features.
func TestBits(t *testing.T) {
	seen := map[uint32]string{}
	take := func(name string, bit uint32) {
		if bits.OnesCount32(bit) != 1 {
			t.Errorf("%s: want one bit, have %#x", name, bit)
		}
		if other, twice := seen[bit]; twice {
			t.Errorf("%s and %s have the bit %#x", name, other, bit)
		}
		seen[bit] = name
	}
	sent := map[string]uint32{"DenyOthers": suid.DenyOthers, "DenyAll": suid.DenyAll}
	maps.Copy(sent, namespaces)
	for name, bit := range sent {
		take(name, bit)
	}
	for option, bit := range denied {
		if namespaces[option] == 0 {
			take(option, bit)
		} else if bit != namespaces[option] {
			t.Errorf("%s: %#x and %#x", option, bit, namespaces[option])
		}
	}
	for name, bit := range map[string]uint32{"CLONE_NEWNS": unix.CLONE_NEWNS, "CLONE_NEWTIME": unix.CLONE_NEWTIME} {
		take(name, bit)
	}
	packed := suid.Extra(suid.NumReasons-1, uint32(len(suid.Features())-1))
	numbers := uint32(1)<<bits.Len32(packed) - 1 // that a reason and a feature may take
	for name, bit := range sent {
		if bit&numbers != 0 {
			t.Errorf("%s, %#x, is among the bits of reasons and features, %#x", name, bit, numbers)
		}
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
