package hosted

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"golang.org/x/sys/unix"
)

const otherUser = 12345

// install makes a setuid copy of the launcher, until the end of the test.
func install(t *testing.T) string { return copyOf(t, "gobwrap", "gobwrap", "4755") }

// copyOf copies a program to where another user can start it.
func copyOf(t *testing.T, program, name, mode string) string {
	t.Helper()
	path := filepath.Join(harness.Scratch(t, home, 0), name)
	if err := testbin.Copy(path, built[program], mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// forKeeper marks a plan for the keeper; see package child.
const forKeeper = 1 << 30

// send starts an installed launcher in plan mode, as an ordinary user, sends it bytes, and
// returns what it said last and what the command wrote.
func send(t *testing.T, launcher string, size uint32, bytes []byte) (m plan.Message, out string) {
	t.Helper()
	return sendAs(t, otherUser, launcher, size, bytes)
}

func sendAs(t *testing.T, who uint32, launcher string, size uint32, bytes []byte) (m plan.Message, out string) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, its := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "its")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	c := &exec.Cmd{
		Path: launcher, Args: []string{"gobwrap: monitor", "3", "4", "0"}, Env: []string{}, Dir: "/",
		ExtraFiles: []*os.File{its, r}, Stdout: &said, Stderr: &said,
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who, Gid: who}},
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = its.Close(), r.Close()
	_, _ = ours.Write(append(binary.NativeEndian.AppendUint32(nil, size), bytes...))
	_ = unix.Shutdown(pair[0], unix.SHUT_WR)
	buf := make([]byte, plan.MessageSize)
	for {
		if n, _ := ours.Read(buf); n != len(buf) {
			break
		}
		if kind := binary.NativeEndian.Uint32(buf); (kind == plan.MsgFault || kind == plan.MsgLeave) && m.Kind == 0 { // the first is the cause
			m = plan.Message{Kind: kind, Step: binary.NativeEndian.Uint32(buf[4:]), Sub: plan.Sub(binary.NativeEndian.Uint32(buf[8:]))}
		}
	}
	_, _ = c.Wait(), ours.Close()
	_ = w.Close()
	return m, said.String()
}

// TestHostileHost: an installation in plan mode keeps the rules of package suid, whatever the
// embedding program sends: what carries the plan out, and what runs, has the user's ids and no
// capability.
func TestHostileHost(t *testing.T) {
	launcher := install(t)
	spec := func(ops ...mounts.Op) []byte {
		s := sandbox.Spec{
			Files:   append([]mounts.Op{mounts.ReadOnly("/")}, ops...),
			Command: sandbox.CommandLine{Args: []string{"/bin/sh", "-c", "id -u; id -ru; grep -E '^Cap|NoNew' /proc/self/status; cat /etc/shadow"}},
		}
		p, err := front.Compile(&s, nil, front.Facts{UID: otherUser, GID: otherUser, Setuid: true, Embedded: true, Cwd: "/"})
		if err != nil {
			t.Fatal(err)
		}
		return p.Bytes
	}
	good := spec()
	harmless := func(out string) bool {
		return !strings.Contains(out, "root:") && strings.Count(out, "0000000000000000") == 5 && strings.HasPrefix(out, "12345\n12345\n") &&
			strings.Contains(out, "NoNewPrivs:\t1")
	}
	if m, out := send(t, launcher, uint32(len(good))|forKeeper, good); m.Kind != 0 || !harmless(out) {
		t.Errorf("the good plan: %+v, %s", m, out)
	}
	overlay := spec(mounts.TmpOverlay("/tmp", "/usr"))
	if m, out := send(t, launcher, uint32(len(overlay))|forKeeper, overlay); m.Kind != plan.MsgFault || out != "" {
		t.Errorf("an overlay: %+v, %s", m, out)
	}
	// In direct mode a plan gives the user nothing that they did not have.
	if m, out := send(t, launcher, uint32(len(good)), good); m.Kind != plan.MsgFault || strings.Contains(out, "root:") {
		t.Errorf("without the keeper: %+v, %s", m, out)
	}
	for n := range 200 {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		bad := append([]byte(nil), good...)
		for range 1 + r.IntN(4) {
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		}
		size := uint32(len(bad))
		if n%10 == 0 {
			size = r.Uint32()
		}
		_, out := send(t, launcher, size|forKeeper, bad)
		if strings.Contains(out, "root:") || strings.Contains(out, "uid=0") || strings.HasPrefix(out, "0\n") {
			t.Fatalf("spoiled plan %d: %s", n, out)
		}
		if strings.Contains(out, "NoNewPrivs") && !harmless(out) {
			t.Logf("spoiled plan %d: %s", n, out) // it is another command then
		}
	}
}

