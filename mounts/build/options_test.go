package build_test

import (
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts/build"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// TestMountOptions: type, flags and options of each kind of new file system.
func TestMountOptions(t *testing.T) {
	for _, c := range []struct {
		kind, mode uint32
		size       uint64
		label      string
		fs         string
		flags      uintptr
		want       string
	}{
		{plan.MountTmpfs, 0o755, 0, "", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=00755"},
		{plan.MountTmpfs, 0o1777, 4096, "", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=01777,size=4096"},
		{plan.MountTmpfs, 0, 1<<63 - 1, "a:b", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, `mode=00000,size=9223372036854775807,context="a:b"`},
		{plan.MountDevpts, 0, 0, "", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"},
		{plan.MountDevpts, 0, 0, "l", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, `newinstance,ptmxmode=0666,mode=620,context="l"`},
		{plan.MountMqueue, 0, 0, "", "mqueue", 0, ""},
		{plan.MountMqueue, 0, 0, "l", "mqueue", 0, `context="l"`},
	} {
		b := &planbuild.Builder{}
		i := b.Add(plan.Step{
			Op: plan.OpMount, A: c.kind, B: b.Str("/t"), C: b.Str(c.label), D: c.mode, F: uint32(c.size), G: uint32(c.size >> 32),
		})
		p, err := b.Program()
		if err != nil {
			t.Fatal(err)
		}
		if fs, flags, got := build.HookMountOptions(p, i); fs != c.fs || flags != c.flags || got != c.want {
			t.Errorf("%+v: %s %#x %q", c, fs, flags, got)
		}
	}
}
