package seccomp

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp/bpf"
	"github.com/gobwrap/gobwrap/seccomp/profile"
	"golang.org/x/sys/unix"
)

// row is a row of the table of answers, as far as this machine can ask for it.
type row struct {
	text    string
	profile string
	call    string // for the program calls
	want    string // what that says; empty: what it says without a filter
}

// unsafeCalls are those that would let the process that makes them go astray, if they
// are permitted: a child on its parent's stack, or a filter that ends what comes next.
var unsafeCalls = []string{"fork", "clone 0x3d0f00", "seccomp"}

func rows(t *testing.T) (all []row) {
	t.Helper()
	text, err := os.ReadFile("../../seccomp/profile/testdata/answers")
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{"x86_64": "64", "x86": "32", "x32": "x32"}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		question, answer, ok := strings.Cut(line, " = ")
		words := strings.Fields(question)
		if !ok || line[0] == '#' || entries[words[1]] == "" {
			continue
		}
		if answer == "allow" && slices.Contains(unsafeCalls, strings.Join(words[2:], " ")) {
			continue
		}
		a, _ := bpf.ParseArch(words[1])
		nr := words[2]
		if _, err := strconv.ParseInt(nr, 0, 64); err != nil {
			n, err := profile.Number(a, nr)
			if err != nil {
				t.Fatal(err)
			}
			nr = strconv.Itoa(int(n))
		}
		r := row{text: line, profile: words[0], call: strings.Join(append([]string{entries[words[1]], nr}, words[3:]...), ":")}
		if name, isErrno := strings.CutPrefix(answer, "errno "); isErrno {
			r.want = fmt.Sprintf("errno %d", errno(t, name))
		} else if answer != "allow" {
			r.want = fmt.Sprintf("signal %d", unix.SIGSYS)
		}
		all = append(all, r)
	}
	return all
}

func errno(t *testing.T, name string) int {
	t.Helper()
	for n := range 200 {
		if unix.ErrnoName(unix.Errno(n)) == name {
			return n
		}
	}
	t.Fatalf("no error is called %s", name)
	return 0
}

// ask makes calls in a sandbox, and returns what is said about each.
func ask(t *testing.T, u user, options []string, rows []row) []string {
	t.Helper()
	command := []string{calls}
	for _, r := range rows {
		command = append(command, r.call)
	}
	r := u.run(t, sandboxed(gobwrap, options, command...)...)
	said := lines(r.Stdout)
	if r.Status != "0" || len(said) != len(rows) {
		t.Fatalf("%q: %d of %d calls; %+v", options, len(said), len(rows), r)
	}
	return said
}

// options are what gives a command a profile of the table.
func options(name, dockerFile string) (with, without []string) {
	parts := strings.Split(name, "+")
	for _, c := range parts[1:] {
		without = append(without, "--cap-add", c)
	}
	if parts[0] == "docker" {
		parts[0] = dockerFile
	}
	return append(slices.Clone(without), "--seccomp-profile", parts[0]), without
}

// TestAnswersOnThisKernel makes the calls of the table. What is permitted must come to
// the same as without a filter.
func TestAnswersOnThisKernel(t *testing.T) {
	dockerFile := file(t, docker)
	byProfile := map[string][]row{}
	for _, r := range rows(t) {
		byProfile[r.profile] = append(byProfile[r.profile], r)
	}
	if len(byProfile) < 7 {
		t.Fatalf("only the profiles %v", byProfile)
	}
	for name, rows := range byProfile {
		t.Run(name, func(t *testing.T) {
			rows := rows
			if !hasCompat(t) {
				rows = slices.DeleteFunc(slices.Clone(rows), row.isCompat)
				t.Logf("left to the machine of TestAnswersByX32: %d rows of the 32-bit entry point, which this kernel has not", len(byProfile[name])-len(rows))
			}
			with, without := options(name, dockerFile)
			got, control := ask(t, ordinary, with, rows), ask(t, ordinary, without, rows)
			compare(t, rows, control, got)
			refused := slices.ContainsFunc(rows, func(r row) bool { return r.want != "" })
			if refused && slices.Equal(got, control) {
				t.Error("nothing was refused that would not be refused without")
			}
		})
	}
}

// isCompat reports whether a row is about the 32-bit entry point, int $0x80.
func (r row) isCompat() bool { return strings.HasPrefix(r.call, "32:") }

// noEntry is what calls says of int $0x80 on a kernel without the 32-bit entry point: one
// without CONFIG_IA32_EMULATION, or started with ia32_emulation=0 (since Linux 6.7). It is
// an instruction like any other there, and no filter is asked.
const noEntry = "signal 11"

// hasCompat reports whether this kernel has the 32-bit entry point.
func hasCompat(t *testing.T) bool {
	t.Helper()
	switch said := ask(t, ordinary, nil, []row{{call: "32:20"}})[0]; said { // getpid
	case "ok":
		return true
	case noEntry:
		return false
	default:
		t.Fatalf("int $0x80: %s", said)
		return false
	}
}

// compare holds what was said under a profile against the table, and, where that permits
// a call, against what was said without.
func compare(t *testing.T, rows []row, control, got []string) {
	t.Helper()
	for i, r := range rows {
		want := r.want
		if want == "" {
			want = control[i]
		}
		if got[i] != want {
			t.Errorf("%s: %s, want %s; without a filter %s", r.text, got[i], want, control[i])
		}
		if strings.Contains(r.text, " x32 ") {
			t.Logf("%s (without a filter: %s)", r.text, control[i])
		}
	}
}

// TestControlEntryPoints: which ways into the kernel there are. Where x32 is missing,
// its rows above say ENOSYS for whatever is permitted, filter or not; where the 32-bit one
// is missing, nothing can be said about its rows here.
func TestControlEntryPoints(t *testing.T) {
	said := ask(t, ordinary, nil, []row{{call: "64:39"}, {call: "x32:1073741863"}, {call: "64:514"}}) // getpid
	if said[0] != "ok" {
		t.Errorf("x86-64: %s", said[0])
	}
	if said[1] != "ok" && said[1] != "errno 38" {
		t.Errorf("x32: %s", said[1])
	}
	t.Logf("x32: %s; 514, without its bit: %s", said[1], said[2])
	t.Run("32-bit", func(t *testing.T) {
		if !hasCompat(t) {
			t.Skip("this kernel has none: TestAnswersByX32 makes the calls on one that has (make test-vm)")
		}
	})
}

// TestControlUpperHalf: the kernel looks at the lower 32 bits of what is an int. Docker's
// own profile is passed that way: AF_VSOCK is 40.
func TestControlUpperHalf(t *testing.T) {
	vsock := row{call: "64:41:40:1:0"}
	wide := row{call: "64:41:0x100000028:1:0"}
	said := ask(t, ordinary, []string{"--seccomp-profile", file(t, docker)}, []row{vsock, wide})
	if said[0] != "errno 1" || said[1] == "errno 1" {
		t.Errorf("Docker's profile: %q", said)
	}
	said = ask(t, ordinary, []string{"--seccomp-profile", "strict"}, []row{vsock, wide})
	if said[0] != "errno 38" || said[1] != "errno 38" {
		t.Errorf("strict: %q", said)
	}
}
