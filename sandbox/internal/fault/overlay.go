package fault

import (
	"os"
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"golang.org/x/sys/unix"
)

// layer is a directory of an overlay, as it is on the host when the overlay has failed.
type layer struct {
	role  string // what it is to the overlay, with the path that was given
	upper bool   // changes go to it, or to the directory beside it

	path     string // without links
	isDir    bool
	fs       int64  // statfs(2), f_type
	readOnly bool   // the mount, or the file system
	mount    uint64 // the mount's id, 0: unknown
}

// overlayHint finds the layer because of which the kernel refused an overlay, or returns "".
// The kernel has one errno for all reasons.
func overlayHint(p *plan.Program, s plan.Step) string {
	layers, ok := layersOf(p, s)
	if !ok {
		return ""
	}
	for _, l := range layers {
		if !l.isDir {
			return l.role + " is not a directory"
		}
	}
	if s.D == plan.OverlayRW {
		if text := writableHint(layers[len(layers)-2], layers[len(layers)-1]); text != "" {
			return text
		}
	}
	if text := overlapHint(layers); text != "" {
		return text
	}
	for _, l := range layers {
		if point := mountBelow(l.path); point != "" {
			return "a mount lies below " + l.role + ", on " + point + ": in a user namespace the kernel does not let anybody see what is under it"
		}
	}
	for _, l := range layers {
		if l.fs == unix.OVERLAYFS_SUPER_MAGIC {
			return l.role + " is on an overlay itself: at most two can lie on each other"
		}
	}
	return ""
}

// writableHint is about the two directories for changes.
func writableHint(upper, work layer) string {
	switch {
	case unfit[upper.fs] != "":
		return upper.role + " lies on " + unfit[upper.fs] + ", where overlays cannot keep changes; take one on another file system (tmpfs, ext4, xfs)"
	case upper.readOnly:
		return upper.role + " lies on a read-only mount"
	case upper.mount != work.mount:
		return upper.role + " and " + work.role + " must lie on the same mount"
	case upper.path == work.path:
		return upper.role + " and " + work.role + " must be two directories"
	case within(upper.path, work.path), within(work.path, upper.path):
		return upper.role + " and " + work.role + " must not contain each other"
	}
	return ""
}

// unfit are file systems that cannot hold an upper directory.
//
//nolint:gochecknoglobals // read-only table
var unfit = map[int64]string{
	unix.OVERLAYFS_SUPER_MAGIC: "an overlay",
	unix.NFS_SUPER_MAGIC:       "nfs",
	unix.MSDOS_SUPER_MAGIC:     "vfat",
	unix.V9FS_MAGIC:            "9p",
	unix.SMB_SUPER_MAGIC:       "smb",
	unix.SMB2_SUPER_MAGIC:      "smb",
	unix.CIFS_SUPER_MAGIC:      "cifs",
	unix.FUSE_SUPER_MAGIC:      "fuse",
}

// overlapHint names two layers of which one lies in the other. The work directory may.
func overlapHint(layers []layer) string {
	for i, a := range layers {
		for _, b := range layers[i+1:] {
			switch {
			case a.upper || a.path == "" || b.path == "":
			case a.path == b.path:
				return a.role + " and " + b.role + " are the same directory"
			case within(a.path, b.path):
				return a.role + " lies in " + b.role
			case within(b.path, a.path):
				return b.role + " lies in " + a.role
			}
		}
	}
	return ""
}

// within reports whether path lies below dir.
func within(path, dir string) bool {
	return path != dir && strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// layersOf looks at the directories of an overlay: its layers from the lowest on, and the
// two for changes, if it has them. ok is false where one of them cannot be looked at.
func layersOf(p *plan.Program, s plan.Step) (layers []layer, ok bool) {
	n := s.C
	if s.D == plan.OverlayRW {
		n += 2
	}
	for i := range n {
		path := p.Str(p.Step(s.A + i).A)
		l := layer{role: "the layer " + path}
		switch i {
		case s.C:
			l.role, l.upper = "the upper directory "+path, true
		case s.C + 1:
			l.role, l.upper = "the work directory "+path, true
		}
		if !l.look(path) {
			return nil, false
		}
		layers = append(layers, l)
	}
	return layers, true
}

// look fills in what the host says of a path.
func (l *layer) look(path string) bool {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	var fs unix.Statfs_t
	if unix.Fstat(fd, &st) != nil || unix.Fstatfs(fd, &fs) != nil {
		return false
	}
	var stx unix.Statx_t
	if unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &stx) == nil {
		l.mount = stx.Mnt_id
	}
	l.path, _ = os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	l.isDir = st.Mode&unix.S_IFMT == unix.S_IFDIR
	l.fs, l.readOnly = int64(fs.Type), fs.Flags&unix.ST_RDONLY != 0
	return true
}

// mountBelow returns a mount point below a directory, or "".
func mountBelow(dir string) string {
	if dir == "" {
		return ""
	}
	below := ""
	procfs.Mounts(procfs.Text("/proc/self/mountinfo"), func(point, _ string) {
		if below == "" && within(point, dir) {
			below = point
		}
	})
	return below
}
