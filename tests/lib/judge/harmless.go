package judge

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// Harmless says, independently of suid.Gate, why the keeper must not carry a plan out for a
// user. The plan is one that is Sound.
func Harmless(p *plan.Program, halfMemory uint64) error {
	h := p.Header()
	switch {
	case len(p.Bytes) > 8*1024*1024:
		return errors.New("it is too large")
	case h.Steps > 20000:
		return errors.New("it has too many steps")
	case h.Join > 0:
		return errors.New("it enters namespaces that the caller gives")
	case h.Flags&plan.FlagForgive != 0:
		return errors.New("it goes on where something could not be tightened")
	}
	for i := range h.Setup {
		s := p.Step(i)
		rule := rules[s.Op]
		if rule == nil {
			return fmt.Errorf("step %d: %v is not for users", i, s.Op)
		}
		if !rule(situation{p, h, i, halfMemory}, s) {
			return fmt.Errorf("step %d: %+v", i, s)
		}
	}
	return harmlessPayload(p, h)
}

// situation is what a rule may look at beside the step.
type situation struct {
	p    *plan.Program
	h    plan.Header
	i    uint32
	half uint64
}

// own reports whether a namespace is the sandbox's own.
func (c situation) own(name uint32) bool { return c.h.Clone&name == name }

func always(situation, plan.Step) bool { return true }

func owning(name uint32) func(situation, plan.Step) bool {
	return func(c situation, _ plan.Step) bool { return c.own(name) }
}

func nosuid(_ situation, s plan.Step) bool { return s.C|unix.MS_NOSUID == s.C }

// rules are the operations that users may ask for in set-up, each with when.
var rules = map[plan.Op]func(situation, plan.Step) bool{
	plan.OpSlave:     always,
	plan.OpSource:    always,
	plan.OpRoot:      always,
	plan.OpGo:        always,
	plan.OpDir:       always,
	plan.OpFile:      always,
	plan.OpSymlink:   always,
	plan.OpChmod:     always,
	plan.OpRemountRO: always,
	plan.OpMask:      always,
	plan.OpProtect:   always,
	plan.OpPivot:     always,
	plan.OpNoUserns:  always,
	plan.OpSetsid:    always,
	plan.OpLabel:     always,
	plan.OpBind:      nosuid,
	plan.OpData:      nosuid,
	plan.OpLoopback:  owning(unix.CLONE_NEWNET),
	plan.OpHostname:  owning(unix.CLONE_NEWUTS),
	plan.OpMount: func(c situation, s plan.Step) bool {
		switch plan.MountKinds[s.A] {
		case "tmpfs":
			size := binary.LittleEndian.Uint64(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, s.F), s.G))
			return !(size > c.half)
		case "devpts":
			return true
		case "mqueue":
			return c.own(unix.CLONE_NEWIPC)
		}
		return false
	},
	plan.OpProc: func(c situation, s plan.Step) bool {
		src := c.p.Step(s.A)
		bound, tried := s.A != 0, s.A == 0 || s.Flags&plan.FlagOrBind != 0
		return !(bound && (src.Flags != 0 || c.p.Str(src.A) != "/proc")) && !(tried && !c.own(unix.CLONE_NEWPID))
	},
	plan.OpWaitFd: func(c situation, _ plan.Step) bool {
		for k := c.i + 1; k < c.h.Setup; k++ {
			if c.p.Step(k).Op == plan.OpPivot {
				return false // the host's files are still in reach
			}
		}
		return true
	},
}

// harmlessPayload demands that everything is given up before anything of the caller's
// choice happens.
func harmlessPayload(p *plan.Program, h plan.Header) error {
	bare := false
	for i := h.Setup; i < h.Steps; i++ {
		s := p.Step(i)
		if s.Op == plan.OpCaps {
			if s != (plan.Step{Op: plan.OpCaps, Flags: plan.FlagBounding}) {
				return fmt.Errorf("step %d: %+v keeps something", i, s)
			}
			bare = true
		} else if s.Op == plan.OpCgroup {
			return fmt.Errorf("step %d: a cgroup that the keeper could enter, and the caller not", i)
		} else if !bare && s.Op != plan.OpLock {
			return fmt.Errorf("step %d: %v comes before everything is given up", i, s.Op)
		}
	}
	return nil
}
