package seccomp

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// everyday are command lines of everyday use. Each says "fine" at its end.
func everyday() map[string][]string {
	return map[string][]string{
		"sh": {"/bin/sh", "-c", `set -e
			cd /tmp; mkdir d; for i in 1 2 3; do echo $i > d/$i; done
			[ "$(cat d/* | sort -r | head -n 1)" = 3 ]
			mkfifo p; (echo x > p &); read -r x < p; [ "$x" = x ]
			sh -c 'trap "exit 7" TERM; kill -TERM $$; exit 1' || [ $? = 7 ]
			ls -la /proc/self/ /usr/bin > /dev/null; id > /dev/null; date > /dev/null; ps > /dev/null
			tar cf a.tar d; tar tf a.tar | grep -q d/3
			echo fine`},
		"bash": {"/bin/bash", "-c", `diff <(printf 'a\nb\n' | sort -r) <(printf 'b\na\n') && echo fine`},
		"python": {"/usr/bin/python3", "-c", `
import concurrent.futures, ctypes, json, mmap, multiprocessing, os, shutil, signal, socket, sqlite3, ssl, subprocess, tempfile, threading, time
with tempfile.TemporaryDirectory() as d:
    db = sqlite3.connect(os.path.join(d, "x.db")); db.execute("create table t(a)"); db.execute("insert into t values (5)"); db.commit()
    assert db.execute("select a from t").fetchone() == (5,)
    shutil.copytree("/etc/apt", os.path.join(d, "copy"), ignore_dangling_symlinks=True, ignore=lambda p, n: [x for x in n if not os.access(os.path.join(p, x), os.R_OK)])
assert subprocess.run(["echo", "a"], capture_output=True, text=True).stdout == "a\n"
with concurrent.futures.ThreadPoolExecutor(8) as pool: assert sum(pool.map(lambda x: x * x, range(100))) == 328350
q = multiprocessing.Queue(); p = multiprocessing.Process(target=q.put, args=(7,)); p.start(); assert q.get() == 7; p.join()
s = socket.create_server(("127.0.0.1", 0)); threading.Thread(target=lambda: s.accept()[0].sendall(b"x")).start()
assert socket.create_connection(s.getsockname()).recv(1) == b"x"
ssl.create_default_context(); m = mmap.mmap(-1, 4096); m[0] = 1; ctypes.CDLL(None).getpid()
signal.setitimer(signal.ITIMER_REAL, 1000); time.sleep(0.01)
print("fine")`},
		"git": {"/bin/sh", "-c", `set -e
			cd /tmp; export GIT_CONFIG_GLOBAL=/tmp/config; git config --global user.name n; git config --global user.email n@example.org
			git init -q -b main r; cd r; echo 1 > a; git add a; git commit -qm one; git checkout -qb other; echo 2 > a; git commit -qam two
			git checkout -q main; git merge -q other; git gc -q; git clone -q /tmp/r /tmp/c; [ "$(git -C /tmp/c log --oneline | wc -l)" = 2 ]; git fsck 2>/dev/null
			echo fine`},
		"a Go program": {program},
		"gcc":          {"/bin/sh", "-c", `cd /tmp; echo 'int main(void) { return 0; }' > x.c; gcc -o x x.c && ./x && echo fine`},
	}
}

// TestEverydayPrograms runs programs under the published profiles, compiled by the
// launcher, and under the built-in ones.
func TestEverydayPrograms(t *testing.T) {
	for name, command := range everyday() {
		for _, p := range []string{"", file(t, docker), file(t, podman), "default", "strict", "no-tty-injection", "no-userns"} {
			var options []string
			if p != "" {
				options = []string{"--seccomp-profile", p}
			}
			for _, u := range users() {
				r := u.run(t, sandboxed(gobwrap, append(options, "--unshare-pid", "--proc", "/proc"), command...)...)
				if r.Status != "0" || !strings.HasSuffix(r.Stdout, "fine\n") {
					t.Errorf("%s as %s under %q: %+v", name, u.name, p, r)
				}
			}
		}
	}
}

// TestNestedSandbox: which profiles leave a command the means to make sandboxes itself.
func TestNestedSandbox(t *testing.T) {
	inner := sandboxed(gobwrap, nil, "/bin/echo", "fine")
	for p, want := range map[string]bool{"default": true, "no-tty-injection": true, "no-unix-sockets": false, "no-userns": false, "strict": false} {
		r := ordinary.run(t, sandboxed(gobwrap, []string{"--seccomp-profile", p, "--unshare-pid", "--proc", "/proc"}, inner...)...)
		if got := r.Status == "0" && r.Stdout == "fine\n"; got != want {
			t.Errorf("a sandbox under %s: %+v", p, r)
		} else if !want && !strings.Contains(r.Stderr, "No permissions to create a new namespace") && !strings.Contains(r.Stderr, "Operation not permitted") {
			t.Errorf("a sandbox under %s: %s", p, r.Stderr)
		}
	}
}

// TestTerminal: a command cannot type into its terminal, also not with a bit set above
// the request's 32 (CVE-2017-5226, CVE-2019-10063). The control is the same without.
func TestTerminal(t *testing.T) {
	for _, request := range []string{"0x5412", "0x100005412", "0x541c", "0xffffffff0000541c"} {
		for p, want := range map[string]string{"": "", "no-tty-injection": "errno 1", "strict": "errno 1"} {
			var options []string
			if p != "" {
				options = []string{"--seccomp-profile", p}
			}
			said := lines(onTerminal(t, sandboxed(gobwrap, options, calls, "64:16:0:"+request+":0", "64:16:0:0x5413:0")))
			if want != "" && said[0] != want {
				t.Errorf("%s under %q: %s", request, p, said[0])
			}
			// A request for the window's size with no place for it: not the filter's error.
			if said[1] != "errno 14" {
				t.Errorf("another request under %q: %s", p, said[1])
			}
			if want == "" {
				t.Logf("%s without a profile: %s", request, said[0])
				if said[0] == "errno 1" {
					t.Errorf("%s without a profile: the filter's answer", request)
				}
			}
		}
	}
}

// onTerminal runs a command with a terminal of its own as its standard input and
// controlling one.
func onTerminal(t *testing.T, argv []string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = master.Close() }()
	var unlock int
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, master.Fd(), unix.TIOCSPTLCK, uintptr(unsafe.Pointer(&unlock))); e != 0 {
		t.Fatal(e)
	}
	slave, _, e := unix.Syscall(unix.SYS_IOCTL, master.Fd(), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if e != 0 {
		t.Fatal(e)
	}
	tty := os.NewFile(slave, "tty")
	defer func() { _ = tty.Close() }()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	r := ordinary.start(t, cmd)
	if r.Status != "0" {
		t.Fatalf("%q: %+v", argv, r)
	}
	return r.Stdout
}
