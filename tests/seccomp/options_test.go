package seccomp

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp"
)

// TestWithEveryOption: the built-in profiles stand in the way of nothing that the
// launcher does after it has installed them, in the command or in the reaper: it passes
// on the status, holds locks and dies with its parent.
func TestWithEveryOption(t *testing.T) {
	lock := written(t, nil, 0o644)
	sets := map[string][]string{
		"nothing":                 nil,
		"a reaper":                {"--unshare-pid"},
		"PID 1":                   {"--unshare-pid", "--as-pid-1"},
		"everything":              {"--unshare-all", "--proc", "/proc", "--new-session", "--die-with-parent", "--hostname", "box"},
		"no userns":               {"--unshare-user", "--unshare-pid", "--disable-userns"},
		"ids":                     {"--unshare-user", "--uid", "7", "--gid", "8", "--unshare-pid"},
		"a lock":                  {"--lock-file", lock, "--unshare-pid", "--die-with-parent"},
		"a lock and no namespace": {"--lock-file", lock},
		"a sync fd":               {"--sync-fd", "3", "--unshare-pid"},
		"reports":                 {"--json-status-fd", "3", "--info-fd", "3", "--unshare-all"},
		"waiting":                 {"--block-fd", "4", "--unshare-pid"},
		"caps":                    {"--cap-add", "CAP_CHOWN", "--cap-drop", "CAP_KILL", "--unshare-pid"},
		"directory":               {"--chdir", "/usr", "--setenv", "A", "B", "--argv0", "x", "--unshare-pid"},
		"forgiving":               {"--not-a-security-boundary", "--unshare-pid"},
		"setuid":                  {"--mode", "setuid", "--unshare-pid"},
	}
	for name, set := range sets {
		for _, p := range seccomp.Builtins() {
			for _, u := range users() {
				launcher := gobwrap
				if name == "setuid" {
					if launcher = installed; u == root {
						continue // who has no such mode
					}
				}
				argv := sandboxed(launcher, slices.Concat(set, []string{"--seccomp-profile", p, "--seccomp-profile", p}),
					"/bin/sh", "-c", "(exec true); exec sh -c 'grep ^Seccomp_filters /proc/self/status; exit 42'")
				null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.ExtraFiles = []*os.File{null, null}
				r := u.start(t, cmd)
				_ = null.Close()
				said := ""
				if name == "caps" && u != root { // the sandbox has a devpts, for which set-up needs root
					said = "gobwrap: with --dev and a uid or gid other than 0 the capabilities of --cap-add do not count for the sandbox's network, mounts and other namespaces (--uid 0 --gid 0)\n"
				}
				if r.Status != "42" || r.Stdout != "Seccomp_filters:\t2\n" || r.Stderr != said {
					t.Errorf("%s as %s under %s: %+v", name, u.name, p, r)
				}
			}
		}
	}
}

// TestReaperIsUnderTheProfile: PID 1 too has the filters.
func TestReaperIsUnderTheProfile(t *testing.T) {
	for _, u := range users() {
		r := u.run(t, sandboxed(gobwrap, []string{"--unshare-pid", "--proc", "/proc", "--seccomp-profile", "strict", "--seccomp-profile", "no-userns"}, "grep", "^Seccomp_filters", "/proc/1/status")...)
		if r.Stdout != "Seccomp_filters:\t2\n" {
			t.Errorf("%s: %+v", u.name, r)
		}
	}
}

