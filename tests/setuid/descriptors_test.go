package setuid_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"golang.org/x/sys/unix"
)

// Descriptors of the scene of these tests.
const (
	fdText = 4 + iota // a file that reads as nothing
	fdSame            // the same
	fdDir             // the bait's part that is the attacker's
	fdShut            // a descriptor of root's: a directory that he may not enter
	fdNone            // closed
)

func fdScene(t *testing.T, lure string) scene {
	t.Helper()
	dir, err1 := os.Open(lure + "/mine")
	shut, err2 := os.Open(lure + "/other")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	t.Cleanup(func() { _, _ = dir.Close(), shut.Close() })
	return scene{fds: []int{devNull(t), devNull(t), int(dir.Fd()), int(shut.Fd())}}
}

func file(fd uint32, dst string) step { return one(plan.OpFile, 0, fd, 0, 0, 0o600, 0o755).at(dst) }

func data(fd uint32, dst string) step { return one(plan.OpData, 0, fd, 0, safe, 0o600, 0o755).at(dst) }

// opened binds what a descriptor has open.
func opened(fd uint32, flags uint16) func(d *draft) {
	return func(d *draft) {
		d.sources = append(d.sources, one(plan.OpSource, flags, 0, fd))
		bind := one(plan.OpBind, 0, 0, 0, safe, 0, 0o755).at("/t/x")
		bind.src = len(d.sources)
		d.frame = append(d.frame, bind)
	}
}

// TestDescriptors: what a number means does not change while a plan is walked, and none
// means a descriptor of the keeper's.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	lure := bait(t)
	at := fdScene(t, lure)
	wait := func(fd uint32) step { return one(plan.OpWaitFd, 0, fd) }
	list := func(edit func(d *draft, fds []int), fds ...int) func(d *draft) {
		return func(d *draft) { edit(d, fds) }
	}
	closed := func(d *draft, fds []int) { d.closed = fds }
	sync := func(d *draft, fds []int) { d.sync = fds }
	early := func(d *draft, fds []int) { d.early = fds }
	attacks := []attack{
		{name: "file-closed", control: frame(file(fdText, "/t/f")), edit: frame(file(fdNone, "/t/f")), want: foreignFd},
		{name: "data-closed", control: frame(data(fdText, "/t/f")), edit: frame(data(fdNone, "/t/f")), want: foreignFd},
		{name: "wait-closed", control: late(wait(fdText)), edit: late(wait(fdNone)), want: foreignFd},
		{name: "source-closed", control: opened(fdDir, 0), edit: opened(fdNone, 0), want: foreignFd},
		{name: "file-twice", control: frame(file(fdText, "/t/f"), file(fdSame, "/t/g")), edit: frame(file(fdText, "/t/f"), file(fdText, "/t/g")), want: foreignFd},
		{name: "data-twice", edit: frame(data(fdText, "/t/f"), data(fdText, "/t/g")), want: foreignFd},
		{name: "file-and-data", edit: frame(file(fdText, "/t/f"), data(fdText, "/t/g")), want: foreignFd},
		{name: "file-and-wait", edit: func(d *draft) { frame(file(fdText, "/t/f"))(d); late(wait(fdText))(d) }, want: foreignFd},
		{name: "wait-twice", edit: late(wait(fdText), wait(fdText)), want: foreignFd},
		{name: "early-and-file", control: list(early, fdText), edit: func(d *draft) { early(d, []int{fdText}); frame(file(fdText, "/t/f"))(d) }, want: foreignFd},
		{name: "early-twice", edit: list(early, fdText, fdText), want: foreignFd},
		{name: "closed-too-high", control: list(closed, fdText, fdText, fdNone), edit: list(closed, 1<<19), want: foreignFd},
		{name: "sync-too-high", control: list(sync, fdText, fdText), edit: list(sync, 1<<31-1), want: foreignFd},
		{name: "early-too-high", edit: list(early, 1<<19), want: foreignFd},
		{name: "status-too-high", control: func(d *draft) { d.json = fdText }, edit: func(d *draft) { d.json = 1 << 30 }, want: foreignFd},
		{name: "file-too-high", edit: frame(file(1<<19, "/t/f")), want: foreignFd},
		{name: "above-the-limit", edit: list(closed, 1<<19-1), want: foreignFd},
		{name: "file-that-is-a-directory", edit: frame(file(fdDir, "/t/f")), want: denied(unix.EISDIR)},
		// A descriptor of root's gives nobody the right to what it has open.
		{name: "shut-directory", edit: opened(fdShut, 0), want: either(denied(), ran)},
	}
	for _, fd := range keepers(t) {
		for name, edit := range map[string]func(d *draft){
			"file": frame(file(uint32(fd), "/t/f")), "data": frame(data(uint32(fd), "/t/f")), "wait": late(wait(uint32(fd))),
			"source": opened(uint32(fd), 0), "console": opened(uint32(fd), plan.FlagConsole),
			"closed": list(closed, fd), "sync": list(sync, fd), "early": list(early, fd), "status": func(d *draft) { d.json = fd },
		} {
			attacks = append(attacks, attack{name: fmt.Sprintf("keeper's-%s-%d", name, fd), edit: edit, want: foreignFd})
		}
	}
	for _, clone := range []uint32{plain, user} {
		t.Run(fmt.Sprintf("%x", clone), func(t *testing.T) {
			t.Parallel()
			raid(t, at, clone, attacks)
		})
	}
}

// keepers are the numbers of the keeper's own descriptors, which are the same in every
// launch.
func keepers(t *testing.T) []int {
	t.Helper()
	h, err := become(t, me).rob(scene{})
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	harness.Until(func() bool { // it closes the others first
		fds = sockets(h.keeper)
		return len(fds) == 2
	})
	if err := h.end(); err != nil {
		t.Error(err)
	}
	if len(fds) != 2 {
		t.Fatalf("the keeper has the sockets %v, want its end of a pair, and the way to say faults", fds)
	}
	return fds
}

// TestLaterDescriptors: numbers around those that set-up will use are the user's or are
// refused. Whatever is bound or read by them is not set-up's.
func TestLaterDescriptors(t *testing.T) {
	t.Parallel()
	s, lure := become(t, me), bait(t)
	at := fdScene(t, lure)
	own := keepers(t)
	refused, went := 0, 0
	for fd := uint32(3); fd < uint32(own[1])+12; fd++ {
		if fd > 24 && fd < uint32(own[0])-8 {
			continue
		}
		for name, edit := range map[string]func(d *draft){"file": frame(file(fd, "/t/f")), "source": opened(fd, 0), "console": opened(fd, plan.FlagConsole)} {
			d := good(lure).with(edit)
			was := snapshot(lure)
			l := s.attempt(t, at, whole(d.program(t)))
			switch {
			case foreignFd(l) == "":
				refused++
			case ran(l) == "":
				went++
			case denied(unix.EISDIR, unix.EACCES, unix.ENOENT, unix.ESTALE, unix.ENOTDIR, unix.EINVAL, unix.EBADF)(l) == "":
			case fd == 3 && l.status != 0: // the pipe that nobody closes
			default:
				t.Errorf("%s %d: %s", name, fd, l)
			}
			if now := snapshot(lure); now != was {
				t.Errorf("%s %d: files of the host have changed:\n%s", name, fd, difference(was, now))
			}
		}
	}
	if refused == 0 || went == 0 {
		t.Errorf("%d refused, %d ran", refused, went)
	}
}
