package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/sandbox/internal/link"
	"golang.org/x/sys/unix"
)

// reading runs write with a descriptor and returns the JSON documents that came there.
func reading(t *testing.T, write func(FD)) (docs []map[string]any) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := unix.Dup(int(w.Fd())) // its own, since some are closed after use
	if err != nil {
		t.Fatal(err)
	}
	write(SetFD(fd))
	_ = unix.Close(fd)
	_ = w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(text))); ; {
		var doc map[string]any
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs
		case err != nil:
			t.Fatalf("%v in %s", err, text)
		}
		docs = append(docs, doc)
	}
}

// aReady is a MsgReady in which the nth kind of namespace has the inode n+1, except for the
// first, which the kernel lacks.
func aReady() *plan.Message {
	raw := make([]byte, plan.MessageSize-plan.MessageText)
	for i := 1; i < plan.NumNamespaces; i++ {
		binary.NativeEndian.PutUint64(raw[4+8*i:], uint64(i+1))
	}
	return &plan.Message{Kind: plan.MsgReady, Raw: raw}
}

// TestDocuments: what a launch that works writes, in its order.
func TestDocuments(t *testing.T) {
	const clone = unix.CLONE_NEWCGROUP | unix.CLONE_NEWNS | unix.CLONE_NEWPID
	first := map[string]any{"child-pid": 77.0, "mnt-namespace": 3.0, "pid-namespace": 5.0}
	for keeper, mode := range map[bool]string{false: "direct", true: "setuid"} {
		docs := reading(t, func(fd FD) {
			r := Report{JSONStatusFD: fd}
			r.documents(link.Own{}).Tell(77, aReady(), clone, keeper)
			r.documents(link.Own{}).Complete(4194303)
		})
		want := []map[string]any{first, {"mode": mode}, {"command-pid": 4194303.0}, {"setup-complete": true}}
		if !reflect.DeepEqual(docs, want) {
			t.Errorf("%v, want %v", docs, want)
		}
	}
	// The other descriptor gets the first document only, and is closed.
	docs := reading(t, func(fd FD) {
		r := Report{InfoFD: fd}
		r.documents(link.Own{}).Tell(77, aReady(), clone, false)
		r.documents(link.Own{}).Complete(1)
		r.failed(link.Own{}, errors.New("x"))
		if _, err := unix.FcntlInt(uintptr(fd.N()), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
			t.Errorf("the info descriptor is still open: %v", err)
		}
	})
	if !reflect.DeepEqual(docs, []map[string]any{first}) {
		t.Errorf("on --info-fd: %v", docs)
	}
	// A pid that is not known is left out.
	docs = reading(t, func(fd FD) { (&Report{JSONStatusFD: fd}).documents(link.Own{}).Complete(0) })
	if !reflect.DeepEqual(docs, []map[string]any{{"setup-complete": true}}) {
		t.Errorf("without a pid: %v", docs)
	}
}

// TestErrorDocument: each member is there where there is something to say, with its type.
func TestErrorDocument(t *testing.T) {
	for _, c := range []struct {
		err  error
		want map[string]any
	}{
		{errors.New("Unknown option --\xff"), map[string]any{"stage": "options", "message": "Unknown option --\ufffd"}},
		{ErrKilled, map[string]any{"stage": "launch", "message": "killed before the command ran"}},
		{
			&SetupError{Stage: "bind", Field: "--bind", Path: "/a\"b\n", Err: &fault.Failure{Message: "Can't", Errno: unix.EPERM}, Hint: "do \\ this"},
			map[string]any{
				"stage": "bind", "option": "--bind", "path": "/a\"b\n", "errno": 1.0, "message": "Can't: Operation not permitted", "hint": "do \\ this",
			},
		},
		{
			after(&SetupError{Stage: "launch", Err: errors.New("no")}, errors.New("No command given"), true),
			map[string]any{"stage": "options", "message": "No command given", "hint": "setuid mode was tried because direct mode failed: no"},
		},
	} {
		docs := reading(t, func(fd FD) { (&Report{JSONStatusFD: fd}).failed(link.Own{}, c.err) })
		if want := []map[string]any{{"error": c.want}}; !reflect.DeepEqual(docs, want) {
			t.Errorf("%v, want %v", docs, want)
		}
	}
}

// TestReaderGone: who does not listen is written to without harm.
func TestReaderGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer w.Close()
	report := Report{JSONStatusFD: SetFD(int(w.Fd()))}
	report.documents(link.Own{}).Tell(1, aReady(), unix.CLONE_NEWNS, false)
	report.documents(link.Own{}).Complete(2)
	report.failed(link.Own{}, ErrKilled)
}

// TestTellComesBeforeFilters: they could refuse it; and it is there only where an option wants
// to know.
func TestTellComesBeforeFilters(t *testing.T) {
	for _, c := range []struct {
		report Report
		want   bool
	}{
		{Report{}, false},
		{Report{InfoFD: SetFD(6)}, false},
		{Report{JSONStatusFD: SetFD(6)}, true},
		{Report{FailStatus: 42}, true},
	} {
		s := Spec{Report: c.report, Lockdown: Lockdown{Filters: []Filter{{BPF: allow(1)}, {BPF: allow(1)}}}, Command: CommandLine{Args: []string{"x"}}}
		p, err := planOf(&s, user())
		if err != nil {
			t.Fatal(err)
		}
		tell, filter := uint32(0), uint32(0)
		for i := range p.Header().Steps {
			switch p.Step(i).Op {
			case plan.OpTell:
				tell = i
			case plan.OpSeccomp:
				filter = max(filter, i)
			case plan.OpCaps, plan.OpChdir:
				if tell != 0 {
					t.Errorf("%+v: step %d comes after the word that all is done", c.report, i)
				}
			}
		}
		if (tell != 0) != c.want || tell > filter-1 {
			t.Errorf("%+v: it is told at %d, the filters end at %d", c.report, tell, filter)
		}
	}
}
