// Package policy_test launches under the administrator's policy.conf: direct mode, setuid mode
// and a Go program's sandboxes, as an ordinary user and as root. /etc is an overlay that nobody
// else sees.
package policy_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/internal/policy"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testbin"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

const uid = 12345

var base, gobwrap, installed, embedding string

func TestMain(m *testing.M) {
	harness.Enter()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "policy:", err)
		os.Exit(2)
	}
	os.Exit(harness.Run(m))
}

func prepare() (err error) {
	base, err = harness.SetUp(map[string]string{"gcc": "gcc and libc6-dev", "strace": "strace", "mount": "mount"})
	if err != nil {
		return err
	}
	gobwrap, installed, embedding = filepath.Join(base, "gobwrap"), filepath.Join(base, "setuid"), filepath.Join(base, "embedding")
	upper, work := filepath.Join(base, "upper"), filepath.Join(base, "work")
	if err := errors.Join(testbin.Launcher(gobwrap), os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755)); err != nil {
		return err
	}
	return errors.Join(
		testbin.Copy(installed, gobwrap, "4755"),
		testbin.Go(embedding, "../tools/oneshot", false),
		syscall.Mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir="+upper+",workdir="+work),
		os.MkdirAll(filepath.Dir(policy.Path), 0o755),
	)
}

