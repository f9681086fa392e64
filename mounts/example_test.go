package mounts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// run runs a shell script in a sandbox with the host's programs and more, and prints what it
// says.
func run(script string, more ...mounts.Op) {
	c := sandbox.Command("sh", "-c", script)
	c.Env = []string{"PATH=/usr/bin", "LC_ALL=C"}
	c.Spec.Files = append(append(mounts.System(), mounts.Proc("/proc")), more...)
	out, err := c.CombinedOutput()
	fmt.Print(string(out))
	if err != nil {
		fmt.Println(err)
	}
}

// tempDir is a directory of the host for one example, with a file that says its name.
func tempDir(name string) string {
	dir, err := os.MkdirTemp("", "example-")
	if err == nil {
		dir = filepath.Join(dir, name)
		err = os.Mkdir(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), []byte("from "+name+"\n"), 0o644)
	}
	if err != nil {
		panic(err)
	}
	return dir
}

func Example() {
	dir := tempDir("project")
	defer os.RemoveAll(filepath.Dir(dir))
	run("cat /src/project; echo made >/src/new; df /tmp | tail -1 | cut -d' ' -f1; ls /etc",
		mounts.ReadWrite(dir).At("/src"),
		mounts.Tmpfs("/tmp").Size(64<<20),
		mounts.ReadOnly("/etc/no such file").Try(),
		mounts.Dir("/etc"),
	)
	text, err := os.ReadFile(filepath.Join(dir, "new"))
	fmt.Print(string(text), err, "\n")
	// Output:
	// from project
	// tmpfs
	// made
	// <nil>
}

// A tree of the host that cannot be written.
func ExampleReadOnly() {
	dir := tempDir("data")
	defer os.RemoveAll(filepath.Dir(dir))
	run("cat /data/data; touch /data/new", mounts.ReadOnly(dir).At("/data"))
	// Output:
	// from data
	// touch: cannot touch '/data/new': Read-only file system
	// exit status 1
}

// The programs and libraries of the host, as its links have them.
func ExampleSystem() {
	run("ls -d /usr /bin /etc")
	// Output:
	// ls: cannot access '/etc': No such file or directory
	// /bin
	// /usr
	// exit status 2
}

// A directory for one user alone, a link, and permission bits that change.
func ExampleOp_Perms() {
	run("stat -c '%a %n' /private /private/file; readlink /link",
		mounts.Dir("/private").Perms(0o700),
		mounts.File("/private/file", mounts.Bytes("x")),
		mounts.Chmod("/private/file", 0o400),
		mounts.Symlink("/private/file", "/link"),
	)
	// Output:
	// 700 /private
	// 400 /private/file
	// /private/file
}

// Files that exist in the sandbox alone, of what this program knows.
func ExampleFile() {
	run("cat /etc/motd; touch /etc/hostname",
		mounts.File("/etc/motd", mounts.Bytes("not on any disk\n")),
		mounts.ReadOnlyData("/etc/hostname", mounts.Bytes("box\n")),
	)
	// Output:
	// not on any disk
	// touch: cannot touch '/etc/hostname': Read-only file system
	// exit status 1
}

// Two trees as one. What is written goes to memory.
func ExampleTmpOverlay() {
	low, high := tempDir("low"), tempDir("high")
	defer os.RemoveAll(filepath.Dir(low))
	defer os.RemoveAll(filepath.Dir(high))
	run("touch /both/new && ls /both", mounts.TmpOverlay("/both", low, high))
	_, err := os.Stat(filepath.Join(high, "new"))
	fmt.Println(os.IsNotExist(err))
	// Output:
	// high
	// low
	// new
	// true
}

// Device files, and a root that is closed when everything is in it.
func ExampleDev() {
	run("ls /dev/null /dev/tty; touch /x", mounts.Dev("/dev"), mounts.RemountReadOnly("/"))
	// Output:
	// /dev/null
	// /dev/tty
	// touch: cannot touch '/x': Read-only file system
	// exit status 1
}

// A directory that this program has open.
func ExampleReadOnlyFD() {
	dir := tempDir("open")
	defer os.RemoveAll(filepath.Dir(dir))
	f, err := os.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	c := sandbox.Command("cat", "/there/open")
	c.Env = []string{"PATH=/usr/bin"}
	c.Spec.Files = append(mounts.System(), mounts.ReadOnlyFD(c.Pass(f), "/there"))
	out, err := c.Output()
	fmt.Print(strings.TrimSpace(string(out)), " ", err, "\n")
	// Output: from open <nil>
}

// A secret that nobody opens, and a directory that stays as it is and where it is.
func ExampleMask() {
	dir := tempDir("project")
	defer os.RemoveAll(filepath.Dir(dir))
	if err := os.MkdirAll(filepath.Join(dir, ".git/hooks"), 0o755); err != nil {
		panic(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("KEY=secret\n"), 0o600); err != nil {
		panic(err)
	}
	run("cd /src; cat .env; touch .git/hooks/x; mv .git x; mkdir .vscode; touch .git/work new && ls",
		mounts.ReadWrite(dir).At("/src"),
		mounts.Mask("/src/**/.env*").Glob(),
		mounts.Protect("/src/.git/hooks"),
		mounts.Protect("/src/.vscode/"),
	)
	_, err := os.Lstat(filepath.Join(dir, ".vscode"))
	fmt.Println("left behind:", err == nil)
	// Output:
	// cat: .env: Permission denied
	// touch: cannot touch '.git/hooks/x': Read-only file system
	// mv: cannot move '.git' to 'x': Device or resource busy
	// mkdir: cannot create directory '.vscode': File exists
	// new
	// project
	// left behind: false
}
