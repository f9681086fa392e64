package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/seccomp/bpf"
	"github.com/gobwrap/gobwrap/seccomp/profile"
)

const (
	docker = "../../seccomp/testdata/docker.json"
	podman = "../../seccomp/builtin/default.json"
)

// result is what a run came to.
type result struct {
	status   int
	out, err string
}

// runs is a run of the program on words, with text on its standard input.
func runs(text string, words ...string) result {
	var out, err bytes.Buffer
	t := tool{in: strings.NewReader(text), out: &out, err: &err}
	status := t.run(words)
	return result{status, out.String(), err.String()}
}

// file writes a file and returns its name.
func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCompile(t *testing.T) {
	target := profile.Target{Arch: "amd64", Caps: []string{"CAP_SYS_ADMIN", "CAP_BPF"}, Kernel: profile.Kernel{Major: 6, Minor: 1}}
	text, err := os.ReadFile(docker)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Parse("", text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := profile.Compile(target, p)
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"compile", "--arch", "amd64", "--kernel", "6.1", "--cap", "CAP_SYS_ADMIN", "--cap", "CAP_BPF"}
	for _, r := range []result{
		runs("", append(flags, docker)...),
		runs(string(text), append(flags, "-")...),
		runs("", "compile", "-arch=amd64", "-kernel=6.1.0-13-amd64", "-cap", "CAP_BPF,CAP_SYS_ADMIN", "-o", "-", docker),
	} {
		if r.status != 0 || r.err != "" || r.out != string(want) {
			t.Errorf("status %d, %d bytes, %s", r.status, len(r.out), r.err)
		}
	}
	output := file(t, "what was there before, "+strings.Repeat("longer", 10000))
	if r := runs("", append(flags, "-o", output, docker)...); r != (result{}) {
		t.Errorf("-o: %+v", r)
	}
	if got, err := os.ReadFile(output); err != nil || !bytes.Equal(got, want) {
		t.Errorf("-o: %d bytes, %v", len(got), err)
	}
	// A profile that is none leaves the output alone.
	if r := runs("{", append(flags, "-o", output, "-")...); r.status != 1 {
		t.Errorf("-o: %+v", r)
	}
	if got, err := os.ReadFile(output); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the output was touched: %d bytes, %v", len(got), err)
	}
}

// TestThisMachine: without flags, a profile is compiled for this kernel.
func TestThisMachine(t *testing.T) {
	text := `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["ptrace"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "3.5"}}, {"names": ["read"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "99.0"}}]}`
	filter := file(t, runs(text, "compile", "-").out)
	for call, want := range map[string]string{"ptrace": "errno EPERM\n", "read": "allow\n"} {
		if r := runs("", "test", filter, call); r.out != want {
			t.Errorf("%s: %+v", call, r)
		}
	}
}

func TestCheckCommand(t *testing.T) {
	r := runs("", "check", "--arch", "amd64", "--kernel", "6.1", docker)
	if r.status != 0 || r.err != "" || !strings.HasSuffix(r.out, " instructions\n") {
		t.Errorf("%+v", r)
	}
	for _, want := range []string{`"mseal"`, "only with CAP_SYS_ADMIN", "compares 64 bits", "amd64, Linux 6.1: "} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not said:\n%s", want, r.out)
		}
	}
	if more := runs("", "check", "--arch", "amd64", "--kernel", "6.1", "--cap", "ALL", docker); strings.Contains(more.out, "only with CAP") {
		t.Errorf("with all capabilities:\n%s", more.out)
	}
	if r := runs(`{"defaultAction": "SCMP_ACT_ALLOW", "\u001b[31mred": 1}`, "check", "-"); strings.Contains(r.out, "\x1b") || !strings.Contains(r.out, "red") {
		t.Errorf("a key of control characters: %q", r.out)
	}
}

