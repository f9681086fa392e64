package setuid_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// TestMalformedHeaders: what describes the plan is nothing that the keeper believes.
func TestMalformedHeaders(t *testing.T) {
	t.Parallel()
	edit := func(word int, value func(was uint32) uint32) func(p []byte) []byte {
		return func(p []byte) []byte { return set(p, word, value(header(p, word))) }
	}
	to := func(v uint32) func(uint32) uint32 { return func(uint32) uint32 { return v } }
	plus := func(n uint32) func(uint32) uint32 { return func(was uint32) uint32 { return was + n } }
	var attacks []attack
	add := func(name string, word int, value func(uint32) uint32, v plan.Verdict) {
		attacks = append(attacks, attack{name: name, bytes: edit(word, value), want: bad(v)})
	}
	const less = ^uint32(0)
	add("magic", hMagic, plus(1), plan.BadHeader)
	add("size+1", hSize, plus(1), plan.BadHeader)
	add("size-1", hSize, plus(less), plan.BadHeader)
	add("no-steps", hSteps, to(0), plan.BadLayout)
	add("steps+1", hSteps, plus(1), plan.BadLayout)
	add("many-steps", hSteps, to(1<<31), plan.BadLayout)
	add("steps-that-wrap", hSteps, to(1<<27), plan.BadLayout)
	add("join", hJoin, to(1), plan.BadOrder)
	add("join-behind-setup", hJoin, to(1000), plan.BadLayout)
	add("setup-behind-steps", hSetup, to(1<<32-1), plan.BadLayout)
	add("setup-0", hSetup, to(0), plan.BadOrder)
	add("setup-1", hSetup, plus(less), plan.BadOrder)
	add("slots+1", hSlots, plus(1), plan.BadLayout)
	add("slots-that-wrap", hSlots, to(1<<29), plan.BadLayout)
	add("arena+8", hArena, plus(8), plan.BadLayout)
	add("arena-0", hArena, to(0), plan.BadLayout)
	add("arena-length", hArenaLen, plus(1), plan.BadLayout)
	add("arena-length-0", hArenaLen, to(0), plan.BadLayout)
	add("exit-status", hJSON, to(1<<32-2), plan.BadLayout)
	for word, name := range map[int]string{hArgv: "argv", hEnv: "env", hPaths: "paths", hScript: "script", hClose: "close", hEarly: "early", hSync: "sync"} {
		add(name+"+1", word, plus(1), plan.BadSlot)
		add(name+"-that-wraps", word, to(1<<32-1), plan.BadSlot)
	}
	for word, name := range map[int]string{hArgc: "argc", hEnvc: "envc", hPathc: "pathc", hClosec: "closec", hEarlyc: "earlyc", hSyncc: "syncc"} {
		add(name+"+1", word, plus(1), plan.BadSlot)
		add(name+"-that-wraps", word, to(1<<32-1), plan.BadSlot)
	}
	add("no-argument", hArgc, to(0), plan.BadSlot)
	add("no-path", hPathc, to(0), plan.BadSlot)
	add("pwd-outside", hPwd, to(0), plan.BadSlot)
	add("pwd-behind", hPwd, plus(1), plan.BadSlot)
	for bit := range 32 {
		flag := uint32(1) << bit
		if flag > plan.FlagForeground {
			add(fmt.Sprintf("flag-%x", flag), hFlags, func(was uint32) uint32 { return was | flag }, plan.BadLayout)
		}
		if flag&(roomy|user) == 0 {
			add(fmt.Sprintf("clone-%x", flag), hClone, func(was uint32) uint32 { return was | flag }, plan.BadLayout)
		}
	}
	add("host's-mounts", hClone, to(0), plan.BadLayout)
	add("host's-mounts-in-a-user-namespace", hClone, to(unix.CLONE_NEWUSER), plan.BadLayout)
	add("join-without-steps", hFlags, func(was uint32) uint32 { return was | plan.FlagJoin }, plan.BadOrder)
	attacks = append(attacks,
		attack{name: "open-end", bytes: func(p []byte) []byte { p[len(p)-1] = 'x'; return p }, want: bad(plan.BadLayout)},
		attack{name: "empty-string-is-none", bytes: func(p []byte) []byte { p[header(p, hArena)] = 'x'; return p }, want: bad(plan.BadLayout)})
	for name, at := range map[string]func(p []byte) uint32{
		"argument":    func(p []byte) uint32 { return header(p, hArgv) },
		"environment": func(p []byte) uint32 { return header(p, hEnv) },
		"path":        func(p []byte) uint32 { return header(p, hPaths) },
	} {
		attacks = append(attacks, attack{name: name + "-outside", bytes: func(p []byte) []byte {
			return set(p, (plan.HeaderSize+int(header(p, hSteps))*plan.StepSize)/4+2*int(at(p)), header(p, hArenaLen))
		}, want: bad(plan.BadSlot)})
	}
	raid(t, scene{}, plain, attacks)
}

