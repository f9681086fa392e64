package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// The host's programs, read-only, and nothing to write to.
var programs = append(mounts.System(), mounts.Proc("/proc"))

func Example() {
	c := sandbox.Command("sh", "-c", "ls -d /etc; echo $$")
	c.Env = []string{"PATH=/usr/bin"}
	c.Spec.Files = programs
	out, err := c.CombinedOutput()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// ls: cannot access '/etc': No such file or directory
	// 2
	// <nil>
}

// A directory that the command may write to, and where it starts.
func ExampleCmd() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	c := sandbox.Command("sh", "-c", "cat >made; touch /usr/made")
	c.Env = []string{"PATH=/usr/bin", "LC_ALL=C"}
	c.Dir = "/work"
	c.Stdin = strings.NewReader("by the command\n")
	c.Stdout, c.Stderr = os.Stdout, os.Stdout
	c.Spec.Files = append(programs, mounts.ReadWrite(dir).At("/work"))
	fmt.Println(c.Run())
	made, _ := os.ReadFile(dir + "/made")
	fmt.Printf("%s", made)
	// Output:
	// touch: cannot touch '/usr/made': Read-only file system
	// exit status 1
	// by the command
}

// A command that takes too long is ended, with all that it has started.
func ExampleCommandContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	c := sandbox.CommandContext(ctx, "sh", "-c", "sleep 1000 & sleep 1000")
	c.Env = []string{"PATH=/usr/bin"}
	c.Spec.Files = programs
	err := c.Run()
	fmt.Println(err, ctx.Err())
	// Output: signal: killed context deadline exceeded
}

// A command that is asked to end, and has some time for it.
func ExampleCmd_Signal() {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	c := sandbox.CommandContext(ctx, "sh", "-c", "trap 'echo saved; exit 3' TERM; while :; do sleep 0.01; done")
	c.Env = []string{"PATH=/usr/bin"}
	c.Stdout = os.Stdout
	c.Spec.Files = programs
	c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	fmt.Println(c.Run())
	// Output:
	// saved
	// exit status 3
}

// Another user inside, another name of the host, and a directory for one user alone: what
// may be left out is made by a function.
func ExampleSetID() {
	c := sandbox.Command("sh", "-c", "id -u; hostname; stat -c %a /private")
	c.Env = []string{"PATH=/usr/bin"}
	c.Spec.Namespaces = sandbox.Namespaces{User: sandbox.Want, Hostname: sandbox.SetText("box")}
	c.Spec.Identity.UID = sandbox.SetID(7)
	c.Spec.Files = append(programs, mounts.Dir("/private").Perms(0o700))
	out, err := c.Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// 7
	// box
	// 700
	// <nil>
}

// A field that cannot be as it is, is named before anything is started.
func ExampleSetupError_field() {
	c := sandbox.Command("true")
	c.Spec.Files = []mounts.Op{mounts.ReadOnly("/usr"), mounts.ReadWrite(os.Getenv("UNSET")).At("/data")}
	fmt.Println(c.Run())
	c.Spec.Files = []mounts.Op{mounts.Tmpfs("/tmp").Perms(0o777777)}
	fmt.Println(c.Run())
	// Output:
	// Files[1].Source: must not be empty
	// Files[0].Perms: 0777777 is more than 07777
}

// What could not be set up says where, and why.
func ExampleSetupError() {
	c := sandbox.Command("true")
	c.Spec.Files = []mounts.Op{mounts.ReadOnly("/no such place").At("/data")}
	err := c.Run()
	var setup *sandbox.SetupError
	if errors.As(err, &setup) {
		fmt.Println(setup.Stage, setup.Field, setup.Path, errors.Is(err, fs.ErrNotExist))
	}
	fmt.Println(err)
	// Output:
	// source Files[0] /no such place true
	// Can't find source path /no such place: No such file or directory
}

// A command that is not there, and one that fails.
func ExampleExitError() {
	c := sandbox.Command("nosuch")
	c.Env = []string{"PATH=/usr/bin"}
	c.Spec.Files = programs
	fmt.Println(errors.Is(c.Run(), exec.ErrNotFound))
	c = sandbox.Command("sh", "-c", "exit 3")
	c.Env = []string{"PATH=/usr/bin"}
	c.Spec.Files = programs
	var exit *sandbox.ExitError
	if errors.As(c.Run(), &exit) {
		fmt.Println(exit.ExitCode())
	}
	// Output:
	// true
	// 3
}

// A file of the command's own, from a pipe. What the program has in memory goes there by
// mounts.Bytes.
func ExampleCmd_Pass() {
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintln(w, "not on any disk")
	w.Close()
	c := sandbox.Command("cat", "/etc/motd")
	c.Env = []string{"PATH=/usr/bin"}
	c.Spec.Files = append(programs, mounts.File("/etc/motd", c.Pass(r)))
	out, err := c.Output()
	r.Close()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// not on any disk
	// <nil>
}

// With the host's network, no capability, and a filter.
func ExampleSpec() {
	c := sandbox.Command("cat", "/proc/self/status")
	c.Env = []string{"PATH=/usr/bin"}
	c.Spec = sandbox.Spec{
		Namespaces: sandbox.Namespaces{Net: sandbox.Share},
		Files:      programs,
		Lockdown:   sandbox.Lockdown{Filters: []sandbox.Filter{{Profile: "strict"}}},
	}
	out, err := c.Output()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "CapEff") || strings.HasPrefix(line, "Seccomp:") || strings.HasPrefix(line, "NoNewPrivs") {
			fmt.Print(line)
		}
	}
	fmt.Println(err)
	// Output:
	// CapEff:	0000000000000000
	// NoNewPrivs:	1
	// Seccomp:	2
	// <nil>
}

// What would be done, a step a line.
func ExampleCmd_Plan() {
	c := sandbox.Command("/bin/true")
	c.Env, c.Dir = []string{}, "/"
	c.Spec = sandbox.Spec{
		Namespaces: sandbox.Namespaces{User: sandbox.Want},
		Files:      []mounts.Op{mounts.ReadOnly("/usr")},
	}
	plan, err := c.Plan()
	for line := range strings.Lines(plan) {
		if strings.Contains(line, "source ") || strings.Contains(line, "bind ") || strings.HasPrefix(line, "argv") {
			fmt.Print(strings.Join(strings.Fields(line)[1:], " "), "\n")
		}
	}
	fmt.Println(err)
	// Output:
	// source path="/usr" ; "Files[0]"
	// bind src=3 dst="/usr" add=ro,nosuid,nodev parents=0700 ; "Files[0]"
	// /bin/true
	// <nil>
}