func TestDumpCommand(t *testing.T) {
	for arch, call := range map[string]string{"amd64": "; unshare", "x86": "; x86", "arm64": "; aarch64"} {
		r := runs("", "dump", "--arch", arch, "no-userns")
		if r.status != 0 || !strings.Contains(r.out, "   0  A = arch\n") || !strings.Contains(r.out, call) {
			t.Errorf("%s: %+v", arch, r)
		}
	}
	code, _ := seccomp.Builtin("strict", "arm64")
	if a, b := runs(string(code), "dump", "-"), runs("", "dump", "--arch", "aarch64", "strict"); a != b || a.status != 0 {
		t.Errorf("%+v, %+v", a, b)
	}
	if a, b := runs("", "dump", file(t, string(code))), runs(string(code), "dump", "-"); a != b {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestTestCommand(t *testing.T) {
	for line, want := range map[string]string{
		"no-userns unshare 0x10000000":                   "errno EPERM",
		"no-userns unshare 268435456":                    "errno EPERM",
		"no-userns unshare 0":                            "allow",
		"no-userns unshare":                              "allow",
		"no-userns 272 02000000000":                      "errno EPERM",
		"--arch x86 no-userns 310 0x10000000":            "errno EPERM",
		"--arch x32 no-userns unshare":                   "kill_process",
		"--arch arm64 no-userns clone3":                  "errno ENOSYS",
		"no-tty-injection ioctl 0 0x5412":                "errno EPERM",
		"no-tty-injection ioctl -1 -9223372036854754286": "errno EPERM", // 0x8000…5412
		"no-tty-injection ioctl 1 2 3 4 5 6":             "allow",
		"default -1":                                     "errno ENOSYS",
		"default 4294967295":                             "errno ENOSYS",
		"strict personality -1":                          "allow",
		"strict personality 18446744073709551615":        "allow",
		"--arch amd64 strict 0x40000000":                 "kill_process",
	} {
		args := append([]string{"test"}, strings.Fields(line)...)
		if !strings.Contains(line, "--arch") {
			args = append([]string{"test", "--arch", "x86_64"}, args[1:]...)
		}
		if r := runs("", args...); r != (result{0, want + "\n", ""}) {
			t.Errorf("%s: %+v, want %q", line, r, want)
		}
	}
}

// TestBadInput: what cannot be, with the words for it. The status is 1.
func TestBadInput(t *testing.T) {
	rule := func(s string) string {
		return `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": ` + s + `}]}`
	}
	cut, err := os.ReadFile(podman)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ input, line, want string }{
		{"", "compile -", "the profile is empty"},
		{string(cut[:len(cut)/2]), "compile -", "the profile is cut off"},
		{"\x7fELF", "compile -", "line 1: not JSON"},
		{rule(`"SCMP_ACT_MAYBE"`), "compile -", `syscalls[0]: action: unknown action "SCMP_ACT_MAYBE"`},
		{rule(`"SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_LIKE"}]`), "compile -", `args[0]: unknown operator "SCMP_CMP_LIKE"`},
		{rule(`"SCMP_ACT_ERRNO", "args": [{"index": 6, "op": "SCMP_CMP_EQ"}]`), "compile -", "args[0]: index 6"},
		{rule(`"SCMP_ACT_ERRNO", "errnoRet": 5000`), "compile -", "errnoRet 5000: at most 4094"},
		{rule(`"SCMP_ACT_ERRNO"`), "compile --arch s390x -", `no filters are made for "s390x"`},
		{rule(`"SCMP_ACT_ERRNO"`), "compile --cap SYS_ADMIN -", `invalid capability "SYS_ADMIN"`},
		{rule(`"SCMP_ACT_ERRNO"`), "compile --kernel new -", `"new" is not a kernel version`},
		{rule(`"SCMP_ACT_ERRNO"`), "compile --bogus -", "flag provided but not defined: -bogus"},
		{rule(`"SCMP_ACT_ERRNO"`), "compile -o /nonexistent/x -", "open /nonexistent/x: no such file or directory"},
		{rule(`"SCMP_ACT_ERRNO"`), "check --arch 386 -", "no filters are made for"},
		{"", "compile /nonexistent", "open /nonexistent: no such file or directory"},
		{"", "compile /", "read /: is a directory"},
		{"", "compile /dev/null", "/dev/null: the profile is empty"},
		{"", "check /dev/null", "/dev/null: the profile is empty"},
		{strings.Repeat(" ", 1<<20+1), "compile -", "there are more than 1048576 bytes"},
		{"", "dump -", "the seccomp filter is empty"},
		{"1234567", "dump -", "must be multiple of 8"},
		{"12345678", "dump -", "instruction 0 of the seccomp filter (code 0x3231) is not one"},
		{strings.Repeat("12345678", 5000), "dump -", "there are more than 32768 bytes"},
		{"12345678", "test - read", "instruction 0"},
		{"", "dump /nonexistent", "open /nonexistent"},
		{"", "dump /etc", "read /etc: is a directory"},
		{"", "dump --arch z80 strict", `unknown architecture "z80"`},
		{"", "test strict no_such_call", `"no_such_call" is not a system call that libseccomp`},
		{"", "test --arch amd64 strict waitpid", `x86_64 has no number for "waitpid"`},
		{"", "test strict 1x", `"1x" is not the number of a system call`},
		{"", "test strict 4294967296", `"4294967296" is not the number of a system call`},
		{"", "test strict read x", `invalid argument "x"`},
		{"", "test strict read 18446744073709551616", `invalid argument "18446744073709551616"`},
		{"", "test strict read -9223372036854775809", `invalid argument`},
		{"", "dump Strict", "open Strict: no such file"},
	} {
		r := runs(c.input, strings.Fields(c.line)...)
		if r.status != 1 || r.out != "" || !strings.HasPrefix(r.err, "gobwrap-seccomp: ") || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: %+v, want %q", c.line, r, c.want)
		}
	}
}