// TestMalformedSteps: each operand is what the table of operations says.
func TestMalformedSteps(t *testing.T) {
	t.Parallel()
	bind := func(flags uint32) step {
		s := one(plan.OpBind, 0, 0, 0, flags, 0, 0o755).at("/x")
		s.src = 3
		return s
	}
	label := func(text string) step { return step{Step: plan.Step{Op: plan.OpLabel}, b: text} }
	refused := func(name string, v plan.Verdict, edit func(d *draft)) attack {
		return attack{name: name, edit: edit, want: bad(v)}
	}
	attacks := []attack{
		refused("operation-0", plan.BadStep, late(one(0, 0))),
		refused("operation-that-there-is-not", plan.BadStep, late(one(plan.NumOps, 0))),
		refused("operation-ffff", plan.BadStep, late(one(1<<16-1, 0))),
		refused("relative-destination", plan.BadString, frame(one(plan.OpDir, 0, 0, 0, 0, 0o755, 0o755).at("x"))),
		refused("no-destination", plan.BadString, frame(one(plan.OpDir, 0, 0, 0, 0, 0o755, 0o755))),
		refused("destination-outside", plan.BadString, frame(one(plan.OpDir, 0, 0, 1<<31, 0, 0o755, 0o755))),
		refused("mode", plan.BadOperand, frame(one(plan.OpDir, 0, 0, 0, 0, 0o10000, 0o755).at("/t/d"))),
		refused("mode-of-a-block-device", plan.BadOperand, frame(one(plan.OpFile, 0, 0, 0, 0, 0o60666, 0o755).at("/t/d"))),
		refused("mode-of-parents", plan.BadOperand, frame(one(plan.OpDir, 0, 0, 0, 0, 0o755, 1<<31).at("/t/d"))),
		refused("operand-without-use", plan.BadOperand, frame(one(plan.OpDir, 0, 1, 0, 0, 0o755, 0o755).at("/t/d"))),
		refused("source-forwards", plan.BadOperand, frame(one(plan.OpBind, 0, 1000, 0, safe, 0, 0o755).at("/x"))),
		refused("source-that-is-none", plan.BadOperand, frame(one(plan.OpBind, 0, 0, 0, safe, 0, 0o755).at("/x"))),
		refused("source-that-is-open", plan.BadOperand, func(d *draft) { d.sources[0].G = 3 }),
		refused("kind-of-mount", plan.BadOperand, frame(one(plan.OpMount, 0, 3).at("/x"))),
		refused("kind-of-label", plan.BadOperand, late(one(plan.OpLabel, 0, 2))),
		refused("label-with-options", plan.BadString, frame(step{Step: plan.Step{Op: plan.OpMount}, b: "/x", c: `x",uid=0,context="y`})),
		refused("label-with-a-backslash", plan.BadString, late(label(`x\`))),
		refused("label-with-a-line", plan.BadString, late(label("x\ny"))),
		refused("label-too-long", plan.BadString, late(label(strings.Repeat("l", plan.MaxLabel)))),
		refused("negative-descriptor", plan.BadOperand, frame(one(plan.OpFile, 0, 1<<31, 0, 0, 0o600, 0o755).at("/t/f"))),
		refused("descriptor--1", plan.BadOperand, late(one(plan.OpWaitFd, 0, 1<<32-1))),
		refused("negative-source", plan.BadOperand, func(d *draft) { d.sources = append(d.sources, one(plan.OpSource, 0, 0, 1<<31)) }),
		refused("closed-list", plan.BadSlot, func(d *draft) { d.closed = []int{1 << 31} }),
		refused("sync-list", plan.BadSlot, func(d *draft) { d.sync = []int{-1} }),
		refused("early-list", plan.BadSlot, func(d *draft) { d.early = []int{1 << 40} }),
		refused("no-frame", plan.BadOrder, func(d *draft) { d.noRoot = true }),
		refused("host's-propagation", plan.BadOrder, func(d *draft) { d.noSlave = true }),
		refused("two-roots", plan.BadOrder, frame(one(plan.OpRoot, 0))),
		refused("two-pivots", plan.BadOrder, late(one(plan.OpPivot, 0))),
		refused("root-again-behind", plan.BadOrder, late(one(plan.OpRoot, 0))),
		refused("no-exec", plan.BadOrder, func(d *draft) { d.noEnd = true }),
		refused("exec-twice", plan.BadOrder, func(d *draft) { d.payload = append(d.payload, one(plan.OpExec, 0)) }),
		refused("filter-in-setup", plan.BadOrder, late(one(plan.OpSeccomp, 0))),
		refused("capabilities-in-setup", plan.BadOrder, late(one(plan.OpCaps, plan.FlagBounding))),
		refused("exec-in-setup", plan.BadOrder, late(one(plan.OpExec, 0))),
		refused("bind-behind-the-pivot", plan.BadOrder, late(bind(safe))),
		refused("mount-behind-the-pivot", plan.BadOrder, late(tmpfs(0))),
		refused("chmod-in-front-of-the-root", plan.BadOrder, before(one(plan.OpChmod, 0, 0, 0, 0, 0o4755).at("/usr"))),
		refused("source-in-the-frame", plan.BadOrder, frame(one(plan.OpSource, 0).of("/"))),
		refused("source-in-the-payload", plan.BadOrder, func(d *draft) { d.payload = append(d.payload, one(plan.OpSource, 0).of("/")) }),
		refused("mount-in-the-payload", plan.BadOrder, func(d *draft) { d.payload = append(d.payload, tmpfs(0)) }),
		refused("empty-filter", plan.BadFilter, func(d *draft) {
			d.payload = append(d.payload, step{Step: plan.Step{Op: plan.OpSeccomp}, blob: make([]byte, 8)})
		}),
		refused("long-filter", plan.BadFilter, func(d *draft) {
			d.payload = append(d.payload, step{Step: plan.Step{Op: plan.OpSeccomp, B: plan.MaxFilter + 1}, blob: make([]byte, 8)})
		}),
		refused("filter-that-wraps", plan.BadFilter, func(d *draft) {
			d.payload = append(d.payload, step{Step: plan.Step{Op: plan.OpSeccomp, B: 1 << 29}, blob: make([]byte, 8)})
		}),
	}
	// Mount flags that loosen, or that are other calls altogether.
	for _, flag := range []uint32{
		unix.MS_BIND, unix.MS_REMOUNT, unix.MS_MOVE, unix.MS_SHARED, unix.MS_REC, unix.MS_PRIVATE, unix.MS_SLAVE, unix.MS_RELATIME,
		unix.MS_SYNCHRONOUS, unix.MS_MANDLOCK, unix.MS_NOATIME, 0x00100000 /* MOUNT_ATTR_IDMAP */, 1 << 31,
	} {
		attacks = append(attacks, refused(fmt.Sprintf("mount-flag-%x", flag), plan.BadOperand, frame(bind(safe|flag))))
	}
	raid(t, scene{}, plain, attacks)
}

// places are where in a plan a step can be put.
func places() map[string]func(d *draft, s step) {
	return map[string]func(d *draft, s step){
		"join":    func(d *draft, s step) { d.join = append(d.join, s) },
		"first":   func(d *draft, s step) { d.first = append(d.first, s) },
		"sources": func(d *draft, s step) { d.sources = append(d.sources, s) },
		"frame":   func(d *draft, s step) { d.frame = append(d.frame, s) },
		"late":    func(d *draft, s step) { d.late = append(d.late, s) },
		"payload": func(d *draft, s step) { d.payload = slices.Insert(d.payload, 0, s) },
		"end":     func(d *draft, s step) { d.payload = append(d.payload, s) },
	}
}

// TestStepFlags: every operation with every step flag, at each place; the keeper says what
// the judges say that a plan's sender can ask, too. What they permit is in the campaign.
func TestStepFlags(t *testing.T) {
	t.Parallel()
	s, lure := become(t, me), bait(t)
	seen := map[string]bool{}
	for op := range plan.NumOps {
		for place, put := range places() {
			for bit := range 16 {
				d := good(lure)
				put(d, step{Step: plan.Step{Op: op, Flags: 1 << bit}, a: "/h", b: "/h"})
				p := d.program(t)
				verdict, row := verdict(p)
				// One keeper for each operation and flag that it might know, one for the rest.
				key := fmt.Sprint(op, min(bit, 5), verdict, row)
				if seen[key] || verdict == plan.Good && row == suid.Permitted {
					continue
				}
				seen[key] = true
				if complaint := foretold(verdict, row)(s.attempt(t, scene{}, whole(p))); complaint != "" {
					t.Errorf("%v with flag %x at %s: %s", op, 1<<bit, place, complaint)
				}
			}
		}
	}
	if len(seen) < 150 {
		t.Errorf("only %d refusals", len(seen))
	}
}
