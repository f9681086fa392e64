package doctor

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"golang.org/x/sys/unix"
)

// files is what the facts are read from: this machine, or a recorded one.
type files interface {
	Read(path string) (string, error)
	Exists(path string) bool
}

// facts explain what the attempts have shown. Each is read when it is needed; a file that
// cannot be read is not a fact.
type facts struct {
	Files  files
	UID    int
	Binary binary
	Deadly []string // calls of set-up that a seccomp filter answers by killing the process
}

// binary is how this program is installed.
type binary struct {
	Path     string
	Mode     uint32 // permission and set-id bits, as chmod takes them
	UID      int    // its owner
	Nosuid   bool   // on a mount where set-id bits have no effect
	Mount    string // the mount point that it lies on
	FileCaps bool
	Keeper   bool // it was started set-user-id root, and has setuid mode
}

// Setuid reports whether the binary is installed as setuid mode needs it.
func (b binary) Setuid() bool { return b.UID == 0 && b.Mode&0o6000 == 0o4000 && !b.FileCaps }

// word reads a file that holds one.
func (f *facts) word(path string) string {
	text, _ := f.Files.Read(path)
	return strings.TrimSpace(text)
}

// sysctl returns the value of a variable, or "": a variable that is missing forbids nothing.
func (f *facts) sysctl(name string) string {
	return f.word("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
}

// status returns a field of /proc/self/status.
func (f *facts) status(name string) string { return f.field("/proc/self/status", name) }

// field returns a field of a file like /proc/PID/status, or "".
func (f *facts) field(path, name string) string {
	text, _ := f.Files.Read(path)
	return procfs.Field(text, name)
}

func (f *facts) filtered() bool { return f.status("Seccomp") == "2" }

// outerFilter reports whether the filter may be the container's: PID 1, which the container
// has started, then has one too. Where that cannot be seen, it may be.
func (f *facts) outerFilter() bool {
	return f.filtered() && f.field("/proc/1/status", "Seccomp") != "0"
}

// calls returns the names of the calls that kill, for a sentence.
func (f *facts) calls() string {
	if len(f.Deadly) == 0 {
		return "some call of set-up"
	}
	return strings.Join(f.Deadly, ", ")
}

// noProc reports whether there is no proc on /proc.
func (f *facts) noProc() bool { return !f.Files.Exists("/proc/self/status") }

func (f *facts) noNewPrivs() bool { return f.status("NoNewPrivs") == "1" }

// hasCap reports whether the caller has a capability in effect.
func (f *facts) hasCap(n uint) bool {
	set, err := strconv.ParseUint(f.status("CapEff"), 16, 64)
	return err == nil && set>>n&1 != 0
}

// inUserNS reports whether the caller is in a user namespace that is not the first one
// (user_namespaces(7): the first maps every id to itself).
func (f *facts) inUserNS() bool {
	fields := strings.Fields(f.word("/proc/self/uid_map"))
	return len(fields) > 0 && strings.Join(fields, " ") != "0 0 4294967295"
}

// label returns what AppArmor or SELinux calls this process, without AppArmor's mode.
func (f *facts) label() string {
	text := f.word("/proc/self/attr/apparmor/current")
	if text == "" {
		text = f.word("/proc/self/attr/current")
	}
	text = strings.TrimRight(text, "\x00")
	name, _, _ := strings.Cut(text, " (")
	return name
}

func (f *facts) enforcing() bool { return f.word("/sys/fs/selinux/enforce") == "1" }

// container returns the kind of container that this process is in, or "". A marker file alone
// is not enough, because images of machines are made from images of containers. Without
// --privileged a container has a filter, or a bounding set without CAP_SYS_ADMIN, and so has
// its PID 1.
func (f *facts) container() string {
	bounding, err := strconv.ParseUint(f.field("/proc/1/status", "CapBnd"), 16, 64)
	if err != nil {
		bounding, err = strconv.ParseUint(f.status("CapBnd"), 16, 64)
	}
	if err == nil && bounding>>unix.CAP_SYS_ADMIN&1 != 0 && !f.outerFilter() {
		return ""
	}
	switch {
	case f.Files.Exists("/var/run/secrets/kubernetes.io"):
		return "kubernetes"
	case f.Files.Exists("/.dockerenv"):
		return "docker"
	case f.Files.Exists("/run/.containerenv"):
		return "podman"
	}
	return f.word("/run/systemd/container")
}

// hasNamespaces reports whether the kernel has the kind of namespace that a step makes: its
// files in /proc/self/ns say so (namespaces(7)). Without a proc it is taken to.
func (f *facts) hasNamespaces(s Step) bool {
	return f.noProc() || f.Files.Exists("/proc/self/ns/"+namespaceKind(s))
}

// unit returns the systemd service that this process belongs to, or "".
func (f *facts) unit() (name string, ofUser bool) {
	for line := range strings.Lines(f.word("/proc/self/cgroup")) {
		path := line[strings.LastIndexByte(line, ':')+1:]
		name := strings.TrimSpace(path[strings.LastIndexByte(path, '/')+1:])
		if strings.HasSuffix(name, ".service") {
			return name, strings.Contains(path, "/user@")
		}
	}
	return "", false
}

// mounts are the mount points that this process can see, and their options.
func (f *facts) mounts(visit func(point, options string)) {
	text, _ := f.Files.Read("/proc/self/mountinfo")
	procfs.Mounts(text, visit)
}

// masks returns the mounts that cover a part of /proc. Empty directories that are there to be
// mounted on cover nothing.
func (f *facts) masks() (points []string) {
	f.mounts(func(point, options string) {
		switch {
		case point == "/proc/sys/fs/binfmt_misc" || point == "/proc/fs/nfsd" || point == "/proc/fs/nfs":
		case strings.HasPrefix(point, "/proc/"), point == "/proc" && strings.HasPrefix(options, "ro"):
			points = append(points, point)
		}
	})
	return points
}

// sameFile is what files that can be compared have: SameFile reports whether two paths
// lead to one file, and whether that is known.
type sameFile interface {
	SameFile(a, b string) (same, known bool)
}

// chrooted reports whether this runs below chroot(2): the root is not a mount point, or not
// that of PID 1 in the same mount namespace, which root may look at. A user cannot tell a
// chroot into a mount point from inside.
func (f *facts) chrooted() bool { return f.chrootedDirectory() || f.chrootedMount() }

func (f *facts) chrootedMount() bool {
	files, ok := f.Files.(sameFile)
	if !ok {
		return false
	}
	namespace, knownA := files.SameFile("/proc/1/ns/mnt", "/proc/self/ns/mnt")
	root, knownB := files.SameFile("/proc/1/root", "/")
	return knownA && knownB && namespace && !root
}

// chrootedDirectory reports whether the root is not a mount point.
func (f *facts) chrootedDirectory() bool {
	seen, root := false, false
	f.mounts(func(point, _ string) {
		seen = true
		root = root || point == "/"
	})
	return seen && !root
}

// mountOf returns the mount point that a path lies on.
func (f *facts) mountOf(path string) (longest string) {
	f.mounts(func(point, _ string) {
		if len(point) >= len(longest) && (point == "/" || path == point || strings.HasPrefix(path, point+"/")) {
			longest = point
		}
	})
	return longest
}

func (f *facts) release() string { return f.sysctl("kernel.osrelease") }

// before reports whether the kernel's release is older than another. Distributions carry
// features back, so it may only explain a refusal.
func (f *facts) before(release string) bool { return kernel.Older(f.release(), release) }

// wsl1 reports whether this is the first Windows Subsystem for Linux, which has no
// namespaces, by the spelling of its release: "4.4.0-19041-Microsoft"; the second one's is
// in small letters.
func (f *facts) wsl1() bool { return strings.Contains(f.release(), "Microsoft") }

// gvisor reports whether this is a sandbox of gVisor's, by the version that its kernel
// claims.
func (f *facts) gvisor() bool {
	v := f.word("/proc/version")
	return strings.Contains(v, "gvisor") || strings.Contains(v, "Sun Jan 10 15:06:54 PST 2016")
}
