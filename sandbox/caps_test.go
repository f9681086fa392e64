package sandbox

import (
	"math/bits"
	"slices"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/sandbox/internal/host"
	"golang.org/x/sys/unix"
)

// TestWantedCaps: profiles are compiled for what the command will have.
func TestWantedCaps(t *testing.T) {
	const kill, chown, all = idmap.Caps(1 << unix.CAP_KILL), idmap.Caps(1 << unix.CAP_CHOWN), idmap.Caps(1<<41 - 1)
	for _, c := range []struct {
		name  string
		host  facts
		edits []CapEdit
		want  idmap.Caps
	}{
		{"an ordinary user", facts{UID: 5}, nil, 0},
		{"an ordinary user with capabilities", facts{UID: 5, Caps: uint64(all)}, nil, 0},
		{"an ordinary user who adds one", facts{UID: 5}, []CapEdit{{Caps: kill}}, kill},
		{"and drops it", facts{UID: 5}, []CapEdit{{Caps: kill}, {Drop: true, Caps: kill}}, 0},
		{"root", facts{Caps: uint64(all)}, nil, all},
		{"root in a container", facts{Caps: uint64(kill | chown)}, nil, kill | chown},
		{"root who drops one", facts{Caps: uint64(all)}, []CapEdit{{Drop: true, Caps: chown}}, all &^ chown},
		{"root who keeps one", facts{Caps: uint64(all)}, []CapEdit{{Drop: true, Caps: idmap.AllCaps}, {Caps: kill}}, kill},
	} {
		if got := wantedCaps(wantedOf(&Spec{Identity: Identity{KeepCaps: true, Caps: c.edits}}, nil), &c.host); got != c.want {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
	for keep, want := range map[bool]int{false: 1, true: bits.OnesCount64(host.Permitted() | uint64(kill))} {
		c := Cmd{Spec: Spec{Identity: Identity{KeepCaps: keep, Caps: []CapEdit{{Caps: kill}}}}}
		if got := wantedCaps(c.spec(), &facts{UID: uint32(syscall.Getuid()), Caps: host.Permitted()}).Names(); syscall.Getuid() == 0 && len(got) != want || !slices.Contains(got, "CAP_KILL") {
			t.Errorf("of this process, kept: %v: %v, want %d of them", keep, got, want)
		}
	}
}
