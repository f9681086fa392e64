package cmdline_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/tree"
)

// every is a command line with an option of each kind that asks for nothing.
const every = "--unshare-all --share-net --uid 5 --uid 6 --hostname box --setenv A B --unsetenv C --clearenv " +
	"--perms 0700 --size 10 --tmpfs /t --ro-bind / / --bind-try /x /y --overlay-src /a --overlay-src /b --ro-overlay /o " +
	"--symlink a /b --chmod 0700 /t --cap-drop ALL --cap-add CAP_KILL --lock-file /l --seccomp-profile strict " +
	"--mode direct --setup-exit-status 3 --fallback-proc=bind --new-session --die-with-parent -- sh -c true"

func textOf(words []string) (flat.Text, flat.Word) {
	text := flat.Text("\x00" + strings.Join(words, "\x00") + "\x00")
	return text, flat.Word(len(text))
}

// TestRunStops checks that a parser that has to stop for want of room, at each item, finds
// what one finds that never stops.
func TestRunStops(t *testing.T) {
	text, end := textOf(strings.Fields(every))
	roomy := make([]flat.Item, 100)
	var want cmdline.Parser
	want.Start(1, end)
	if s := want.Run(text, nil, roomy); s != cmdline.Done {
		t.Fatalf("%d, %+v", s, want.Fault)
	}
	var p cmdline.Parser
	p.Start(1, end)
	var items []flat.Item
	stops := 0
	for p.Run(text, nil, items) == cmdline.Full {
		items = append(items, flat.Item{})
		stops++
	}
	if stops < p.Items || !reflect.DeepEqual(p, want) || !reflect.DeepEqual(items[:p.Items], roomy[:want.Items]) {
		t.Errorf("after %d stops:\n%+v\n%+v, want\n%+v\n%+v", stops, p, items, want, roomy[:want.Items])
	}
}

// TestRunAsks checks that each descriptor is asked for once, in the order of the options,
// and that what was read is taken from the text.
func TestRunAsks(t *testing.T) {
	text, end := textOf(strings.Fields("--sync-fd 7 --args 8 --block-fd 7 x"))
	items := make([]flat.Item, 20)
	var p cmdline.Parser
	p.Start(1, end)
	var known []cmdline.Known
	var log []string
	for {
		switch p.Run(text, known, items) {
		case cmdline.Ask:
			log = append(log, "ask "+string(rune('0'+p.FD)))
			known = append(known, cmdline.Known{FD: p.FD, Open: true})
			continue
		case cmdline.Read:
			log = append(log, "read "+string(rune('0'+p.FD)))
			k := &known[len(known)-1]
			k.Read, k.At, k.Len = true, flat.Word(len(text)), 7
			text = append(text, "--dir\x00/\x00"...)
			continue
		case cmdline.Done:
		default:
			t.Fatalf("%+v", p.Fault)
		}
		break
	}
	if got := strings.Join(log, ", "); got != "ask 7, ask 8, read 8" {
		t.Errorf("%s", got)
	}
	if p.Spec.FDs[flat.BlockFD].N() != 7 || string(text.At(p.Spec.Command)) != "x" || p.Spec.Args != 1 {
		t.Errorf("%+v", p.Spec)
	}
	dirs := 0
	for _, i := range items[:p.Items] {
		if i.Kind == tree.Dir && string(text.At(i.B)) == "/" {
			dirs++
		}
	}
	if dirs != 1 {
		t.Errorf("%d directories from the file", dirs)
	}
}

// TestRunAgain: a parser that finds all that it asks for answered says the same of a fault as the
// one that has asked: which descriptor it is about, and how much that may hold.
func TestRunAgain(t *testing.T) {
	for line, bad := range map[string]cmdline.Known{
		"--seccomp 7 --file 8 /f x":          {Bad: true},
		"--seccomp 7 --file 8 /f --dir /d x": {Long: true},
		"--sync-fd 8 --args 7 x":             {Long: true},
		"--sync-fd 8 --args 7 --dir /d x":    {Errno: 21},
	} {
		text, end := textOf(strings.Fields(line))
		items := make([]flat.Item, 20)
		var first cmdline.Parser
		first.Start(1, end)
		var known []cmdline.Known
		for s := first.Run(text, known, items); s != cmdline.Failed; s = first.Run(text, known, items) {
			switch s {
			case cmdline.Ask:
				known = append(known, cmdline.Known{FD: first.FD, Open: true})
			case cmdline.Read:
				for i := range known {
					if known[i].FD == first.FD {
						known[i].Read, known[i].Bad, known[i].Long, known[i].Errno = true, bad.Bad, bad.Long, bad.Errno
					}
				}
			default:
				t.Fatalf("%s: %d", line, s)
			}
		}
		var again cmdline.Parser
		again.Start(1, end)
		if s := again.Run(text, known, items); s != cmdline.Failed || again.Fault != first.Fault || again.FD != 7 || again.Limit != first.Limit {
			t.Errorf("%s: status %d, fd %d of at most %d bytes, fault %+v; want 7, %d, %+v", line, s, again.FD, again.Limit, again.Fault, first.Limit, first.Fault)
		}
	}
}

// TestRunAllocates checks that the parser allocates nothing.
func TestRunAllocates(t *testing.T) {
	text, end := textOf(strings.Fields(every))
	items := make([]flat.Item, 100)
	if n := testing.AllocsPerRun(100, func() {
		var p cmdline.Parser
		p.Start(1, end)
		if p.Run(text, nil, items) != cmdline.Done {
			t.Error(p.Fault)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
