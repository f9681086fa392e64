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
	"github.com/gobwrap/gobwrap/suid/broker"
	"golang.org/x/sys/unix"
)

// conf is what setuid.conf says. text has its bytes, groups the caller's gid and supplementary groups.
//
//nolint:gochecknoglobals // the keeper's memory
var (
	conf   suid.Conf
	text   [suid.MaxConf + 1]byte
	groups [1 + maxGroups]uint32
)

// maxGroups is how many supplementary groups fit. If the caller has more, only the gid counts.
const maxGroups = 1 << 13

// readConf reads setuid.conf into conf, or ends the launch.
func readConf(gid uintptr) {
	dir, _ := openTrusted(raw.AtCwd, suid.ConfDir+"\x00", unix.O_PATH|unix.O_DIRECTORY, unix.S_IFDIR)
	file, size := openTrusted(dir, suid.ConfName+"\x00", unix.O_RDONLY|unix.O_NONBLOCK, unix.S_IFREG|unix.S_IROTH)
	raw.Close(dir)
	if file == broker.None {
		return
	}
	p, ids := unsafe.Pointer(&text), unsafe.Pointer(&groups)
	n := raw.Call(unix.SYS_READ, file, raw.Addr(p), unsafe.Sizeof(text), 0, 0, 0)
	raw.Close(file)
	if n != size || n > suid.MaxConf {
		failLaunch(plan.SubConf, 0, 0)
	}
	*(*byte)(unsafe.Add(p, n)) = '\n'
	groups[0] = uint32(gid)
	many := raw.Call(unix.SYS_GETGROUPS, maxGroups, raw.Addr(unsafe.Add(ids, 4)), 0, 0, 0, 0)
	if raw.Errno(many) != 0 {
		many = 0
	}
	if bad := suid.ReadConf(p, n+1, ids, many+1, &conf); bad != 0 {
		failLaunch(plan.SubConf, 0, bad)
	}
}

// CheckSteps is suid.Conf.CheckSteps for the first process.
func CheckSteps(base unsafe.Pointer) (extra, at uint32) { return conf.CheckSteps(base) }

// openTrusted opens a path below dir and returns its size. It returns None if that is missing, or dir is None.
// It ends the launch unless what it opens has the type of mode, belongs to root, is writable by root only, and,
// with S_IROTH, readable by all, so that users can see what is refused.
func openTrusted(dir uintptr, path string, flags uintptr, mode uint32) (fd, size uintptr) {
	var c raw.Chain
	var st unix.Stat_t
	fd = c.Open(dir, raw.Text(path), flags|unix.O_NOFOLLOW)
	if dir == broker.None || c.Errno == unix.ENOENT {
		return broker.None, 0
	}
	c.Call(unix.SYS_FSTAT, fd, raw.Addr(unsafe.Pointer(&st)), 0, 0, 0)
	if c.Errno != 0 || st.Uid != 0 || st.Mode&(unix.S_IFMT|unix.S_IWGRP|unix.S_IWOTH|mode) != mode {
		failLaunch(plan.SubConf, c.Errno, 0)
	}
	return fd, uintptr(st.Size)
}
