package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// work is one row: what is started, where, how often, and the goal.
type work struct {
	name  string
	goal  string // for the ratio to the installed bubblewrap
	brief bool   // also in the table of README.md
	slow  int    // this many times fewer runs than -n; 0 stands for 1
	turns int    // launches one after another that make one run; 0 stands for 1
	crowd int    // launches at once; 0 stands for 1
	first bool   // only for the first user of the list
	place *place
	line  func(*bench) (line, error)
}

// line is a command line, with the files that the launcher finds at 3 and up.
type line struct {
	args  []string
	files []*os.File
	quiet bool // its standard output is not for people
}

// The options of the two lines that stand for all, which the tables call by these names.
var (
	minimalArgs = []string{"--ro-bind", "/", "/"}
	fullArgs    = []string{"--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run"}
)

func works() []work {
	list := []work{
		{name: "minimal", goal: "≤ 0.9", brief: true, line: minimal},
		{name: "full", goal: "≤ 0.8", brief: true, line: full},
		{name: "a Flatpak application's command line", goal: "≤ 0.8", brief: true, line: flatpak},
		{name: "4 times full, at once", crowd: 4, line: full},
		{name: "200 times minimal, one after another", slow: 10, turns: 200, first: true, line: minimal},
	}
	for _, p := range []*place{oneProcessor, busy, setuid} {
		list = append(list,
			work{name: "minimal, " + p.name, slow: p.slow, first: true, place: p, line: minimal},
			work{name: "full, " + p.name, slow: p.slow, first: true, brief: p == setuid, place: p, line: full})
	}
	for _, n := range []struct {
		binds, slow int
		goal        string
	}{{10, 1, ""}, {100, 2, "≤ 0.4"}, {1000, 20, "≤ 0.05"}, {2900, 50, "≤ 0.02"}} {
		list = append(list, work{name: strconv.Itoa(n.binds) + " binds", goal: n.goal, slow: n.slow, first: n.slow > 1, brief: n.binds == 1000, line: binds(n.binds)})
	}
	return append(list,
		work{name: "minimal, " + manyMounts.name, goal: "≤ 0.1", slow: 5, first: true, place: manyMounts, line: minimal},
		work{name: "`--version`", first: true, line: version})
}

func minimal(b *bench) (line, error) {
	return line{args: slices.Concat(minimalArgs, []string{b.payload})}, nil
}

func full(b *bench) (line, error) {
	return line{args: slices.Concat(fullArgs, []string{b.payload})}, nil
}

func version(*bench) (line, error) { return line{args: []string{"--version"}, quiet: true}, nil }

// binds makes a root that consists of n binds and the payload.
func binds(n int) func(*bench) (line, error) {
	return func(b *bench) (line, error) {
		args := []string{"--ro-bind", b.payload, "/payload"}
		for i := range n {
			args = append(args, "--ro-bind", filepath.Join(b.scratch, "source"), "/m/"+strconv.Itoa(i))
		}
		return line{args: append(args, "/payload")}, nil
	}
}

// The seccomp filter of the Flatpak line: load the number, compare, refuse keyctl
// with EPERM, permit the rest. Flatpak's own is longer and of the same kind.
var filter = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_KEYCTL, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
	{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
}

func filterBytes() string {
	var out strings.Builder
	for _, f := range filter {
		out.Write([]byte{byte(f.Code), byte(f.Code >> 8), f.Jt, f.Jf, byte(f.K), byte(f.K >> 8), byte(f.K >> 16), byte(f.K >> 24)})
	}
	return out.String()
}

// flatpak returns what flatpak run hands to bwrap for an application with a home of its own, a
// network and a session bus, as far as this machine has the files: the runtime is the host's
// /usr. Options come by --args, contents by descriptors.
func flatpak(b *bench) (line, error) {
	var l line
	var err error
	file := func(content string) string {
		f, e := memory(content)
		if e != nil {
			err = e
		}
		l.files = append(l.files, f)
		return strconv.Itoa(2 + len(l.files))
	}
	app, data := filepath.Join(b.scratch, "app"), filepath.Join(b.scratch, "data")
	options := fmt.Sprintf(`--ro-bind /usr /usr
--ro-bind %s /app --lock-file /app/.ref
--setenv PATH /app/bin:/usr/bin --setenv LD_LIBRARY_PATH /app/lib
--setenv XDG_CONFIG_DIRS /app/etc/xdg:/etc/xdg --setenv XDG_DATA_DIRS /app/share:/usr/share
--setenv XDG_RUNTIME_DIR /run/user/1000 --setenv FLATPAK_ID org.example.App
--setenv FLATPAK_SANDBOX_DIR /var/sandbox --setenv container flatpak
--unsetenv LD_PRELOAD --unsetenv GI_TYPELIB_PATH --unsetenv PYTHONPATH
--symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64
--tmpfs /tmp --dir /var/tmp --dir /run/host --dir /run/flatpak/app
--symlink ../run /var/run --perms 0700 --dir /run/user/1000
--proc /proc --dev /dev --unshare-user --disable-userns --unshare-pid --unshare-ipc --die-with-parent
--ro-bind-try /sys/block /sys/block --ro-bind-try /sys/bus /sys/bus --ro-bind-try /sys/class /sys/class
--ro-bind-try /sys/dev /sys/dev --ro-bind-try /sys/devices /sys/devices
--ro-bind-try /proc/self/ns/user /run/.userns
--file %s /etc/passwd --file %s /etc/group --file %s /etc/pkcs11/pkcs11.conf
--ro-bind-data %s /.flatpak-info --ro-bind-data %s /run/user/1000/flatpak-info
--ro-bind-try /etc/hosts /etc/hosts --ro-bind-try /etc/host.conf /etc/host.conf
--ro-bind-try /etc/resolv.conf /etc/resolv.conf --ro-bind-try /etc/localtime /etc/localtime
--ro-bind-try /etc/machine-id /etc/machine-id --ro-bind-try /etc/timezone /etc/timezone
--ro-bind-try /usr/share/fonts /run/host/fonts --ro-bind-try /usr/share/icons /run/host/share/icons
--bind %s /var/data --bind %s /var/config --bind %s /var/cache --bind %s /home/user/.var/app/org.example.App
--symlink /home /var/home --tmpfs /run/pcscd --remount-ro /run/pcscd
--chdir /home --new-session --seccomp %s`,
		app, file("user:x:1000:1000::/home/user:/bin/sh\n"), file("user:x:1000:\n"), file("user-config: merge\n"),
		file("[Application]\nname=org.example.App\n"), file("[Application]\nname=org.example.App\n"),
		data, data, data, data, file(filterBytes()))
	args := file(strings.Join(strings.Fields(options), "\x00") + "\x00")
	l.args = []string{"--args", args, "--", "/app/bin/payload"}
	return l, err
}

// memory returns an open file with a content.
func memory(content string) (*os.File, error) {
	fd, err := unix.MemfdCreate("bench", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "memfd")
	_, err = f.WriteString(content)
	return f, err
}
