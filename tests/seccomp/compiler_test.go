package seccomp

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// place installs the launcher in a directory of its own, with a script for a compiler
// beside it, or with none.
func place(t *testing.T, mode string, script string) string {
	t.Helper()
	dir := harness.Scratch(t, base, 0)
	launcher := filepath.Join(dir, "bin/gobwrap")
	if err := testbin.Copy(launcher, gobwrap, mode); err != nil {
		t.Fatal(err)
	}
	if script != "" {
		if err := os.WriteFile(filepath.Join(dir, "bin/gobwrap-seccomp"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return launcher
}

// refused runs a launcher that must end with a sentence, and without the command.
func refused(t *testing.T, u user, launcher, profile, want string) {
	t.Helper()
	r := u.run(t, sandboxed(launcher, []string{"--seccomp-profile", profile}, "/bin/echo", "ran")...)
	if r.Status != "1" || r.Stdout != "" || !strings.HasPrefix(r.Stderr, "gobwrap: --seccomp-profile "+profile+": ") || !strings.Contains(r.Stderr, want) || strings.Count(r.Stderr, "\n") != 1 {
		t.Errorf("%s with %s as %s: %+v, want %q", launcher, profile, u.name, r, want)
	}
}

// TestBadCompilers: a compiler that is missing, fails, crashes, or writes rubbish.
func TestBadCompilers(t *testing.T) {
	p := file(t, podman)
	for script, want := range map[string]string{
		"":              "gobwrap-seccomp, which compiles profiles, is not installed: there is neither " + base,
		"exit 1":        "/bin/gobwrap-seccomp failed with status 1",
		"exit 0":        "/bin/gobwrap-seccomp did not write a filter: the seccomp filter is empty",
		"echo hello":    "did not write a filter: Invalid seccomp data, must be multiple of 8, but there are 6 bytes",
		"echo 1234567":  "did not write a filter: instruction 0 of the seccomp filter (code 0x3231) is not one that seccomp permits",
		"yes":           "there are more than 32768 bytes",
		"kill -SEGV $$": "/bin/gobwrap-seccomp was killed by signal 11",
		"echo 'gobwrap-seccomp: a word' >&2; exit 1":                                    "--seccomp-profile " + p + ": a word\n",
		`printf '\006\000\000\000\000\000\377\177'; exit 1`:                             "failed with status 1", // a filter, but a failure
		"exec >&- 2>&-; sleep 100":                                                      "was killed by signal 9",
		"echo 'error while loading shared libraries: libseccomp.so.2: …' >&2; exit 127": "error while loading shared libraries",
	} {
		launcher := place(t, "0755", script)
		for _, u := range users() {
			refused(t, u, launcher, p, want)
		}
	}
	// No program at all, though it is called like one.
	launcher := place(t, "0755", "")
	if err := os.WriteFile(filepath.Join(filepath.Dir(launcher), "gobwrap-seccomp"), []byte("text"), 0o755); err != nil {
		t.Fatal(err)
	}
	refused(t, ordinary, launcher, p, "can't start "+filepath.Dir(launcher)+"/gobwrap-seccomp: Exec format error")
	// And one that the built-in profiles do not miss.
	r := ordinary.run(t, sandboxed(place(t, "0755", ""), []string{"--seccomp-profile", "strict"}, "/bin/echo", "ran")...)
	if r.Stdout != "ran\n" || r.Status != "0" {
		t.Errorf("%+v", r)
	}
}

// TestSlowCompiler: a compiler that hangs is ended, and nothing of it is left.
func TestSlowCompiler(t *testing.T) {
	launcher := place(t, "0755", "echo $$ > "+base+"/slow; exec sleep 1000")
	if err := os.Chmod(base, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(base, 0o755) }()
	begin := time.Now()
	refused(t, ordinary, launcher, file(t, podman), "did not end within 10s")
	if took := time.Since(begin); took < 9*time.Second || took > harness.Patience {
		t.Errorf("after %v", took)
	}
	gone(t, base+"/slow")
}

// TestKilledLauncher: the compiler does not outlive a launcher that is killed.
func TestKilledLauncher(t *testing.T) {
	dir := filepath.Dir(written(t, nil, 0o644))
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	launcher := place(t, "0755", "echo $$ > "+dir+"/pid; exec sleep 1000")
	argv := sandboxed(launcher, []string{"--seccomp-profile", file(t, podman)}, "true")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinary.id, Gid: ordinary.id}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !harness.Until(func() bool { text, err := os.ReadFile(dir + "/pid"); return err == nil && len(text) > 0 }) {
		t.Fatal("the compiler does not start")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	gone(t, dir+"/pid")
}

// gone requires that the process whose number a file holds ends soon.
func gone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !harness.Until(func() bool { return proc.Gone(pid) }) {
		t.Errorf("process %d is still there", pid)
	}
}

// TestBadProfiles: what is not a profile, as the launcher says it.
func TestBadProfiles(t *testing.T) {
	text, err := os.ReadFile(podman)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(written(t, nil, 0o644))
	if err := syscall.Mkfifo(dir+"/fifo", 0o666); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{
		dir:                             "Is a directory",
		dir + "/fifo":                   "Not a regular file",
		dir + "/none":                   "No such file or directory",
		"/dev/null":                     "Not a regular file",
		"/proc/self/fd/64":              "No such file or directory",
		written(t, nil, 0o644):          "the profile is empty",
		written(t, text[:5000], 0o644):  "the profile is cut off",
		written(t, []byte("{}"), 0o644): "defaultAction is missing",
		written(t, []byte(`{"defaultAction": "SCMP_ACT_NO"}`), 0o644):                                          `defaultAction: unknown action "SCMP_ACT_NO"`,
		written(t, []byte(`{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_S390X"]}`), 0o644): "the profile is for other architectures than SCMP_ARCH_X86_64: [SCMP_ARCH_S390X]",
		written(t, []byte(`{"defaultAction": "SCMP_ACT_\u001b[31m"}`), 0o644):                                  `unknown action "SCMP_ACT_\x1b[31m"`,
		written(t, []byte(strings.Repeat(" ", 2<<20)), 0o644):                                                  "there are more than 1048576 bytes",
	} {
		refused(t, ordinary, gobwrap, p, want)
	}
}

// TestBadFilters: a filter of the caller's that the kernel would refuse at the last step
// is refused before anything runs, in words.
func TestBadFilters(t *testing.T) {
	for text, want := range map[string]string{
		"\x06\x00\x00\x00\x00\x00\xff\x7f\xff\xff\x00\x00\x00\x00\x00\x00": "instruction 1 of the seccomp filter (code 0xffff) is not one that seccomp permits",
		"\x15\x00\x00\x01\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\xff\x7f": "instruction 0 of the seccomp filter jumps over 1 instructions, but only 1 follow",
		"\x20\x00\x00\x00\x00\x00\x00\x00":                                 "the seccomp filter does not end with a return",
		"\x06\x00\x00\x00\x26\x00\x06\x00":                                 "instruction 0 of the seccomp filter returns 0x60026, an action that the kernel does not know",
	} {
		fd, err := os.Open(written(t, []byte(text), 0o644))
		if err != nil {
			t.Fatal(err)
		}
		argv := sandboxed(gobwrap, []string{"--seccomp", "3"}, "/bin/echo", "ran")
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.ExtraFiles = []*os.File{fd}
		if r := ordinary.start(t, cmd); r.Status != "1" || r.Stdout != "" || r.Stderr != "gobwrap: --seccomp 3: "+want+"\n" {
			t.Errorf("%+v, want %q", r, want)
		}
		_ = fd.Close()
	}
}

// TestCompilerIsTheCallers: whatever privilege the launcher is installed with, the
// compiler runs as the caller: no other id, no capability, no signal blocked, no
// environment, no descriptor, and not one that the caller put into PATH or beside a link.
func TestCompilerIsTheCallers(t *testing.T) {
	const tell = `exec >&2
printf '%s ' $(grep -E '^(Uid|Gid|CapEff|CapPrm|CapAmb|SigBlk|NoNewPrivs)' /proc/self/status) fds $(ls /proc/self/fd) env $(env | cut -d= -f1 | sort)
exit 1
`
	p := file(t, podman)
	evil := filepath.Dir(written(t, nil, 0o644))
	if err := os.WriteFile(evil+"/gobwrap-seccomp", []byte("#!/bin/sh\necho evil >&2; exit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"0755", "4755", "6755"} {
		launcher := place(t, mode, tell)
		link := evil + "/gobwrap"
		_ = os.Remove(link)
		if err := os.Symlink(launcher, link); err != nil {
			t.Fatal(err)
		}
		for _, program := range []string{launcher, link} {
			null, err := os.Open("/dev/null")
			if err != nil {
				t.Fatal(err)
			}
			argv := sandboxed(program, []string{"--seccomp-profile", p}, "/bin/echo", "ran")
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.ExtraFiles = []*os.File{null, null, null}
			cmd.Env = []string{"PATH=" + evil + ":/usr/bin:/bin", "SECRET=x", "LD_LIBRARY_PATH=" + evil, "GODEBUG=x"}
			r := ordinary.start(t, cmd)
			_ = null.Close()
			if mode == "6755" { // set-group-id: refused altogether
				if r.Status != "1" || !strings.Contains(r.Stderr, "set-group-id") {
					t.Errorf("%s: %+v", mode, r)
				}
				continue
			}
			for _, want := range []string{
				"Uid: 12345 12345 12345 12345 ", "Gid: 12345 12345 12345 12345 ", "CapPrm: 0000000000000000 ",
				"CapEff: 0000000000000000 ", "CapAmb: 0000000000000000 ", "SigBlk: 0000000000000000 ", "fds 0 1 2 3 env PWD\n",
			} {
				if !strings.Contains(r.Stderr, want) {
					t.Errorf("%s, %s: %s, want %q", mode, program, r.Stderr, want)
				}
			}
		}
	}
}

// TestProfileIsReadAsTheCaller: a set-user-id launcher reads no profile that its caller
// could not read.
func TestProfileIsReadAsTheCaller(t *testing.T) {
	secret := written(t, []byte(`{"defaultAction": "secret"}`), 0o600)
	refused(t, ordinary, installed, secret, "Permission denied")
	refused(t, ordinary, gobwrap, secret, "Permission denied")
	refused(t, root, gobwrap, secret, `unknown action "secret"`)
	p := file(t, docker)
	r := ordinary.run(t, sandboxed(installed, []string{"--mode", "setuid", "--seccomp-profile", p}, calls, "64:272:0")...)
	if r.Stdout != "errno 1\n" || r.Status != "0" {
		t.Errorf("%+v", r)
	}
}

// TestLibexec: the compiler may lie in libexec/gobwrap, beside the directory of the
// launcher.
func TestLibexec(t *testing.T) {
	launcher := place(t, "0755", "")
	if out, err := exec.Command("install", "-D", compiler, filepath.Join(filepath.Dir(launcher), "../libexec/gobwrap/gobwrap-seccomp")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := ordinary.run(t, sandboxed(launcher, []string{"--seccomp-profile", file(t, docker)}, calls, "64:272:0")...)
	if r.Stdout != "errno 1\n" {
		t.Errorf("%+v", r)
	}
}

// TestTightCaller: callers with closed streams, ignored signals, or hardly any
// descriptors.
func TestTightCaller(t *testing.T) {
	p := file(t, docker)
	line := strings.Join(sandboxed(gobwrap, []string{"--seccomp-profile", p}, calls, "64:272:0"), " ")
	for _, around := range []string{
		"%", "% <&-", "% 2>&-", "exec 3>&1; % >&- 1>&3 3>&-", "trap '' INT TERM HUP PIPE CHLD; %", "ulimit -n 20; %", "ulimit -Sn 16; %", "ulimit -c 0; %",
		"cd " + base + "; %", "umask 777; %", "nice -n 19 %", "taskset 1 %",
	} {
		r := ordinary.run(t, "/bin/bash", "-c", strings.Replace(around, "%", line, 1))
		if r.Stdout != "errno 1\n" || r.Status != "0" {
			t.Errorf("%s: %+v", around, r)
		}
	}
}

// TestWithoutCloseRange: where close_range is missing (before 5.11) or refused by a
// filter, the compiler gets no descriptor of the caller's either.
func TestWithoutCloseRange(t *testing.T) {
	const tell = "exec >&2; echo $(ls /proc/self/fd); exit 1\n"
	launcher := place(t, "0755", tell)
	p := file(t, docker)
	for _, errno := range []string{"38", "1"} {
		refuse := written(t, []byte(`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["close_range"], "action": "SCMP_ACT_ERRNO", "errnoRet": `+errno+`}]}`), 0o644)
		null, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		inner := sandboxed(launcher, []string{"--seccomp-profile", p}, "/bin/echo", "ran")
		argv := sandboxed(gobwrap, []string{"--seccomp-profile", refuse, "--unshare-pid", "--proc", "/proc"}, inner...)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.ExtraFiles = []*os.File{null, null, null}
		r := ordinary.start(t, cmd)
		_ = null.Close()
		if want := "gobwrap: --seccomp-profile " + p + ": 0 1 2 3\n"; r.Stderr != want || r.Stdout != "" {
			t.Errorf("%+v, want %q", r, want)
		}
	}
}
