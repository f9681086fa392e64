package maps

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/helper"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/sandbox/internal/host"
	"golang.org/x/sys/unix"
)

// mapWriter writes the maps of one waiting process.
type mapWriter struct {
	// The plan that is being carried out.
	p *plan.Program
	// Index of its OpIDMap.
	step uint32
	// The process that waits, by its number in this PID namespace.
	pid int
	// The caller's environment, for PATH and LOGNAME.
	env []string
}

// Write writes the maps for which the first process, pid, waits at a step. env is the
// caller's environment.
func Write(p *plan.Program, step uint32, pid int, env []string) error {
	w := mapWriter{p: p, step: step, pid: pid, env: env}
	if !ownProc() {
		return w.failed("uid", "/proc belongs to another PID namespace, so the maps would be those of another process", 0)
	}
	s := p.Step(step)
	// uid_map first. The kernel takes each map once, so a mistake cannot be corrected (user_namespaces(7)).
	for _, m := range []struct {
		kind, text string
		id         uint32
		right      uint
	}{
		{"uid", p.Str(s.A), uint32(syscall.Getuid()), unix.CAP_SETUID},
		{"gid", p.Str(s.B), uint32(syscall.Getgid()), unix.CAP_SETGID},
	} {
		write := w.throughHelper
		// Root without the capability, in a container, has newuidmap do it, as others do.
		if syscall.Getuid() == 0 && host.Permitted()>>m.right&1 != 0 {
			write = w.direct
		}
		if err := write(m.kind, m.text, m.id); err != nil {
			return err
		}
		// A helper may say nothing and do less. The sandbox would then run as ids that were not asked for.
		if !w.stands(m.kind, m.text) {
			return w.failed(m.kind, "the "+m.kind+" map is not what was asked for, though no error was reported", 0)
		}
	}
	return nil
}

// ownProc reports whether /proc knows processes by our numbers. Where it does not, pid may be
// that of another process, which would be given foreign ids.
func ownProc() bool {
	// A pid has 10 digits at most.
	buf := make([]byte, 32)
	n, err := syscall.Readlink("/proc/self", buf)
	// /proc/self has the number of this process in the PID namespace of the mount (proc(5)).
	return err == nil && string(buf[:n]) == strconv.Itoa(syscall.Getpid())
}

// direct writes a map as root.
func (w *mapWriter) direct(kind, text string, _ uint32) error {
	// One write of the whole map: the kernel takes no second one.
	fd, err := syscall.Open(w.file(kind), syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		_, err = syscall.Write(fd, []byte(text))
		_ = syscall.Close(fd)
	}
	if err == nil {
		return nil
	}
	e := w.failed(kind, "setting up "+kind+" map", fault.ErrnoOf(err))
	switch fault.ErrnoOf(err) {
	// The hints are for what users meet; other errors speak for themselves.
	case unix.EPERM:
		e.Hint = "the ids outside must exist in the caller's own user namespace: see /proc/self/" + kind + "_map"
	// Containers mount proc so.
	case unix.EROFS:
		e.Hint = fault.ReadOnlyProc
	// The limit has been 340 ranges since Linux 4.15 (user_namespaces(7)).
	case unix.EINVAL:
		e.Hint = "before Linux 4.15 a map has at most 5 ranges"
	}
	return e
}

// stands reports whether the kernel's map is the one that was wanted. The kernel may list it
// in another order, and pads its numbers.
func (w *mapWriter) stands(kind, text string) bool {
	have, want := mapOf(procfs.Text(w.file(kind))), mapOf(text)
	// Sorted by the ids inside, which cannot overlap.
	for _, m := range []idmap.Map{have, want} {
		slices.SortFunc(m, func(a, b idmap.Range) int { return cmp.Compare(a.Inside, b.Inside) })
	}
	return slices.Equal(have, want)
}

// file returns the path of the waiting process's uid_map or gid_map; kind is "uid" or "gid".
func (w *mapWriter) file(kind string) string {
	return "/proc/" + strconv.Itoa(w.pid) + "/" + kind + "_map"
}