// write makes the file.
func write(t *testing.T, text string) {
	t.Helper()
	if err := os.RemoveAll(policy.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(policy.Path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func launch(t *testing.T, as uint32, program string, options ...string) testcmd.Outcome {
	t.Helper()
	options = append(options, "--ro-bind", "/", "/", "--", "/bin/echo", "ran")
	cmd := exec.Command(program, options...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: as, Gid: as, Groups: []uint32{4242}}}
	return testcmd.Run(t, cmd)
}

const (
	refused  = " is refused by the administrator (" + policy.Path + ")"
	required = " is required by the administrator (" + policy.Path + ")"
)

// rows are policies, options, and the message, or "" where the command runs.
var rows = []struct{ text, options, message string }{
	{"", "", ""},
	{"# nothing\n\n", "", ""},
	{"require --unshare-net", "", "--unshare-net" + required},
	{"require --unshare-net", "--unshare-net", ""},
	{"require --unshare-net", "--unshare-all", ""},
	{"require --unshare-net", "--unshare-all --share-net", "--unshare-net" + required},
	{"require --unshare-net --new-session # both", "--unshare-net", "--new-session" + required},
	{"require --unshare-net\nrequire --new-session", "--unshare-net --new-session", ""},
	{"require --die-with-parent", "", "--die-with-parent" + required},
	{"require --die-with-parent", "--die-with-parent", ""},
	{"require --seccomp", "", "--seccomp" + required},
	{"require --seccomp", "--seccomp-profile no-tty-injection", ""},
	{"refuse --bind", "", ""},
	{"refuse --bind", "--bind /tmp /tmp", "--bind" + refused},
	{"refuse --bind", "--dev-bind /tmp /tmp", "--bind" + refused},
	{"refuse --proc\nrefuse --tmpfs", "--tmpfs /tmp", "--tmpfs" + refused},
	{"refuse --proc --tmpfs", "--proc /proc", "--proc" + refused},
	{"refuse --dev\nrefuse --mqueue", "--tmpfs /tmp --proc /proc --unshare-all", ""},
	{"refuse --rlimit", "--nice 5", ""},
	{"refuse --rlimit", "--nice 5 --rlimit nofile=64", "--rlimit" + refused},
	{"refuse --nice --oom-score-adj", "--rlimit nofile=64 --oom-score-adj 500", "--oom-score-adj" + refused},
	{"refuse --cpu-affinity", "--cpu-affinity 0", "--cpu-affinity" + refused},
	{"refuse --usage --forward-signals", "--forward-signals", "--forward-signals" + refused},
	{"require --rlimit --timeout", "--rlimit core=0", "--timeout" + required},
	{"require --rlimit --timeout", "--rlimit core=0 --timeout 3600", ""},
	{"require --mask", "--mask-try /no/such", "--mask" + required},
	{"require --mask", "--ro-bind / / --mask /usr/share", ""},
	{"refuse --mask --protect", "--protect-glob-try /usr/no-*", "--protect" + refused},
	{"refuse --mask-try", "", policy.Path + ":1: this line can't be understood"},
	{"groups 1 2", "", "the administrator permits sandboxes to groups that the caller is not in"},
	{"groups 1 4242", "", ""},
	{"groups 1\ngroups 12345", "", ""},
	{"on", "", policy.Path + ":1: this line can't be understood"},
	{"# fine\n\nrefuse --unshare-user", "", policy.Path + ":3: this line can't be understood"},
	{"require --bind\nrequire", "--bind /tmp /tmp", policy.Path + ":2: this line can't be understood"},
	{"groups users", "", policy.Path + ":1: this line can't be understood"},
	{strings.Repeat("#\n", policy.MaxSize/2), "", ""},
	{strings.Repeat("#\n", policy.MaxSize/2) + "#", "", policy.Path + " can't be trusted"},
}

// TestPolicy: a launch does as the policy says, or there is none, in direct mode and in setuid
// mode; root, who writes the file, is not bound.
func TestPolicy(t *testing.T) {
	for _, row := range rows {
		write(t, row.text)
		name := fmt.Sprintf("%.30q, %s: ", row.text, row.options)
		options := strings.Fields(row.options)
		check := func(how string, o testcmd.Outcome, message string) {
			t.Helper()
			if message == "" && (o.Status != "0" || o.Stdout != "ran\n") {
				t.Errorf("%s%s: %s", name, how, o)
			}
			if message != "" && (o.Status != "1" || o.Stdout != "" || !strings.Contains(o.Stderr, "gobwrap: "+message)) {
				t.Errorf("%s%s: want %q: %s", name, how, message, o)
			}
		}
		check("direct", launch(t, uid, gobwrap, options...), row.message)
		check("root", launch(t, 0, gobwrap, options...), "")
		if !strings.Contains(row.options, "seccomp-profile") {
			check("setuid", launch(t, uid, installed, append([]string{"--mode", "setuid"}, options...)...), row.message)
		}
	}
}

// TestFileOfOthers: a file that is not root's alone, or is not a file, stops every launch.
func TestFileOfOthers(t *testing.T) {
	for name, spoil := range map[string]string{
		"owner": "chown 12345 policy.conf", "group may write": "chmod 664 policy.conf", "all may write": "chmod 646 policy.conf",
		"unreadable": "chmod 600 policy.conf", "a link": "mv policy.conf real; ln -s real policy.conf", "a pipe": "rm policy.conf; mkfifo policy.conf",
		"a directory": "rm policy.conf; mkdir policy.conf", "a directory that is shut": "chmod 700 .",
	} {
		write(t, "")
		cmd := exec.Command("sh", "-ec", spoil)
		cmd.Dir = filepath.Dir(policy.Path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		o := launch(t, uid, gobwrap)
		if o.Status != "1" || o.Stdout != "" || !strings.Contains(o.Stderr, policy.Path+" can't be ") {
			t.Errorf("%s: %s", name, o)
		}
		if err := os.Chmod(filepath.Dir(policy.Path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOtherWays: plans that do not come from the launcher's own command line are judged too, as
// are those that a front end makes; and a sandbox in a sandbox still works.
func TestOtherWays(t *testing.T) {
	write(t, "require --unshare-net")
	if o := launch(t, uid, gobwrap, "--explain"); o.Status != "1" || o.Stdout != "" || !strings.Contains(o.Stderr, "gobwrap: --unshare-net"+required) {
		t.Errorf("with a front end: %s", o)
	}
	if o := launch(t, uid, gobwrap, "--explain", "--unshare-net"); o.Status != "0" || o.Stdout != "ran\n" {
		t.Errorf("with a front end: %s", o)
	}
	write(t, "require --unshare-pid")
	// The program is told by name which option is meant.
	for flag, message := range map[string]string{"-unshare-pid": "", "-try": "--unshare-pid" + required} {
		cmd := exec.Command(embedding, flag, gobwrap, base, "/h/embedding", "-h")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		o := testcmd.Run(t, cmd)
		ran := strings.Contains(o.Stderr, "Usage of /h/embedding")
		if ran != (message == "") || !strings.Contains(o.Stderr, message) {
			t.Errorf("a Go program with %s: %s", flag, o)
		}
	}
	write(t, "require --unshare-net")
	if o := launch(t, uid, gobwrap, "--unshare-net", "--ro-bind", "/", "/", "--proc", "/proc", "--", gobwrap, "--unshare-net"); o.Status != "0" || o.Stdout != "ran\n" {
		t.Errorf("a sandbox in a sandbox: %s", o)
	}
}

// TestCost: without the file a launch makes one system call more, which is for it; with one that
// permits the launch no Go runtime starts.
func TestCost(t *testing.T) {
	calls := func(who uint32, options ...string) string {
		log := filepath.Join(harness.Scratch(t, base, who), "strace")
		o := launch(t, who, "/usr/bin/strace", append([]string{"-f", "-qq", "-o", log, gobwrap}, options...)...)
		if o.Status != "0" {
			t.Fatal(o)
		}
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if err := os.RemoveAll(policy.Path); err != nil {
		t.Fatal(err)
	}
	without := calls(uid, "--unshare-net", "--new-session")
	if n := strings.Count(without, policy.Path); n != 1 || strings.Contains(without, "getgroups") {
		t.Errorf("%d calls for the file that is not there:\n%s", n, without)
	}
	write(t, "require --unshare-net\ngroups 4242\nrefuse --bind")
	with := calls(uid, "--unshare-net", "--new-session")
	for _, of := range []string{"sigaltstack(", "gettid(", "epoll_create1("} {
		if strings.Contains(with, of) {
			t.Errorf("with the file the Go runtime starts: %s:\n%s", of, with)
		}
	}
	if n := strings.Count(with, "getgroups("); n != 1 {
		t.Errorf("%d calls of getgroups: the policy was not read", n)
	}
}

// TestDoctor: the file is called advisory, since this user can make namespaces without the
// launcher, and a step that it refuses has it as its cause.
func TestDoctor(t *testing.T) {
	write(t, "groups 4242")
	o := launch(t, uid, gobwrap, "--doctor")
	if !strings.Contains(o.Stdout, policy.Path+" is advisory here: this user can make namespaces without gobwrap.") {
		t.Errorf("%s", o)
	}
	write(t, "groups 1")
	if o := launch(t, uid, gobwrap, "--doctor=json"); !strings.Contains(o.Stdout, `"policy"`) {
		t.Errorf("%s", o)
	}
}

// TestMountsOfDev: the tmpfs of --dev counts as --tmpfs, and its devices as writable binds.
func TestMountsOfDev(t *testing.T) {
	for _, option := range []string{"--tmpfs", "--bind", "--dev"} {
		write(t, "refuse "+option)
		if o := launch(t, uid, gobwrap, "--ro-bind", "/", "/", "--dev", "/dev"); o.Status != "1" || !strings.Contains(o.Stderr, option+refused) {
			t.Errorf("%s: %s", option, o)
		}
	}
}
