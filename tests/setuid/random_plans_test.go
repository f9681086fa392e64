package setuid_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// TestCampaign sends random plans to keepers: good ones with steps that tempt, and the same
// with words, steps and bytes exchanged. What the judges refuse, the keeper refuses for the
// same reason; what they let pass does no harm.
func TestCampaign(t *testing.T) {
	t.Parallel()
	plans := harness.Times(300, 1200) // that are sent, by each worker
	if text := os.Getenv("GOBWRAP_TEST_CAMPAIGN"); text != "" {
		var err error
		if plans, err = strconv.Atoi(text); err != nil {
			t.Fatalf("GOBWRAP_TEST_CAMPAIGN: %v", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	name, _ := os.Hostname()
	var group sync.WaitGroup
	var workers []*campaign
	for worker := range uint64(2) {
		c := &campaign{t: t, thief: become(t, me), lure: bait(t), dice: rand.New(rand.NewPCG(seed, worker)), tally: map[string]int{}}
		c.at = fdScene(t, c.lure)
		workers = append(workers, c)
		group.Go(func() {
			for sent := 0; sent < plans && !t.Failed(); {
				if c.battle() {
					sent++
				}
			}
		})
	}
	group.Wait()
	total := map[string]int{}
	for _, c := range workers {
		for what, n := range c.tally {
			total[what] += n
		}
	}
	t.Logf("seed %d: %v", seed, total)
	for _, what := range []string{"ran", "fault", "refused"} {
		if total[what] < 10 {
			t.Errorf("of %v only %d %s: the plans are not what they should be", total, total[what], what)
		}
	}
	if now, _ := os.Hostname(); now != name {
		t.Errorf("the host is called %q now", now)
		_ = unix.Sethostname([]byte(name))
	}
}

// campaign is one worker.
type campaign struct {
	t     *testing.T
	thief *soul
	at    scene
	lure  string
	dice  *rand.Rand
	tally map[string]int
}

// battle makes a plan and reports whether it was one to send.
func (c *campaign) battle() (sent bool) {
	d := c.draft()
	p := d.program(c.t)
	for range []int{0, 0, 0, 1, 1, 2, 4}[c.dice.IntN(7)] {
		p = c.spoil(p)
	}
	v, r := verdict(p)
	permitted := v == plan.Good && r == suid.Permitted
	if !permitted && c.dice.IntN(8) > 0 {
		return false // most of the time for those that go on
	}
	was := ""
	if permitted {
		was = snapshot(c.lure)
	}
	l := c.thief.attempt(c.t, c.at, whole(p))
	switch {
	case !l.answered || l.status != 0:
		c.tally["held up"]++
	case !permitted:
		c.tally["refused"]++
		if complaint := foretold(v, r)(l); complaint != "" {
			c.report(p, complaint, l)
		}
		return true
	case len(l.faults) > 0:
		c.tally["fault"]++
	case strings.HasSuffix(l.said, "end\n"):
		c.tally["ran"]++
	default:
		c.tally["another end"]++
	}
	if complaint := leaks(l.said, header(p, hClone)&unix.CLONE_NEWUSER != 0); complaint != "" {
		c.report(p, complaint, l)
	}
	if now := snapshot(c.lure); was != "" && was != now {
		c.report(p, "files of the host have changed:\n"+difference(was, now), l)
	}
	return true
}

func (c *campaign) report(p []byte, complaint string, l loot) {
	f, err := os.CreateTemp("", "setuid-plan-")
	if err == nil {
		_, err = f.Write(p)
		_ = f.Close()
	}
	c.t.Errorf("%s: %s; the plan is in %s (%v)", complaint, l, f.Name(), err)
}

// leaks complains about anything in an output that the user has not by himself. In a user
// namespace ids are what the plan says.
func leaks(said string, mapped bool) string {
	var bad []string
	for line := range strings.SplitSeq(said, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		id := fmt.Sprint(me)
		switch key {
		case "permitted", "effective", "inheritable", "ambient", "bounding":
			if strings.Trim(value, "0") != "" {
				bad = append(bad, line)
			}
		case "no_new_privs":
			if value != "1" {
				bad = append(bad, line)
			}
		case "uid", "gid":
			if !mapped && value != id+" "+id+" "+id {
				bad = append(bad, line)
			}
		case "bait":
			if !mapped && value != id+" "+id {
				bad = append(bad, line)
			}
		case "may setuid", "may setresuid", "may setgid":
			if value == "yes" && !mapped {
				bad = append(bad, line)
			}
		default:
			if strings.HasPrefix(key, "may ") && value == "yes" {
				bad = append(bad, line)
			}
		}
	}
	return strings.Join(bad, "; ")
}

// draft is a random good-looking plan.
func (c *campaign) draft() *draft {
	d := good(c.lure)
	d.clone = []uint32{plain, user, roomy, roomy | user, plain | uint32(c.dice.Uint32())&roomy}[c.dice.IntN(5)]
	for _, flag := range []uint32{plan.FlagInit, plan.FlagMapRoot, plan.FlagTryUser, plan.FlagDieWithParent, plan.FlagKeepSync} {
		if c.dice.IntN(2) == 0 {
			d.flags |= flag
		}
	}
	if c.dice.IntN(8) == 0 {
		d.uid, d.gid = c.number(), c.number()
	}
	for _, list := range []*[]int{&d.closed, &d.early, &d.sync} {
		if c.dice.IntN(6) == 0 {
			*list = append(*list, int(c.number()&0x7fffffff))
		}
	}
	for range c.dice.IntN(7) {
		c.tempt(d)
	}
	return d
}

// number is one that lies at the edge of something, or any.
func (c *campaign) number() uint32 {
	edges := []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 0o755, 0o4755, 0o7777, 0o10000, 1000, 1001, 1002, 1003, 1004, 1023, 1024, me, 65534, 1 << 16, 1<<19 - 1, 1 << 19, 1<<31 - 1, 1 << 31, 1<<32 - 2, 1<<32 - 1}
	if c.dice.IntN(4) == 0 {
		return c.dice.Uint32()
	}
	return edges[c.dice.IntN(len(edges))]
}

// places inside, none of which is a path of the host.
func (c *campaign) inside() string {
	all := []string{"/b/root/new", "/b/root/keep", "/b/root/secret", "/b/nobody/new", "/b/nobody/ids", "/b/mixed/secret", "/b/mine/new", "/b/mine/in/new", "/b/mine/out/new", "/b/mine/self/new", "/b/mine/dir", "/b/../b/root", "/t/new", "/t/a/b/c", "/h/new", "/h/witness", "/h", "/b", "/t", "/x-new", "/x-new/y", "/../../x", "/", "/t/", "//t//y", "/t/./z"}
	return all[c.dice.IntN(len(all))]
}

// tempt adds a step that may do harm, more often than not where it may stand.
func (c *campaign) tempt(d *draft) {
	fd := func() uint32 { return []uint32{fdText, fdSame, fdDir, fdShut, fdNone, c.number()}[c.dice.IntN(6)] }
	flags := func() uint32 {
		return c.dice.Uint32()&15 | []uint32{0, safe, safe, safe, unix.MS_NOSUID}[c.dice.IntN(5)]
	}
	mode := func() uint32 { return []uint32{0, 0o600, 0o755, 0o4755, 0o6777, 0o1777, 0o7777}[c.dice.IntN(7)] }
	denies := func() uint16 {
		return []uint16{0, plan.FlagTry, plan.FlagGlob, plan.FlagTry | plan.FlagGlob}[c.dice.IntN(4)]
	}
	pattern := func() string {
		return []string{"", "", "/", "/*", "/**/[a", "/**", "/**/**/?", "/\\", strings.Repeat("/*", 70)}[c.dice.IntN(9)]
	}
	source := func(s step) step { s.src = 1 + c.dice.IntN(len(d.sources)); return s }
	late := []func() step{
		func() step { return one(plan.OpSetsid, 0) },
		func() step { return one(plan.OpHostname, 0).of("taken") },
		func() step { return one(plan.OpNoUserns, 0) },
		func() step { return one(plan.OpWaitFd, 0, fd()) },
		func() step { return one(plan.OpLoopback, 0) },
		func() step { return one(plan.OpGo, 0) },
	}
	frame := []func() step{
		func() step { return one(plan.OpDir, 0, 0, 0, 0, mode(), 0o755).at(c.inside()) },
		func() step { return one(plan.OpFile, 0, fd(), 0, 0, mode(), 0o755).at(c.inside()) },
		func() step { return one(plan.OpData, 0, fd(), 0, flags(), mode(), 0o755).at(c.inside()) },
		func() step { return one(plan.OpSymlink, 0, 0, 0, 0, 0, 0o755).of(c.inside()).at(c.inside()) },
		func() step { return one(plan.OpChmod, 0, 0, 0, 0, mode()).at(c.inside()) },
		func() step { return one(plan.OpRemountRO, 0).at(c.inside()) },
		func() step { return one(plan.OpMask, denies()).at(c.inside() + pattern()) },
		func() step { return one(plan.OpProtect, denies(), c.number()).at(c.inside() + pattern()) },
		func() step { return one(plan.OpProc, 0).at("/p") },
		func() step { return one(plan.OpMount, 0, c.dice.Uint32N(3), 0, 0, mode(), 0o755).at(c.inside()) },
		func() step { return source(one(plan.OpBind, 0, 0, 0, flags(), 0, 0o755)).at(c.inside()) },
		func() step { return source(one(plan.OpProc, 0)).at("/p") },
		func() step { return source(one(plan.OpOverlay, 0, 0, 0, 1, plan.OverlayTmp, 0o755)).at("/o") },
	}
	switch c.dice.IntN(10) {
	case 0:
		d.sources = append(d.sources, one(plan.OpSource, uint16(c.dice.IntN(2))*plan.FlagConsole, 0, fd()))
	case 1:
		path := []string{"/proc", "/nobody", "/nobody/secret", "/other/ids", "/root/ids", "/mine/out", "/mine/self"}[c.dice.IntN(7)]
		if path != "/proc" {
			path = c.lure + path
		}
		d.sources = append(d.sources, one(plan.OpSource, uint16(c.dice.IntN(2))*plan.FlagTry).of(path))
	case 2, 3:
		d.late = append(d.late, late[c.dice.IntN(len(late))]())
	case 4:
		d.payload = slices.Insert(d.payload, c.dice.IntN(len(d.payload)+1), []step{
			one(plan.OpLock, 0).of(c.inside()), one(plan.OpCaps, plan.FlagBounding), one(plan.OpChdir, plan.FlagTry).of(c.inside()).at("PWD=/"),
			{Step: plan.Step{Op: plan.OpSeccomp, B: 1}, blob: []byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}},
		}[c.dice.IntN(4)])
	default:
		d.frame = append(d.frame, frame[c.dice.IntN(len(frame))]())
	}
}

// spoil changes something in a finished plan. The strings stay: they say where on the host
// a random plan may work.
func (c *campaign) spoil(p []byte) []byte {
	p = slices.Clone(p)
	steps, arena := int(header(p, hSteps)), int(header(p, hArena))
	if steps < 2 || steps > 1000 || arena > len(p) || arena < plan.HeaderSize+steps*plan.StepSize {
		return p
	}
	stepAt := func(i int) []byte { return p[plan.HeaderSize+i*plan.StepSize:][:plan.StepSize] }
	a, b := c.dice.IntN(steps), c.dice.IntN(steps)
	switch c.dice.IntN(6) {
	case 0: // a word of the header
		return set(p, c.dice.IntN(plan.HeaderSize/4), c.number())
	case 1: // a word of a step
		return setStep(p, a, c.dice.IntN(8), c.number())
	case 2: // a bit
		p[c.dice.IntN(arena)] ^= 1 << c.dice.IntN(8)
	case 3: // two steps change places
		x := slices.Clone(stepAt(a))
		copy(stepAt(a), stepAt(b))
		copy(stepAt(b), x)
	case 4: // a step twice
		copy(stepAt(a), stepAt(b))
	case 5: // another operation, or other flags, with the same operands
		binary.NativeEndian.PutUint16(stepAt(a)[2*c.dice.IntN(2):], uint16(c.dice.IntN(int(plan.NumOps)+1)))
	}
	return p
}