// TestUsage: command lines that are none. The status is 2.
func TestUsage(t *testing.T) {
	for _, line := range []string{
		"", "bogus", "compile", "check", "check a b", "dump", "dump a b", "test", "test strict",
		"test strict read 1 2 3 4 5 6 7", "compile -h", "--bogus",
	} {
		r := runs("", strings.Fields(line)...)
		if r.status != 2 || r.out != "" || !strings.HasPrefix(r.err, "usage: gobwrap-seccomp compile ") {
			t.Errorf("%q: %+v", line, r)
		}
	}
	for _, line := range []string{"--help", "-h"} {
		if r := runs("", line); r.status != 0 || r.err != "" || !strings.Contains(r.out, "default, no-tty-injection") {
			t.Errorf("%s: %+v", line, r)
		}
	}
	if r := runs("", "--version"); !regexp.MustCompile(`^gobwrap-seccomp \d+\.\d+\.\d+ \(libseccomp 2\.\d+\.\d+\)\n$`).MatchString(r.out) {
		t.Errorf("--version: %+v", r)
	}
}

// full is a stream that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFullOutput(t *testing.T) {
	for _, line := range []string{"--version", "compile " + docker, "check " + docker, "dump strict", "test strict read"} {
		var err bytes.Buffer
		tl := tool{in: strings.NewReader(""), out: full{}, err: &err}
		if status := tl.run(strings.Fields(line)); status != 1 || !strings.Contains(err.String(), "no space left") {
			t.Errorf("%s: %d, %s", line, status, err.String())
		}
	}
}

// TestBuiltinsAreCurrent makes the built-in profiles again, as go generate does, and
// compares. The bytes are those of Debian 12's libseccomp, whose tables end with
// Linux 6.7.
func TestBuiltinsAreCurrent(t *testing.T) {
	_, has67 := profile.Number(bpf.X86_64, "map_shadow_stack")
	_, has610 := profile.Number(bpf.X86_64, "mseal")
	if profile.Library() != "2.5.4" || has67 != nil || has610 == nil {
		t.Skipf("libseccomp %s is not Debian 12's, 2.5.4-1+deb12u1", profile.Library())
	}
	source, err := os.ReadFile("../../seccomp/builtin.go")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../../seccomp")
	var made []string
	for line := range strings.Lines(string(source)) {
		words := strings.Fields(line)
		if len(words) < 4 || words[0] != "//go:generate" {
			continue
		}
		if !slices.Equal(words[1:5], []string{"go", "run", "../cmd/gobwrap-seccomp", "compile"}) {
			t.Fatalf("not understood: %s", line)
		}
		words = words[4:]
		at := slices.Index(words, "-o")
		output := words[at+1]
		want, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		words[at+1] = "-"
		if r := runs("", words...); r.status != 0 || r.out != string(want) {
			t.Errorf("%s is not what go generate ./seccomp makes: %s", output, r.err)
		}
		made = append(made, strings.TrimSuffix(filepath.Base(output), ".bpf"))
	}
	for _, name := range seccomp.Builtins() {
		for _, arch := range []string{"amd64", "arm64"} {
			if !slices.Contains(made, name+"-"+arch) {
				t.Errorf("nobody makes %s for %s", name, arch)
			}
		}
	}
}
