package keeper

// No runtime. See sandbox/child/doc.go for the laws of this file.
// Runs in: the keeper, after it has entered the new namespaces; makeSlaves also in the child of
// makeUserNS.
//
// In a user namespace the kernel itself keeps a caller from seeing what mounts hide, and from
// mounting a proc that shows more than the host's (mount_namespaces(7); mnt_already_visible in
// fs/namespace.c). A mount namespace of root's has neither rule, so the keeper sees to both:
//
//   - No mount stays unbindable (makeSlaves). A recursive bind would leave it out, and show what it hides.
//   - A new proc is allowed only if no mount covers a part of the host's /proc and the host's
//     proc has the ordinary flags. A container's covered /proc stays covered. Where mounts are locked, the
//     kernel applies this rule (since Linux 4.2): the mount namespace belongs to a user namespace.
//
// The kernel's first file system (rootfs) cannot be moved by pivot_root(2). The launcher, which can read
// mountinfo without privilege, sees whether it is the root, and asks for a bind of "/" on itself (BindRoot).
// Nobody gains anything by asking for it elsewhere: the bind shows what its source shows.
//
// The first process mounts the new proc, which shows its PID namespace, on broker.FreshProc, in the host's tree
// (becomeFirst). ROOT moves it from there, since binds of that tree would include it.
//
// The broker later needs a proc for its paths (self/fd/N). The keeper binds the host's and
// detaches it at once: a detached mount has no path, so the user cannot mount anything in it.

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/raw"
	"github.com/gobwrap/gobwrap/internal/step"
	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// The host's proc, and two directories of every proc that are empty, since they are there to be mounted on.
const (
	procPath   = "/proc\x00"
	nfsdPath   = "/proc/fs/nfsd\x00"
	binfmtPath = "/proc/sys/fs/binfmt_misc\x00"
)

// openProc opens what is on /proc, and returns the flags of the mount. The launch ends if that is not a proc.
func openProc() (fd uintptr, flags uint64) {
	var c raw.Chain
	var fs unix.Statfs_t
	fd = c.Open(raw.AtCwd, raw.Text(procPath), unix.O_PATH|unix.O_DIRECTORY)
	c.Call(unix.SYS_FSTATFS, fd, raw.Addr(unsafe.Pointer(&fs)), 0, 0, 0)
	c.Require(fs.Type == step.ProcMagic, unix.ENODEV)
	failIf(c.Errno, plan.SubProc, 0)
	return fd, uint64(fs.Flags)
}

// makeSlaves makes all mounts slaves, so that nothing propagates to the host, and none unbindable. On some
// kernels (6.12, not 6.18) a slave stays unbindable if it was, but a shared mount never is (set_mnt_shared in
// fs/pnode.h). Those that the second call shares have no peers: the first has separated them.
func makeSlaves() unix.Errno {
	var c raw.Chain
	root := raw.Text("/\x00")
	c.Mount(nil, root, nil, unix.MS_SLAVE|unix.MS_REC, nil)
	c.Mount(nil, root, nil, unix.MS_SHARED|unix.MS_REC, nil)
	c.Mount(nil, root, nil, unix.MS_SLAVE|unix.MS_REC, nil)
	return c.Errno
}

// prepareMounts makes all mounts slaves, unless they are locked and already are, applies the rules above, and
// returns a detached bind of the host's proc. first.Proc is EPERM afterwards if no new proc may be mounted.
func prepareMounts(h *Header, first *First, locked bool) (proc uintptr) {
	if !locked {
		failIf(makeSlaves(), plan.SubSlave, 0)
	}
	root, host := raw.Text("/\x00"), raw.Text(procPath)
	var c raw.Chain
	if h.Flags&BindRoot != 0 {
		c.Mount(root, root, nil, unix.MS_BIND|unix.MS_REC, nil)
		c.Call(unix.SYS_CHROOT, raw.Addr(raw.Text("/..\x00")), 0, 0, 0, 0)
	}
	c.Mount(host, host, nil, unix.MS_BIND|unix.MS_REC, nil)
	proc, flags := openProc()
	c.Call(unix.SYS_UMOUNT2, raw.Addr(host), unix.MNT_DETACH, 0, 0, 0)
	failIf(c.Errno, plan.SubProc, 0)
	if h.Flags&NewProc == 0 || h.Clone&unix.CLONE_NEWPID == 0 || conf.Deny&suid.DenyProc != 0 || !locked && !mayMountProc(flags) {
		first.Proc = unix.EPERM
	}
	return proc
}

// mayMountProc reports whether a new proc would show no more than the host's, which has these flags: those that
// a new one would have, and no mount hides a part (mnt_already_visible). It is the root of a proc: makeUserNS
// has found self/stat there. The function binds the host's proc with its mounts, and unmounts those that hide
// nothing. Then an unmount without MNT_DETACH fails if a mount is left.
func mayMountProc(flags uint64) bool {
	var c raw.Chain
	host := raw.Text(procPath)
	c.Mount(host, host, nil, unix.MS_BIND|unix.MS_REC, nil)
	if c.Errno != 0 {
		return false
	}
	for unmount(raw.Text(nfsdPath), unix.MNT_DETACH) == 0 || unmount(raw.Text(binfmtPath), unix.MNT_DETACH) == 0 {
	}
	covered := unmount(host, 0) != 0
	if covered {
		unmount(host, unix.MNT_DETACH)
	}
	return !covered && flags&(unix.ST_RDONLY|unix.ST_NOATIME|unix.ST_NODIRATIME|unix.ST_RELATIME) == unix.ST_RELATIME
}

// unmount is umount2(2).
func unmount(path unsafe.Pointer, flags uintptr) unix.Errno {
	return raw.Errno(raw.Call(unix.SYS_UMOUNT2, raw.Addr(path), flags|unix.UMOUNT_NOFOLLOW, 0, 0, 0, 0))
}