// TestPrivilegedHost: an embedding program that is set-user-id root does nothing when it is
// started as a monitor; without the bit it does, with the caller's rights.
func TestPrivilegedHost(t *testing.T) {
	s := sandbox.Spec{
		Files:   []mounts.Op{mounts.ReadOnly("/")},
		Command: sandbox.CommandLine{Args: []string{"/bin/sh", "-c", "id -u; grep ^CapEff /proc/self/status"}},
	}
	p, err := front.Compile(&s, nil, front.Facts{UID: otherUser, GID: otherUser, Embedded: true, Cwd: "/"})
	if err != nil {
		t.Fatal(err)
	}
	size := uint32(len(p.Bytes))
	for _, name := range []string{"plain", "linked", "unoptimised", "cgo", "cgo, position independent"} {
		// The name is what a program that starts itself goes by.
		if m, out := send(t, copyOf(t, name, "exe", "0755"), size, p.Bytes); m.Kind != 0 || out != "12345\nCapEff:\t0000000000000000\n" {
			t.Errorf("%s: %+v, %s", name, m, out)
		}
		if m, out := send(t, copyOf(t, name, "exe", "4755"), size, p.Bytes); m.Kind != 0 || out != "" {
			t.Errorf("%s, set-user-id: %+v, %s", name, m, out)
		}
		if m, out := send(t, copyOf(t, name, "exe", "2755"), size, p.Bytes); m.Kind != 0 || out != "" {
			t.Errorf("%s, set-group-id: %+v, %s", name, m, out)
		}
	}
}

// TestTooFewProcesses: under a limit on processes a launch by the keeper fails with words.
// Nobody asks the host to end, which it would take for the command's start.
func TestTooFewProcesses(t *testing.T) {
	launcher := install(t)
	s := sandbox.Spec{
		Files:      []mounts.Op{mounts.ReadOnly("/")},
		Namespaces: sandbox.Namespaces{PID: sandbox.Want},
		Command:    sandbox.CommandLine{Args: []string{"/bin/echo", "ran"}},
	}
	alone := harness.UID(1)
	p, err := front.Compile(&s, nil, front.Facts{UID: alone, GID: alone, Setuid: true, Embedded: true, Cwd: "/"})
	if err != nil {
		t.Fatal(err)
	}
	var limit, old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &old); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NPROC, &old) }()
	faults, runs := 0, 0
	for n := uint64(1); n < 6; n++ {
		limit.Cur, limit.Max = n, old.Max
		if err := unix.Setrlimit(unix.RLIMIT_NPROC, &limit); err != nil { // does not bind root
			t.Fatal(err)
		}
		m, out := sendAs(t, alone, launcher, uint32(len(p.Bytes))|forKeeper, p.Bytes)
		switch {
		case m.Kind == plan.MsgFault && m.Sub == plan.SubClone && out == "":
			faults++
		case m.Kind == 0 && out == "ran\n":
			runs++
		case m.Kind != 0 || !strings.Contains(out, "Can't start the keeper"):
			t.Errorf("%d processes: %+v, %q", n, m, out)
		}
	}
	if faults == 0 || runs == 0 {
		t.Errorf("%d faults, %d runs", faults, runs)
	}
}