// failed returns an error of the step.
func (w *mapWriter) failed(kind, message string, errno syscall.Errno) *fault.Error {
	e := &fault.Error{Stage: plan.OpIDMap.String()}
	if o := w.p.Origins[w.step]; len(o.Words) > 0 {
		// One step has both maps, and its origin is the option for uids.
		e.Field = o.Words[0]
		if kind == "gid" {
			e.Field = strings.NewReplacer("--uid-map", "--gid-map", "Identity.UIDMap", "Identity.GIDMap").Replace(e.Field)
		}
		// The field comes first, as in other errors about options.
		message = e.Field + ": " + message
	}
	e.Err = &fault.Failure{Message: message, Errno: errno}
	return e
}

// throughHelper has newuidmap or newgidmap write a map.
func (w *mapWriter) throughHelper(kind, text string, own uint32) error {
	name := "new" + kind + "map"
	path, _ := front.Getenv(w.env, "PATH")
	// The caller's PATH first; then where distributions put it, for services without a PATH.
	file := helper.Find(name, path+":/usr/bin:/bin:/usr/local/bin")
	if file == "" {
		e := w.failed(kind, "ranges of "+kind+"s need "+name+", which is not installed", 0)
		e.Err = fault.Because(e.Err.Error(), fault.ErrNoTool)
		e.Hint = "it is in the package uidmap (Debian, Ubuntu), shadow-utils (Fedora, RHEL), shadow (Arch, openSUSE, Alpine: shadow-subids)"
		return e
	}
	// Standard input: the caller's is not for it to read.
	null, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return w.failed(kind, "Can't open /dev/null", fault.ErrnoOf(err))
	}
	defer func() { _ = syscall.Close(null) }()
	// 30 seconds: a directory service may be asked for the caller's name.
	tool := helper.Program{Path: file, Patience: 30 * time.Second, MaxOutput: 4096}
	if _, err = tool.Run(null, append([]string{strconv.Itoa(w.pid)}, strings.Fields(text)...)...); err == nil {
		return nil
	}
	return w.refused(kind, name, text, own, err)
}

// refused turns newuidmap's error into one that says which line is missing in which file, if
// that is the reason.
func (w *mapWriter) refused(kind, name, text string, own uint32, err error) error {
	// One line of newuidmap's, made fit for a terminal (package helper).
	words := err.Error()
	// Read only now, for the message: newuidmap has read these files itself.
	h := &front.Facts{UID: uint32(syscall.Getuid()), Env: w.env}
	host.ReadSubIDs(h)
	// The text of /etc/subuid, or of /etc/subgid.
	granted := h.SubUID
	if kind == "gid" {
		granted = h.SubGID
	}
	if missing, ok := mapOf(text).Missing(own, idmap.SubIDs(granted, host.Names(h)...)); ok {
		e := w.failed(kind, "", 0)
		// A command line has an option as the field, and a Spec a field of its own.
		option := "--" + kind + "-map"
		if !strings.HasPrefix(e.Field, "--") {
			option = e.Field
		}
		e.Err = errors.New(option + " " + missing.String() + " is not permitted: /etc/sub" + kind + " does not grant these " + kind +
			"s to " + host.Names(h)[0] + " (" + name + ": " + words + ")")
		e.Hint = host.SubHint(h, kind, missing)
		return e
	}
	e := w.failed(kind, name+": "+words, 0)
	e.Err = fault.Because(e.Err.Error(), err)
	switch {
	// newuidmap looks its caller up by name; a uid without a passwd entry is refused.
	case h.UID != 0 && (h.UserName == "" || strings.Contains(words, "user name")):
		e.Hint = host.NameHint(h)
	// execve(2) passes over set-user-id bits then.
	case noNewPrivs():
		e.Hint = name + " is set-user-id root, which has no effect for a caller with NoNewPrivs (in another sandbox, or a hardened service)"
	// Its own write was refused: it has no privilege here.
	case strings.Contains(words, "not permitted"):
		e.Hint = name + " must be set-user-id root, or have cap_setuid,cap_setgid, on a file system without nosuid; in a container these ids must exist"
	}
	return e
}

// mapOf reads the text of a map that Compile has made.
func mapOf(text string) (m idmap.Map) {
	for line := range strings.Lines(text) {
		// The kernel's file has blanks where options have colons.
		if r, err := idmap.ParseRange(strings.Join(strings.Fields(line), ":")); err == nil {
			m = append(m, r)
		}
	}
	return m
}

// noNewPrivs reports whether this process has NoNewPrivs set (PR_GET_NO_NEW_PRIVS(2const)), and so cannot gain
// privilege by an exec.
func noNewPrivs() bool {
	on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && on == 1
}
