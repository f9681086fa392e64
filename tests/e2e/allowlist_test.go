package e2e_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"golang.org/x/sys/unix"
)

// allowList is a filter that permits these calls and answers all others with answer.
func allowList(answer uint32, calls ...uint32) []byte {
	var out []byte
	insn := func(code uint16, yes, no uint8, k uint32) {
		out = binary.LittleEndian.AppendUint16(out, code)
		out = binary.LittleEndian.AppendUint32(append(out, yes, no), k)
	}
	insn(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0)
	for i, nr := range calls {
		insn(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, uint8(len(calls)-i), 0, nr)
	}
	insn(unix.BPF_RET|unix.BPF_K, 0, 0, answer)
	insn(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW)
	return out
}

// answers are what an allow-list does with the other calls.
var answers = map[string]uint32{
	"kill":  unix.SECCOMP_RET_KILL_PROCESS,
	"trap":  unix.SECCOMP_RET_TRAP,
	"eperm": unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM),
}

// filterFile is a file with data, opened at its start.
func filterFile(t *testing.T, data []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "filter")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, name)
}

// buildBare builds the program that makes one system call.
func buildBare(t *testing.T) string {
	t.Helper()
	path := filepath.Join(root.scratch(t), "bare")
	if err := testbin.C(path, "testdata/bare.c", "-nostdlib"); err != nil {
		t.Fatal(err)
	}
	return path
}

// Nothing but the exec comes between the payload's filters and the payload: an allow-list
// of execve is enough for a program that ends by a permitted call. Init lives on under it.
func TestAllowList(t *testing.T) {
	t.Parallel()
	bare := buildBare(t)
	for answer, ret := range answers {
		t.Run(answer, func(t *testing.T) {
			eachSide(t, func(t *testing.T, who identity, e engine) {
				for name, options := range map[string][]string{
					"plain": nil,
					"die":   {"--die-with-parent"},
					"pid":   {"--unshare-pid"},
					"all":   {"--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--new-session"},
					"pid-1": {"--unshare-pid", "--as-pid-1"},
					"fail":  {"--setup-exit-status", "99"},
					"lock":  {"--lock-file", "/bare", "--chdir", "/"},
				} {
					filter := allowList(ret, unix.SYS_EXECVE, unix.SYS_EXIT_GROUP)
					args := append(box(slices.Concat(options, []string{"--ro-bind", bare, "/bare", "--seccomp", "3"})...), "/bare")
					o := launch{who: who, wrap: e.Wrap, args: args, files: []*os.File{filterFile(t, filter)}}.run(t)
					if o.Status != "7" || o.Stdout+o.Stderr != "" {
						t.Errorf("%s: want status 7: %s", name, o)
					}
				}
			})
		})
	}
}

// A filter of the greatest length leaves no room for init's exceptions, and works.
func TestLongestFilter(t *testing.T) {
	t.Parallel()
	filter := slices.Repeat(allowList(0)[:8], 4095) // loads
	filter = append(filter, allowList(unix.SECCOMP_RET_ALLOW)[8:16]...)
	for _, n := range []int{4084, 4085, 4096} { // instructions
		data := filter[len(filter)-8*n:]
		args := append(box("--unshare-pid", "--seccomp", "3"), "/h/probe", "echo", "in")
		launch{who: user, args: args, files: []*os.File{filterFile(t, data)}}.run(t).OK(t, "in\n")
	}
}

// An allow-list with write, which programs have, lets the launcher say why the command does
// not run. The control's message comes out, too.
func TestAllowListAndNoCommand(t *testing.T) {
	t.Parallel()
	dir := root.scratch(t)
	root.shell(t, dir, `printf '#!/nonexistent/sh\n' >script; chmod 0755 script`)
	filter := allowList(unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_EXECVE, unix.SYS_EXIT_GROUP, unix.SYS_WRITE)
	run := func(who identity, command string, options ...string) outcome {
		options = append(options, "--ro-bind", dir, "/d", "--seccomp", "3")
		return launch{who: who, args: append(box(options...), command), files: []*os.File{filterFile(t, filter)}}.run(t)
	}
	eachWho(t, func(t *testing.T, who identity) {
		for _, options := range [][]string{nil, {"--unshare-pid"}} {
			run(who, "/nonexistent", options...).Refused(t, "execvp /nonexistent: No such file or directory")
			o := run(who, "/d/script", options...)
			o.Refused(t, "execvp /d/script: No such file or directory")
			if !strings.Contains(o.Stderr, `"/nonexistent/sh"`) {
				t.Errorf("the interpreter is not named: %s", o)
			}
		}
	})
	args := []string{control, "--ro-bind", dir, "/d", "--seccomp", "3", "--", "/d/script"}
	o := launch{who: user, args: args, files: []*os.File{filterFile(t, allowList(unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM), unix.SYS_EXECVE, unix.SYS_EXIT_GROUP, unix.SYS_WRITE))}}.run(t)
	if !strings.Contains(o.Stderr, "execvp /d/script: No such file or directory") {
		t.Errorf("the control: %s", o)
	}
}
