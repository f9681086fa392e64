package suid_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/fence"
	"github.com/gobwrap/gobwrap/tests/lib/judge"
)

// The number of plans that TestPlans tries, and where it begins: the same plans each time,
// unless the environment says otherwise.
const (
	plansEnv = "GOBWRAP_TEST_PLANS"
	seedEnv  = "GOBWRAP_TEST_SEED"
)

func number(t *testing.T, env string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	return n
}

// TestPlans spoils plans at random and asks Verify, Gate and Restrict about each, between
// fences. What Verify finds Good, and that alone, has to be sound; what Gate permits of it,
// and that alone, harmless.
//
//	make fuzz-plans
func TestPlans(t *testing.T) {
	count, seed := number(t, plansEnv, 50_000), number(t, seedEnv, 1)
	r := rand.New(rand.NewPCG(seed, 0))
	bases := plans(t)
	largest := 0
	for _, b := range bases {
		largest = max(largest, len(b))
	}
	f := fence.New(t, 2*largest)
	good, rows, restricted := 0, [suid.NumRows]int{}, 0
	for range count {
		data := spoil(r, bases[r.IntN(len(bases))])
		memory := half
		if r.IntN(8) == 0 {
			memory >>= r.IntN(35)
		}
		isGood, row, extra := ask(t, f, data, memory, r.Uint64()&r.Uint64())
		if isGood {
			good++
			rows[row]++
		}
		if extra != 0 {
			restricted++
		}
		if t.Failed() {
			t.Fatalf("%s=%d: %d plans of which %d are Good\n%q", seedEnv, seed, count, good, data)
		}
	}
	t.Logf("%d plans from %d: %d Good, %d of them permitted, %d refused by a random setuid.conf", count, seed, good, rows[suid.Permitted], restricted)
	for row := suid.Permitted + 1; row < suid.NumRows; row++ {
		if option, why := row.Words(); rows[row] > 0 {
			t.Logf("%7d refused: %s: %s", rows[row], option, why)
		}
	}
	if count >= 50_000 && (good < int(count/20) || rows[suid.Permitted] < int(count/50)) {
		t.Error("too few of them say anything")
	}
}

// ask lays a plan behind the fence, at the end and at the front, and asks all three.
func ask(t *testing.T, f *fence.Fence, data []byte, memory, refused uint64) (good bool, row suid.Row, extra uint32) {
	t.Helper()
	conf := suid.Conf{Refused: refused}
	for _, front := range []bool{true, false} {
		there := &plan.Program{Bytes: f.Lay(data, front)}
		wasGood, wasRow, wasExtra := good, row, extra
		good, row, extra = false, 0, 0
		err := fence.Watch(func() {
			if good = there.Verify() == plan.Good; good {
				row, _ = gate(there, memory)
				extra, _ = conf.Restrict(base(there))
			}
		})
		if err != nil || !bytes.Equal(there.Bytes, data) {
			t.Errorf("front %v: %v; changed: %v", front, err, !bytes.Equal(there.Bytes, data))
		}
		if !front && (good != wasGood || row != wasRow || extra != wasExtra) {
			t.Errorf("Good %v, row %d, %#x; elsewhere %v, %d, %#x", good, row, extra, wasGood, wasRow, wasExtra)
		}
	}
	if err := judge.Sound(data); good != (err == nil) {
		t.Errorf("Good %v, but %v", good, err)
	}
	if !good || t.Failed() {
		return good, row, extra
	}
	if err := judge.Harmless(&plan.Program{Bytes: data}, memory); (row == suid.Permitted) != (err == nil) {
		t.Errorf("row %d, but %v", row, err)
	}
	return good, row, extra
}

// plans are what is spoilt: the samples of this package, and what package sandbox
// compiles (its golden plans are the corpus of FuzzVerify).
func plans(t *testing.T) [][]byte {
	t.Helper()
	own := sample(t).Bytes
	out := [][]byte{own, own, own, bare(t).Bytes} // what is permitted, and nearly, counts more
	files, err := filepath.Glob("../internal/plan/testdata/fuzz/FuzzVerify/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, quoted, _ := strings.Cut(string(text), "[]byte(")
		data, err := strconv.Unquote(strings.TrimSuffix(quoted, ")\n"))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if v := (&plan.Program{Bytes: []byte(data)}).Verify(); v == plan.Good {
			out = append(out, []byte(data))
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d plans in the corpus", len(out))
	}
	return out
}

// spoil changes a plan at up to six places.
func spoil(r *rand.Rand, from []byte) []byte {
	data := bytes.Clone(from)
	p := &plan.Program{Bytes: data}
	h := *header(p)
	edges := []uint32{
		0, 1, 2, 3, 8, h.Setup, h.Steps, h.Slots, h.Arena, h.ArenaLen, h.Size, 0o7777, 1<<31 - 1, 1 << 31, 1<<32 - 1,
		all, plan.FlagForgive, plan.FlagBounding << 16,
	}
	put := func(at, v uint32) { binary.NativeEndian.PutUint32(data[at:], v) }
	word := func(at uint32) uint32 { return binary.NativeEndian.Uint32(data[at:]) }
	aStep := func() *plan.Step { return step(p, r.Uint32N(h.Steps)) }
	for n := 1 + r.IntN(3)*r.IntN(3); n > 0; n-- {
		aWord := plan.HeaderSize + 4*r.Uint32N(h.Steps*plan.StepSize/4)
		switch r.IntN(12) {
		case 0: // any word of the header, steps and slots
			put(4*r.Uint32N(h.Arena/4), edges[r.IntN(len(edges))])
		case 1: // a word of a step, a little
			put(aWord, word(aWord)+r.Uint32N(5)-2)
		case 2: // a bit of it
			put(aWord, word(aWord)^1<<r.IntN(32))
		case 3: // an operand of another step
			put(aWord, word(plan.HeaderSize+4*r.Uint32N(h.Steps*plan.StepSize/4)))
		case 4: // an operation
			aStep().Op = plan.Op(r.Uint32N(uint32(plan.NumOps) + 2))
		case 5: // a flag of a step
			aStep().Flags ^= 1 << r.IntN(6)
		case 6: // a namespace
			header(p).Clone ^= 1 << (25 + r.IntN(7))
		case 7: // a flag of the plan
			header(p).Flags ^= 1 << r.IntN(10)
		case 8: // two steps change places
			a, b := aStep(), aStep()
			*a, *b = *b, *a
		case 9: // a step twice
			*aStep() = *aStep()
		case 10: // a character
			data[h.Arena+r.Uint32N(h.ArenaLen)] = byte(r.Uint32())
		case 11: // where a part ends
			at := []*uint32{&header(p).Join, &header(p).Setup, &header(p).Steps, &header(p).Slots, &header(p).Size}[r.IntN(5)]
			*at += r.Uint32N(3) - 1
		}
	}
	return data
}
