package sandbox

import (
	"errors"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
)

// FuzzSpec: a Spec, whatever is in it, compiles to a plan that the acting side takes, or is an
// error that names a field of it. Nothing that a program can write is an internal error.
func FuzzSpec(f *testing.F) {
	for seed := range uint64(3000) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := specs{rand.New(rand.NewPCG(seed, 1))}
		c := Command("/bin/true")
		c.Env = []string{"PATH=/bin", "HOME=/"}
		for range g.IntN(3) {
			c.Pass(os.Stdin)
		}
		g.fill(reflect.ValueOf(&c.Spec).Elem())
		_, _, p, err := c.compile(g.IntN(2) == 0)
		if err != nil {
			err = options("Spec", err)
		}
		var e *SetupError
		switch {
		case err == nil && p.Verify() != plan.Good:
			t.Fatalf("the plan is refused with %d\n%s", p.Verify(), p.Dump(nil))
		case err == nil:
		case !errors.As(err, &e) || e.Field == "" || e.Stage != "options" || !strings.HasPrefix(e.Error(), e.Field):
			t.Fatalf("no field is named: %v\n%+v", err, c.Spec)
		}
		c.Describe() // which must not panic
	})
}

// specs makes values at random, most of them ones that can be.
type specs struct{ *rand.Rand }

func pick[T any](g specs, list ...T) T { return list[g.IntN(len(list))] }

func (g specs) path() string {
	return pick(g, "/usr", "/a/../b", "rel", "/proc/self/fd/1", "/", "/x", "/x/y", "", "a\x00b", "/proc/self/fd/99", strings.Repeat("/long", g.IntN(2000)))
}

func (g specs) fd() FD {
	return pick(g, FD{}, SetFD(0), SetFD(2), SetFD(3), SetFD(4), SetFD(-1), SetFD(99), SetFD(1<<40))
}

func (g specs) op() mounts.Op {
	a, b, fd := g.path(), g.path(), g.fd()
	content := pick[mounts.Content](g, nil, fd, mounts.Bytes(nil), mounts.Bytes("x"))
	layers := make([]string, g.IntN(4)*g.IntN(2))
	for i := range layers {
		layers[i] = g.path()
	}
	if g.IntN(100) == 0 {
		layers = make([]string, plan.MaxLayers+1)
	}
	op := pick(g, mounts.Op{}, mounts.ReadOnly(a), mounts.ReadWrite(a), mounts.Devices(a), mounts.ReadOnly(a).At(b), mounts.ReadWriteFD(fd, b),
		mounts.ReadOnlyFD(fd, b), mounts.Tmpfs(b), mounts.Proc(b), mounts.Dev(b), mounts.Mqueue(b), mounts.Dir(b), mounts.Symlink(a, b),
		mounts.Chmod(b, g.Uint32N(1<<13)), mounts.RemountReadOnly(b), mounts.Mask(b), mounts.Protect(b), mounts.Protect(b).Glob(), mounts.Overlay(b, layers...), mounts.TmpOverlay(b, layers...),
		mounts.WritableOverlay(b, a, g.path(), layers...), mounts.File(b, content), mounts.ReadOnlyData(b, content), mounts.ReadWriteData(b, content))
	switch g.IntN(12) {
	case 0:
		return op.Try()
	case 1:
		return op.Perms(g.Uint32N(1 << 13))
	case 2:
		return op.Size(pick(g, 0, 1, 1<<20, uint64(1)<<63))
	}
	return op
}

// fill gives a field a value, now and then.
func (g specs) fill(v reflect.Value) {
	some := func(value any) {
		if g.IntN(4) == 0 {
			v.Set(reflect.ValueOf(value))
		}
	}
	switch v.Interface().(type) {
	case mounts.Op:
		v.Set(reflect.ValueOf(g.op()))
		return
	case FD:
		some(g.fd())
		return
	case Text:
		some(SetText(g.path()))
		return
	case ID:
		some(SetID(pick[uint32](g, 0, 7, 1<<32-1)))
		return
	case Int:
		some(SetInt(g.IntN(50) - 25))
		return
	case Rlimit:
		v.Set(reflect.ValueOf(Rlimit{pick(g, "as", "nofile", "x", ""), pick(g, 0, 9, Unlimited), pick(g, 8, Unlimited)}))
		return
	case idmap.Range:
		v.Set(reflect.ValueOf(idmap.Range{Inside: g.Uint32N(9), Outside: pick[uint32](g, 0, 1000, 1<<32-5), Count: g.Uint32N(9)}))
		return
	case Filter:
		bpf := pick(g, nil, allow(1), []byte{1, 2, 3}, make([]byte, 8), allow(4096), allow(4097))
		v.Set(reflect.ValueOf(Filter{BPF: bpf, Profile: pick(g, "", "", "strict", "none such")}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			g.fill(v.Field(i))
		}
	case reflect.Slice:
		n := max(g.IntN(8)-4, 0)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			g.fill(v.Index(i))
		}
	case reflect.Int:
		if g.IntN(3) == 0 {
			v.SetInt(int64(g.IntN(6) - g.IntN(2)))
		}
	case reflect.Int64:
		v.SetInt(pick(g, 0, 0, 1, -1, int64(time.Second), 1<<62))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(g.IntN(256)))
	case reflect.Bool:
		v.SetBool(g.IntN(6) == 0)
	case reflect.String:
		v.SetString(g.path())
	default:
		panic("a field of kind " + v.Kind().String())
	}
}
