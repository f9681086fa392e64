// Package planbuild makes plans step by step, for tests: those that the compiler does not make too.
package planbuild

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
)

// Builder collects a plan. The zero value is ready for use.
type Builder struct {
	Flags uint32
	Clone uint32

	steps   []plan.Step
	origins []plan.Origin
	origin  plan.Origin
	join    uint32
	setup   uint32
	arena   []byte
	known   map[string]uint32
	nul     bool

	argv, env, paths []string
	closed, sync     []int
	early            []int
	pwd              int
	uid, gid         uint32
	failed           uint32
	jsonFd           int32
}

// From sets the origin of the steps added from now on.
func (b *Builder) From(o plan.Origin) { b.origin = o }

// Str puts a string into the arena, once, and returns its offset.
func (b *Builder) Str(s string) uint32 {
	if strings.IndexByte(s, 0) >= 0 {
		b.nul = true
	}
	if s == "" {
		return 0
	}
	if off, ok := b.known[s]; ok {
		return off
	}
	if b.known == nil {
		b.known = make(map[string]uint32)
		b.arena = append(make([]byte, 0, 4096), 0)
	}
	off := uint32(len(b.arena))
	b.arena = append(append(b.arena, s...), 0)
	b.known[s] = off
	return off
}

// Blob puts bytes into the arena, aligned to 8, and returns their offset.
func (b *Builder) Blob(p []byte) uint32 {
	b.Str("/") // make sure that offset 0 is taken
	for len(b.arena)%8 != 0 {
		b.arena = append(b.arena, 0)
	}
	off := uint32(len(b.arena))
	b.arena = append(append(b.arena, p...), 0)
	return off
}

// Add appends a step and returns its index.
func (b *Builder) Add(s plan.Step) uint32 {
	b.steps = append(b.steps, s)
	b.origins = append(b.origins, b.origin)
	return uint32(len(b.steps) - 1)
}

// Len returns how many steps there are: the index of the next one.
func (b *Builder) Len() uint32 { return uint32(len(b.steps)) }

// EndJoin ends the steps of the joining process.
func (b *Builder) EndJoin() { b.join = uint32(len(b.steps)) }

// EndSetup ends the steps of the sandbox's first process.
func (b *Builder) EndSetup() { b.setup = uint32(len(b.steps)) }

// Command sets what is executed: the files to try, the arguments with argv[0],
// the environment, and the index in it of PWD, which OpChdir rewrites.
func (b *Builder) Command(paths, argv, env []string, pwd int) {
	b.paths, b.argv, b.env, b.pwd = paths, argv, env, pwd
}

// Fds sets the fds that options used up; those of them that the acting side has no
// use for; those that stay open as long as the sandbox lives; and the one for the exit
// status (-1: none).
func (b *Builder) Fds(closed, early, sync []int, json int) {
	b.closed, b.early, b.sync, b.jsonFd = closed, early, sync, int32(json)
}

// Failed sets the launcher's exit status for a set-up that fails; 0 stands for 1.
func (b *Builder) Failed(status uint8) { b.failed = uint32(status) }

// IDs sets what the keeper maps the caller to.
func (b *Builder) IDs(uid, gid uint32) { b.uid, b.gid = uid, gid }

// Program lays the plan out. It fails with plan.ErrTooLarge or plan.ErrNUL.
func (b *Builder) Program() (*plan.Program, error) {
	var slots []uint64
	strs := func(list []string) uint32 {
		first := uint32(len(slots))
		for _, s := range list {
			slots = append(slots, uint64(b.Str(s)))
		}
		return first
	}
	nums := func(list []int) uint32 {
		first := uint32(len(slots))
		for _, n := range list {
			slots = append(slots, uint64(n))
		}
		return first
	}
	h := plan.Header{
		Magic: plan.Magic, Flags: b.Flags, Clone: b.Clone,
		Steps: uint32(len(b.steps)), Join: b.join, Setup: b.setup,
		Argc: uint32(len(b.argv)), Envc: uint32(len(b.env)), Pathc: uint32(len(b.paths)),
		Closec: uint32(len(b.closed)), Earlyc: uint32(len(b.early)), Syncc: uint32(len(b.sync)), JSONFd: b.jsonFd,
		UID: b.uid, GID: b.gid, Failed: max(b.failed, 1),
	}
	if h.Join > 0 {
		h.Flags |= plan.FlagJoin
	}
	h.Argv = strs(b.argv)
	slots = append(slots, 0)
	h.Env = strs(b.env)
	slots = append(slots, 0)
	h.Paths = strs(b.paths)
	h.Pwd = h.Env + uint32(b.pwd)
	h.Close, h.Early, h.Sync = nums(b.closed), nums(b.early), nums(b.sync)
	h.Script = uint32(len(slots))
	slots = append(slots, make([]uint64, len(b.argv)+2)...)
	h.Slots = uint32(len(slots))
	h.Arena = plan.HeaderSize + h.Steps*plan.StepSize + h.Slots*plan.SlotSize
	h.ArenaLen = uint32(len(b.arena))
	if len(b.steps) > plan.MaxSteps || len(slots) > plan.MaxSlots || int64(h.Arena)+int64(len(b.arena)) > plan.MaxSize {
		return nil, plan.ErrTooLarge
	}
	if b.nul {
		return nil, plan.ErrNUL
	}
	h.Size = h.Arena + h.ArenaLen
	out := make([]byte, 0, h.Size)
	out = appendHeader(out, &h)
	for i := range b.steps {
		out = appendStep(out, &b.steps[i])
	}
	for _, s := range slots {
		out = binary.NativeEndian.AppendUint64(out, s)
	}
	return &plan.Program{Bytes: append(out, b.arena...), Origins: b.origins, Flags: h.Flags}, nil
}

func appendHeader(out []byte, h *plan.Header) []byte {
	for _, v := range []uint32{
		h.Magic, h.Size, h.Flags, h.Clone, h.Steps, h.Join, h.Setup, h.Slots, h.Arena, h.ArenaLen,
		h.Argv, h.Argc, h.Env, h.Envc, h.Paths, h.Pathc, h.Script, h.Close, h.Closec, h.Early, h.Earlyc, h.Sync, h.Syncc,
		h.Pwd, uint32(h.JSONFd), h.UID, h.GID, h.Failed,
	} {
		out = binary.NativeEndian.AppendUint32(out, v)
	}
	return out
}

func appendStep(out []byte, s *plan.Step) []byte {
	out = binary.NativeEndian.AppendUint16(out, uint16(s.Op))
	out = binary.NativeEndian.AppendUint16(out, s.Flags)
	for _, v := range []uint32{s.A, s.B, s.C, s.D, s.E, s.F, s.G} {
		out = binary.NativeEndian.AppendUint32(out, v)
	}
	return out
}

// Nth returns the index of the n-th step with an operation, counted from 0.
func Nth(t testing.TB, p *plan.Program, op plan.Op, n int) uint32 {
	t.Helper()
	for i := range p.Header().Steps {
		if p.Step(i).Op == op {
			if n == 0 {
				return i
			}
			n--
		}
	}
	t.Fatalf("the program has no %v", op)
	return 0
}
