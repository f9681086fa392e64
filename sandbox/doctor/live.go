package doctor

import (
	"os"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// machine is the one that we run on.
type machine struct{}

func (machine) Read(path string) (string, error) {
	text, err := procfs.Read(path)
	if err != nil && path == releaseFile {
		return uname() // where there is no /proc
	}
	return text, err
}

const releaseFile = "/proc/sys/kernel/osrelease"

func uname() (string, error) {
	var u unix.Utsname
	err := unix.Uname(&u)
	return unix.ByteSliceToString(u.Release[:]), err
}

func (machine) Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (machine) SameFile(a, b string) (same, known bool) {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y), errA == nil && errB == nil
}

// here returns the facts of this machine, where exe is the launcher.
func here(exe string) *facts {
	f := &facts{Files: machine{}, UID: syscall.Getuid(), Deadly: kernel.DeadlyCalls()}
	f.Binary = f.inspect(exe)
	return f
}

// inspect looks at the program behind a link of /proc.
func (f *facts) inspect(exe string) binary {
	b := binary{Keeper: child.InstallKind() == suid.Installed}
	path, err := os.Readlink(exe)
	if err == nil {
		b.Path = strings.TrimSuffix(path, " (deleted)")
	}
	var st syscall.Stat_t
	if syscall.Stat(exe, &st) == nil {
		b.Mode, b.UID = st.Mode&0o7777, int(st.Uid)
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(exe, &fs) == nil {
		b.Nosuid = fs.Flags&unix.ST_NOSUID != 0
	}
	buf := make([]byte, 64)
	n, _ := syscall.Getxattr(exe, "security.capability", buf)
	b.FileCaps = n > 0
	b.Mount = f.mountOf(b.Path)
	return b
}