// TestStacking: profiles, files and filters of the caller's add up, in their order: the
// severest answer counts, so each refuses what it refuses.
func TestStacking(t *testing.T) {
	answers := written(t, []byte(`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77}]}`), 0o644)
	compiled := ordinary.run(t, compiler, "compile", answers)
	own := written(t, []byte(strings.Replace(compiled.Stdout, "\x4d\x00\x05\x00", "\x4e\x00\x05\x00", 1)), 0o644) // 78
	for _, c := range []struct {
		options []string
		filters string
		want    []string // getppid, unshare(CLONE_NEWUSER), ioctl(TIOCSTI)
	}{
		{[]string{"--seccomp-profile", answers}, "1", []string{"errno 77", "ok", "errno 25"}},
		{[]string{"--seccomp", "3"}, "1", []string{"errno 78", "ok", "errno 25"}},
		{[]string{"--seccomp-profile", "no-userns", "--seccomp", "3", "--seccomp-profile", "no-tty-injection"}, "3", []string{"errno 78", "errno 1", "errno 1"}},
		{[]string{"--add-seccomp-fd", "3", "--seccomp-profile", answers}, "2", []string{"errno 77", "ok", "errno 25"}}, // the last installed is asked first
		{[]string{"--seccomp-profile", answers, "--add-seccomp-fd", "3"}, "2", []string{"errno 78", "ok", "errno 25"}},
		{[]string{"--seccomp-profile", "strict", "--seccomp-profile", answers, "--seccomp", "3", "--seccomp-profile", "no-userns"}, "4", []string{"errno 78", "errno 1", "errno 1"}},
	} {
		fd, err := os.Open(own)
		if err != nil {
			t.Fatal(err)
		}
		argv := sandboxed(gobwrap, c.options, calls, "64:110", "64:272:0x10000000", "64:16:0:0x5412")
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.ExtraFiles = []*os.File{fd}
		r := ordinary.start(t, cmd)
		if got := lines(r.Stdout); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q; %s", c.options, got, c.want, r.Stderr)
		}
		if _, err := fd.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		argv = sandboxed(gobwrap, c.options, "grep", "^Seccomp_filters", "/proc/self/status")
		cmd = exec.Command(argv[0], argv[1:]...)
		cmd.ExtraFiles = []*os.File{fd}
		if r := ordinary.start(t, cmd); r.Stdout != "Seccomp_filters:\t"+c.filters+"\n" {
			t.Errorf("%q: %+v, want %s", c.options, r, c.filters)
		}
		_ = fd.Close()
	}
}

// TestDryRun: the plan shows each filter with its option; nothing runs.
func TestDryRun(t *testing.T) {
	p := file(t, podman)
	r := ordinary.run(t, sandboxed(gobwrap, []string{"--dry-run", "--seccomp-profile", "strict", "--seccomp-profile", p}, "true")...)
	first, second := strings.Index(r.Stdout, "; --seccomp-profile strict\n"), strings.Index(r.Stdout, "; --seccomp-profile "+p+"\n")
	if r.Status != "0" || first < 0 || second < first {
		t.Errorf("%+v", r)
	}
}

// TestThroughArgs: the option works in a file of arguments, with a path that is relative
// to the caller's directory.
func TestThroughArgs(t *testing.T) {
	p := file(t, docker)
	args := written(t, []byte("--ro-bind\x00/\x00/\x00--seccomp-profile\x00./"+filepath.Base(p)+"\x00"), 0o644)
	fd, err := os.Open(args)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fd.Close() }()
	cmd := exec.Command("/bin/sh", "-c", `cd "$1" && exec "$2" --args 3 -- "$3" 64:272:0`, "sh", filepath.Dir(p), gobwrap, calls)
	cmd.ExtraFiles = []*os.File{fd}
	if r := ordinary.start(t, cmd); r.Stdout != "errno 1\n" {
		t.Errorf("%+v", r)
	}
}

// TestCapabilitiesOfTheCommand: a profile's conditions are asked about the command's
// capabilities, not about the launcher's.
func TestCapabilitiesOfTheCommand(t *testing.T) {
	p := file(t, docker)
	for _, c := range []struct {
		u       user
		options []string
		want    string // unshare(0)
	}{
		{ordinary, nil, "errno 1"},
		{ordinary, []string{"--cap-add", "CAP_SYS_ADMIN"}, "ok"},
		{ordinary, []string{"--cap-add", "ALL"}, "ok"},
		{ordinary, []string{"--cap-add", "CAP_SYS_ADMIN", "--cap-drop", "ALL"}, "errno 1"},
		{root, nil, "ok"},
		{root, []string{"--cap-drop", "ALL"}, "errno 1"},
		{root, []string{"--cap-drop", "CAP_SYS_ADMIN"}, "errno 1"},
	} {
		// The order of options makes no difference.
		for _, options := range [][]string{append([]string{"--seccomp-profile", p}, c.options...), append(slices.Clone(c.options), "--seccomp-profile", p)} {
			if r := c.u.run(t, sandboxed(gobwrap, options, calls, "64:272:0")...); r.Stdout != c.want+"\n" {
				t.Errorf("%s, %q: %+v, want %s", c.u.name, options, r, c.want)
			}
		}
	}
}
