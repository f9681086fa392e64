package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper; CheckSteps in the first process, which inherits the memory.
//
// The keeper reads setuid.conf as root, before it makes any namespace. The file must be one that
// only root can change, and its directory as well: otherwise a user could replace it. Both are
// checked on the descriptor that is read, not on the path. O_NOFOLLOW refuses links, O_NONBLOCK
// keeps a FIFO from blocking the keeper. If the file is missing there is no restriction; if
// anything about it is doubtful the launch fails, since it could hold one.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// conf is what setuid.conf says. text has its bytes and, behind them, the caller's groups.
//
//nolint:gochecknoglobals // the keeper's memory
var (
	conf suid.Conf
	text [1 << 16]byte
)

// readConf reads setuid.conf into conf, or ends the launch.
func readConf(gid uintptr) {
	dir := raw.Openat(raw.AtCwd, raw.Text(suid.ConfDir+"\x00"), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if raw.Errno(dir) == unix.ENOENT {
		return
	}
	requireTrusted(dir, unix.S_IFDIR)
	file := raw.Openat(dir, raw.Text(suid.ConfName+"\x00"), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	raw.Close(dir)
	if raw.Errno(file) == unix.ENOENT {
		return
	}
	size := requireTrusted(file, unix.S_IFREG)
	if size > suid.MaxConf {
		failLaunch(plan.SubConf, 0, 0)
	}
	buf := unsafe.Pointer(&text)
	n := raw.ReadFull(file, buf, suid.MaxConf+1)
	raw.Close(file)
	ids, many := callerGroups(unsafe.Add(buf, suid.MaxConf+64), gid)
	if n != size {
		failLaunch(plan.SubConf, 0, 0)
	}
	if bad := suid.ReadConf(buf, n, ids, many, &conf); bad != 0 {
		failLaunch(plan.SubConf, 0, bad)
	}
}

// CheckSteps is suid.Conf.CheckSteps for the first process.
func CheckSteps(base unsafe.Pointer) (extra, at uint32) { return conf.CheckSteps(base) }

// requireTrusted ends the launch unless fd is of the given type, owned by root, writable by root only,
// and, if a file, readable by all, so that users can see what is refused. It returns the size.
func requireTrusted(fd uintptr, kind uint32) uintptr {
	if e := raw.Errno(fd); e != 0 {
		failLaunch(plan.SubConf, e, 0)
	}
	var st unix.Stat_t
	have, e := raw.Fstat(fd, &st)
	if e != 0 || have != kind || st.Uid != 0 || st.Mode&(unix.S_IWGRP|unix.S_IWOTH) != 0 || kind == unix.S_IFREG && st.Mode&unix.S_IROTH == 0 {
		failLaunch(plan.SubConf, e, 0)
	}
	return uintptr(st.Size)
}

// maxGroups is how many of the caller's groups fit. For a caller with more, the gid alone counts.
const maxGroups = (uintptr(len(text)) - suid.MaxConf - 64) / 4

// callerGroups writes the caller's gid and supplementary groups to p.
func callerGroups(p unsafe.Pointer, gid uintptr) (unsafe.Pointer, uintptr) {
	*(*uint32)(p) = uint32(gid)
	n := raw.Call(unix.SYS_GETGROUPS, maxGroups-1, raw.Addr(unsafe.Add(p, 4)), 0, 0, 0, 0)
	if raw.Errno(n) != 0 {
		n = 0
	}
	return p, n + 1
}
