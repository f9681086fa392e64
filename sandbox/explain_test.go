package sandbox

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// everything is a program in which every operation occurs.
func everything(t *testing.T) *plan.Program {
	t.Helper()
	b := &planbuild.Builder{Clone: unix.CLONE_NEWNS}
	for _, ns := range []struct {
		option string
		kind   uint32
	}{{"--userns", unix.CLONE_NEWUSER}, {"--pidns", unix.CLONE_NEWPID}, {"--netns", unix.CLONE_NEWNET}, {"--userns2", unix.CLONE_NEWUSER}} {
		b.From(from(ns.option + " 5"))
		if ns.option == "--userns2" {
			b.EndJoin()
		}
		b.Add(plan.Step{Op: plan.OpSetns, A: 5, B: ns.kind})
	}
	b.From(plan.Origin{})
	for _, op := range []plan.Op{plan.OpIDMap, plan.OpUnshare, plan.OpLoopback, plan.OpHostname, plan.OpLimitUserns, plan.OpNoUserns, plan.OpChdir, plan.OpWaitFd, plan.OpGo, plan.OpFence, plan.OpSocket, plan.OpSetsid, plan.OpCaps, plan.OpLock, plan.OpTell, plan.OpSeccomp} {
		b.Add(plan.Step{Op: op, A: b.Str("AAA"), B: b.Str("BBB")})
	}
	b.Add(plan.Step{Op: plan.OpLabel, A: plan.LabelExec, B: b.Str("BBB")})
	b.Add(plan.Step{Op: plan.OpBecome, A: 7, B: 8})
	b.Add(plan.Step{Op: plan.OpGroups})
	b.Add(plan.Step{Op: plan.OpNest, A: b.Str("AAA"), B: b.Str("BBB")})
	b.From(from("--rlimit nofile=9"))
	b.Add(plan.Step{Op: plan.OpSet, B: b.Blob(make([]byte, 24)), C: 3})
	b.From(from("--oom-score-adj -5"))
	b.Add(plan.Step{Op: plan.OpScore, A: b.Str("-5")})
	b.From(plan.Origin{})
	b.Add(plan.Step{Op: plan.OpClose})
	b.Add(plan.Step{Op: plan.OpTimeout})
	b.From(from("--cgroup 9"))
	b.Add(plan.Step{Op: plan.OpCgroup, A: 9})
	b.From(plan.Origin{})
	b.Add(plan.Step{Op: plan.OpSlave})
	add := func(option string, step plan.Step) uint32 {
		b.From(from(option))
		return b.Add(step)
	}
	src := add("--ro-bind /src /dst", plan.Step{Op: plan.OpSource, A: b.Str("/src")})
	fd := add("--bind-fd 9 /fd", plan.Step{Op: plan.OpSource, B: 9})
	low := add("--tmp-overlay /ov", plan.Step{Op: plan.OpSource, A: b.Str("/low")})
	b.From(plan.Origin{})
	b.Add(plan.Step{Op: plan.OpRoot})
	add("--ro-bind /src /dst", plan.Step{Op: plan.OpBind, A: src, B: b.Str("/dst"), C: unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV})
	add("--bind-fd 9 /fd", plan.Step{Op: plan.OpBind, A: fd, B: b.Str("/fd")})
	add("--proc /proc", plan.Step{Op: plan.OpProc, B: b.Str("/proc")})
	add("--tmpfs /tmp", plan.Step{Op: plan.OpMount, A: plan.MountTmpfs, B: b.Str("/tmp")})
	add("--tmp-overlay /ov", plan.Step{Op: plan.OpOverlay, A: low, B: b.Str("/ov"), C: 1, D: plan.OverlayTmp})
	add("--dir /dir", plan.Step{Op: plan.OpDir, B: b.Str("/dir")})
	add("--file 6 /file", plan.Step{Op: plan.OpFile, A: 6, B: b.Str("/file")})
	add("--bind-data 7 /data", plan.Step{Op: plan.OpData, A: 7, B: b.Str("/data")})
	add("--symlink tgt /link", plan.Step{Op: plan.OpSymlink, A: b.Str("tgt"), B: b.Str("/link")})
	add("--chmod 755 /mode", plan.Step{Op: plan.OpChmod, B: b.Str("/mode"), D: 0o755})
	add("--remount-ro /ro", plan.Step{Op: plan.OpRemountRO, B: b.Str("/ro")})
	add("--mask /secret", plan.Step{Op: plan.OpMask, B: b.Str("/secret")})
	add("--protect /kept", plan.Step{Op: plan.OpProtect, B: b.Str("/kept")})
	b.From(plan.Origin{})
	b.Add(plan.Step{Op: plan.OpPivot})
	b.EndSetup()
	b.From(from("cmd"))
	b.Add(plan.Step{Op: plan.OpExec})
	b.Command([]string{"/x"}, []string{"x"}, []string{"PWD=/"}, 0)
	b.Fds(nil, nil, nil, -1)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestExplain: the words for what failed, and the hint. Scripts match many of them.
func TestExplain(t *testing.T) {
	p := everything(t)
	for _, c := range []struct {
		op         plan.Op
		n          int
		sub        plan.Sub
		errno      syscall.Errno
		text       string
		want, hint string // hint: a part of it; "" for none
	}{
		{plan.OpSetns, 0, 0, unix.EPERM, "", "Joining specified user namespace failed: Operation not permitted", "CAP_SYS_ADMIN"},
		{plan.OpSetns, 1, 0, unix.EINVAL, "", "Setting pidns failed: Invalid argument", ""},
		{plan.OpSetns, 2, 0, unix.EPERM, "", "Setting netns failed: Operation not permitted", "CAP_SYS_ADMIN"},
		{plan.OpSetns, 3, 0, unix.EPERM, "", "Setting userns2 failed: Operation not permitted", "CAP_SYS_ADMIN"},
		{plan.OpIDMap, 0, plan.SubUIDMap, unix.EACCES, "", "setting up uid map: Permission denied", "apparmor_restrict_unprivileged_userns"},
		{plan.OpIDMap, 0, plan.SubSetgroups, unix.EPERM, "", "error writing to setgroups: Operation not permitted", "apparmor"},
		{plan.OpIDMap, 0, plan.SubGIDMap, unix.EINVAL, "", "setting up gid map: Invalid argument", ""},
		{plan.OpUnshare, 0, 0, unix.ENOSPC, "", "Creating a nested user namespace failed: No space left on device", "max_user_namespaces"},
		{plan.OpLoopback, 0, 0, unix.EPERM, "", "loopback: Failed RTM_NEWADDR: Operation not permitted", "network namespace"},
		{plan.OpSlave, 0, 0, unix.EINVAL, "", "Failed to make / slave: Invalid argument", "chroot"},
		{plan.OpSource, 0, plan.SubSource, unix.ENOENT, "", "Can't find source path /src: No such file or directory", ""},
		{plan.OpSource, 1, plan.SubSource, unix.EBADF, "", "Can't find source path /proc/self/fd/9: Bad file descriptor", ""},
		{plan.OpSource, 1, plan.SubRace, unix.ESTALE, "", "Can't bind what --bind-fd 9 names: it is no longer where it was opened: Stale file handle", ""},
		{plan.OpRoot, 0, plan.SubTmpfs, unix.EPERM, "", "Failed to mount tmpfs: Operation not permitted", "mounting is forbidden"},
		{plan.OpRoot, 0, plan.SubPivot, unix.EINVAL, "", "pivot_root: Invalid argument", "chroot"},
		{plan.OpBind, 0, 0, unix.EACCES, "", "Can't bind mount /src on /newroot/dst: Permission denied", ""},
		{plan.OpBind, 1, 0, unix.EINVAL, "", "Can't bind mount fd 9 on /newroot/fd: Invalid argument", ""},
		{plan.OpBind, 0, plan.SubRemount, unix.EPERM, "", "Can't bind mount /src on /newroot/dst: Unable to apply mount flags (ro,nosuid,nodev): Operation not permitted", ""},
		{plan.OpBind, 0, plan.SubParents, unix.EROFS, "", "Can't mkdir parents for /dst: Read-only file system", "read-only mount"},
		{plan.OpBind, 0, plan.SubMakeDir, unix.EROFS, "", "Can't mkdir /dst: Read-only file system", "read-only mount"},
		{plan.OpBind, 0, plan.SubMakeFile, unix.EROFS, "", "Can't create file at /dst: Read-only file system", "read-only mount"},
		{plan.OpBind, 0, plan.SubMakeFile, unix.EISDIR, "", "Can't create file at /dst: Is a directory", "there is a directory already"},
		{plan.OpProc, 0, 0, unix.EPERM, "", "Can't mount proc on /newroot/proc: Operation not permitted", "masked /proc"},
		{plan.OpMount, 0, 0, unix.ENOMEM, "", "Can't mount tmpfs on /newroot/tmp: Cannot allocate memory", "memory"},
		{plan.OpOverlay, 0, 0, unix.ELOOP, "", "Can't make overlay mount on /newroot/ov: Too many levels of symbolic links", "overlap"},
		{plan.OpOverlay, 0, 0, unix.EINVAL, "", "Can't make overlay mount on /newroot/ov: Invalid argument", "one file system"},
		{plan.OpDir, 0, plan.SubMakeDir, unix.EACCES, "", "Can't mkdir /dir: Permission denied", "may not create"},
		{plan.OpFile, 0, plan.SubMakeFile, unix.EROFS, "", "Can't create file /file: Read-only file system", "read-only mount"},
		{plan.OpFile, 0, plan.SubRead, unix.EISDIR, "", "Can't read data for /file from fd 6: Is a directory", "to a directory"},
		{plan.OpFile, 0, plan.SubWrite, unix.ENOSPC, "", "Can't write data to file /file: No space left on device", "is full"},
		{plan.OpData, 0, 0, unix.EPERM, "", "Can't bind mount data on /newroot/data: Operation not permitted", "mounting is refused"},
		{plan.OpSymlink, 0, plan.SubExists, unix.EEXIST, "other", "Can't make symlink at /link: existing destination is other", ""},
		{plan.OpSymlink, 0, plan.SubExists, unix.EEXIST, "", "Can't make symlink at /link: File exists", ""},
		{plan.OpSymlink, 0, 0, unix.EROFS, "", "Can't make symlink at /link: Read-only file system", "read-only mount"},
		{plan.OpChmod, 0, 0, unix.ENOENT, "", "Can't chmod 0755 /mode: No such file or directory", "earlier operation"},
		{plan.OpRemountRO, 0, plan.SubNoMount, unix.EINVAL, "", `Can't remount readonly on /newroot/ro: Unable to find "/newroot/ro" in mount table`, "only a mount point"},
		{plan.OpMask, 0, plan.SubMain, unix.ENOENT, "", "Can't carry out --mask /secret: No such file or directory", "Op.Try leaves out what does not exist"},
		{plan.OpMask, 0, plan.SubNoMatch, unix.ENOENT, "", "Can't carry out --mask /secret: nothing matches the pattern", "Op.Try leaves out what does not exist"},
		{plan.OpMask, 0, plan.SubTooMany, unix.E2BIG, "", "Can't carry out --mask /secret: more than 20000 files match the pattern", ""},
		{plan.OpMask, 0, plan.SubWhole, unix.EINVAL, "", "Can't carry out --mask /secret: it is the whole sandbox", ""},
		{plan.OpMask, 0, plan.SubUnread, unix.EACCES, "/secret/d", "Can't carry out --mask /secret: the directory /secret/d, which may hold a match, cannot be read: Permission denied", "if its name is known"},
		{plan.OpProtect, 0, plan.SubPlaceholder, unix.EACCES, "x", "Can't carry out --protect /kept: an empty placeholder x could not be made: Permission denied", "create the path first"},
		{plan.OpProtect, 0, plan.SubMark, unix.EOPNOTSUPP, "x", "Can't carry out --protect /kept: it is missing, and a placeholder x could not be marked (extended attribute user.gobwrap.placeholder): Operation not supported", "create the path first"},
		{plan.OpProtect, 0, plan.SubNoEnd, unix.EINVAL, "", "Can't carry out --protect /kept: it is missing, and to keep it so takes a PID namespace", "Namespaces.PID"},
		{plan.OpProtect, 0, plan.SubHeld, unix.EPERM, "d", "Can't carry out --protect /kept: d on the way to it could not be made a mount point: Operation not permitted", ""},
		{plan.OpRemountRO, 0, plan.SubRemount, unix.EPERM, "", "Can't remount readonly on /newroot/ro: Operation not permitted", ""},
		{plan.OpProc, 0, plan.SubCover, unix.EINVAL, "", "Can't cover parts of proc for /newroot/proc read-only: Invalid argument", ""},
		{plan.OpPivot, 0, plan.SubPivot, unix.EINVAL, "", "pivot_root(/newroot): Invalid argument", ""},
		{plan.OpHostname, 0, 0, unix.EINVAL, "", "Can't set hostname to AAA: Invalid argument", "64 bytes"},
		{plan.OpLimitUserns, 0, 0, unix.EACCES, "", "cannot write to /proc/sys/user/max_user_namespaces: Permission denied", "covered"},
		{plan.OpNoUserns, 0, plan.SubUnexpected, unix.EPERM, "", "creation of new user namespaces was not disabled as requested", ""},
		{plan.OpChdir, 0, 0, unix.ENOENT, "", "Can't chdir to AAA: No such file or directory", "inside the sandbox"},
		{plan.OpSet, 0, 0, unix.EPERM, "--rlimit", "Can't carry out --rlimit nofile=9: Operation not permitted", "hard limit"},
		{plan.OpScore, 0, 0, unix.EACCES, "--oom-score-adj", "Can't carry out --oom-score-adj -5: Permission denied", "CAP_SYS_RESOURCE"},
		{plan.OpCgroup, 0, 0, unix.EACCES, "--cgroup", "Can't start in the cgroup of fd 9: Permission denied", "cgroup.procs"},
		{plan.OpCgroup, 0, 0, unix.EBADF, "--cgroup", "Can't start in the cgroup of fd 9, which is not a cgroup", "type cgroup2"},
		{plan.OpFence, 0, 0, unix.ENOMEM, "", "Can't keep the command from tracing or signalling processes outside (Landlock): Cannot allocate memory", "memory"},
		{plan.OpGo, 0, 0, unix.EPIPE, "", "Can't report the sandbox's namespaces: Broken pipe", ""},
		{plan.OpSetsid, 0, 0, unix.EPERM, "", "setsid: Operation not permitted", ""},
		{plan.OpLabel, 0, 0, unix.EINVAL, "", "Can't set label BBB of the command: Invalid argument", "SELinux"},
		{plan.OpCaps, 0, 0, unix.EPERM, "", "Can't set capabilities: Operation not permitted", "does not hold"},
		{plan.OpCaps, 0, plan.SubBounding, unix.EPERM, "", "Dropping capability from bounds: Operation not permitted", "CAP_SETPCAP"},
		{plan.OpCaps, 0, plan.SubAmbient, unix.EPERM, "", "Adding ambient capability: Operation not permitted", "securebits"},
		{plan.OpBecome, 0, plan.SubGIDMap, unix.EINVAL, "", "unable to switch to gid 8: Invalid argument", "does not map"},
		{plan.OpBecome, 0, plan.SubUIDMap, unix.EAGAIN, "", "unable to switch to uid 7: Resource temporarily unavailable", "RLIMIT_NPROC"},
		{plan.OpGroups, 0, 0, unix.EPERM, "", "Can't give up the caller's supplementary groups: Operation not permitted", "Identity.KeepGroups"},
		{plan.OpNest, 0, 0, unix.EUSERS, "", "Creating a nested user namespace failed: Too many users", "max_user_namespaces"},
		{plan.OpNest, 0, plan.SubUIDMap, unix.EPERM, "", "setting up uid map: Operation not permitted", ""},
		{plan.OpNest, 0, plan.SubGIDMap, unix.EINVAL, "", "setting up gid map: Invalid argument", ""},
		{plan.OpSocket, 0, 0, unix.ENOENT, "", "Can't leave socket AAA within reach: No such file or directory", "must be there"},
		{plan.OpLock, 0, plan.SubSource, unix.ENOENT, "", "Unable to open lock file AAA: No such file or directory", "inside the sandbox"},
		{plan.OpLock, 0, 0, unix.EAGAIN, "", "Unable to lock file AAA: Resource temporarily unavailable", "another process"},
		{plan.OpSeccomp, 0, 0, unix.EINVAL, "", "Unable to set up system call filtering as requested: prctl(PR_SET_SECCOMP): Invalid argument", "CONFIG_SECCOMP_FILTER"},
		{plan.OpExec, 0, 0, unix.ENOENT, "", "execvp cmd: No such file or directory", ""},
		{plan.OpDir, 0, plan.SubMagicLink, unix.ELOOP, "", "Can't follow the link to /dir: it is one of /proc that leads out of the sandbox", ""},
	} {
		i := planbuild.Nth(t, p, c.op, c.n)
		err := explain(p, plan.Message{Kind: plan.MsgFault, Step: i, Sub: c.sub, Errno: uint32(c.errno), Raw: []byte(c.text + "\x00")})
		if err.Error() != c.want {
			t.Errorf("%v, part %d: %q, want %q", c.op, c.sub, err, c.want)
		}
		if c.hint == "" && err.Hint != "" || !strings.Contains(err.Hint, c.hint) {
			t.Errorf("%v, part %d: hint %q, want %q", c.op, c.sub, err.Hint, c.hint)
		}
		if words := p.Origins[i].Words; len(words) > 0 && c.op != plan.OpExec && err.Field != words[0] {
			t.Errorf("%v: option %q, want %q", c.op, err.Field, words[0])
		}
		if err.Stage != c.op.String() {
			t.Errorf("%v: stage %q", c.op, err.Stage)
		}
	}
}

// TestExplainPath: what an operation worked on, for programs.
func TestExplainPath(t *testing.T) {
	p := everything(t)
	want := map[plan.Op]string{
		plan.OpSource: "/src", plan.OpBind: "/dst", plan.OpMount: "/tmp", plan.OpOverlay: "/ov", plan.OpDir: "/dir", plan.OpFile: "/file",
		plan.OpData: "/data", plan.OpSymlink: "/link", plan.OpChmod: "/mode", plan.OpRemountRO: "/ro", plan.OpProc: "/proc", plan.OpMask: "/secret", plan.OpProtect: "/kept",
		plan.OpChdir: "AAA", plan.OpLock: "AAA", plan.OpSocket: "AAA", plan.OpExec: "cmd",
	}
	for op := plan.Op(1); op < plan.NumOps; op++ {
		err := explain(p, plan.Message{Kind: plan.MsgFault, Step: planbuild.Nth(t, p, op, 0), Errno: uint32(unix.EPERM)})
		if err.Path != want[op] {
			t.Errorf("%v: path %q, want %q", op, err.Path, want[op])
		}
	}
	exec := explain(p, plan.Message{Kind: plan.MsgFault, Step: planbuild.Nth(t, p, plan.OpExec, 0), Errno: uint32(unix.ENOENT)})
	if exec.Field != "" {
		t.Errorf("the command's name is called the option %q", exec.Field)
	}
}

// TestExplainFallback: the words of the warning say which way was taken.
func TestExplainFallback(t *testing.T) {
	for fallback, want := range map[mounts.Fallback]string{
		mounts.Empty:     "No new proc on /newroot/proc, an empty directory is there instead: Operation not permitted",
		mounts.BindOuter: "No new proc on /newroot/proc, the outer one is bound instead and shows the processes outside: Operation not permitted",
	} {
		s := Spec{
			Namespaces: Namespaces{PID: Want}, Files: []mounts.Op{mounts.Proc("/proc")},
			ProcFallback: fallback, Command: CommandLine{Args: []string{"x"}},
		}
		p, err := planOf(&s, user())
		if err != nil {
			t.Fatal(err)
		}
		m := plan.Message{Kind: plan.MsgWarn, Step: planbuild.Nth(t, p, plan.OpProc, 0), Sub: plan.SubFallback, Errno: uint32(unix.EPERM)}
		if text := explain(p, m).Error(); text != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
}

// TestExplainAll: there are words for every operation and every part of it.
func TestExplainAll(t *testing.T) {
	p := everything(t)
	for op := plan.Op(1); op < plan.NumOps; op++ {
		i := planbuild.Nth(t, p, op, 0)
		for sub := plan.SubMain; sub <= plan.SubPlan+4; sub++ {
			if sub == plan.SubRead && op != plan.OpFile && op != plan.OpData {
				continue // nothing else reads
			}
			err := explain(p, plan.Message{Kind: plan.MsgFault, Step: i, Sub: sub, Errno: uint32(unix.EPERM)})
			switch text := err.Error(); {
			case text == "", strings.HasPrefix(text, ":"), strings.Contains(text, "%!"), strings.HasPrefix(text, "Can't do "):
				if op != plan.OpTell && op != plan.OpClose && op != plan.OpTimeout { // they cannot fail
					t.Errorf("%v, part %d: %q", op, sub, text)
				}
			case strings.HasSuffix(text, ": "), strings.Contains(text, "  "), strings.Contains(text, "\n"):
				t.Errorf("%v, part %d: %q", op, sub, text)
			}
			if strings.HasSuffix(err.Hint, ".") || strings.Contains(err.Hint, "\n") {
				t.Errorf("%v, part %d: hint %q", op, sub, err.Hint)
			}
		}
	}
}

// TestExplainLaunch: what failed outside of the steps.
func TestExplainLaunch(t *testing.T) {
	p := everything(t)
	for _, c := range []struct {
		sub        plan.Sub
		errno      syscall.Errno
		want, hint string
	}{
		{plan.SubClone, unix.EPERM, "No permissions to create a new namespace: Operation not permitted", "max_user_namespaces"},
		{plan.SubClone, unix.EINVAL, "Creating new namespace failed: Invalid argument", "user,mnt"},
		{plan.SubClone, unix.ENOSPC, "Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded: No space left on device", "sysctl"},
		{plan.SubClone, unix.EUSERS, "Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded: Too many users", "sysctl"},
		{plan.SubClone, unix.EAGAIN, "Creating new namespace failed: Resource temporarily unavailable", "RLIMIT_NPROC"},
		{plan.SubProc, unix.ENOENT, "Can't open /proc: No such file or directory", "proc"},
		{plan.SubPlan, 0, "internal error, please report: the plan was refused with 7", ""},
	} {
		err := explain(p, plan.Message{Kind: plan.MsgFault, Step: plan.NoStep, Sub: c.sub, Errno: uint32(c.errno), Extra: 7 | unix.CLONE_NEWUSER | unix.CLONE_NEWNS})
		if c.sub == plan.SubPlan {
			err = explain(p, plan.Message{Step: plan.NoStep, Sub: c.sub, Extra: 7})
		}
		if err.Error() != c.want || !strings.Contains(err.Hint, c.hint) || c.hint == "" && err.Hint != "" {
			t.Errorf("part %d: %q, hint %q; want %q, %q", c.sub, err, err.Hint, c.want, c.hint)
		}
	}
	// A step that the program does not have is not a reason to panic.
	if err := explain(p, plan.Message{Step: 1 << 30, Errno: uint32(unix.EPERM)}); err.Error() == "" {
		t.Error("no words for an unknown step")
	}
}

// TestErrno: errors.Is works with errnos and with the values of io/fs.
func TestErrno(t *testing.T) {
	err := error(&SetupError{Err: &fault.Failure{Message: "m", Errno: unix.ENOENT}})
	if !errors.Is(err, unix.ENOENT) || !errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EPERM) {
		t.Errorf("%v is not what it is", err)
	}
	if err := error(&SetupError{Err: &fault.Failure{Message: "m", Errno: 0}}); errors.Unwrap(errors.Unwrap(err)) != nil || err.Error() != "m" {
		t.Errorf("%q wraps %v", err, errors.Unwrap(err))
	}
	if err := error(&SetupError{Err: &fault.Failure{Message: "m", Errno: unix.EPERM}}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v is not a refusal", err)
	}
}

// TestStrerror compares with the words of the C library, which scripts match.
func TestStrerror(t *testing.T) {
	for e, want := range map[syscall.Errno]string{
		unix.EPERM: "Operation not permitted", unix.ENOENT: "No such file or directory", unix.EINTR: "Interrupted system call",
		unix.EIO: "Input/output error", unix.ENXIO: "No such device or address", unix.E2BIG: "Argument list too long",
		unix.ENOEXEC: "Exec format error", unix.EBADF: "Bad file descriptor", unix.ECHILD: "No child processes",
		unix.EAGAIN: "Resource temporarily unavailable", unix.ENOMEM: "Cannot allocate memory", unix.EACCES: "Permission denied",
		unix.EFAULT: "Bad address", unix.ENOTBLK: "Block device required", unix.EBUSY: "Device or resource busy", unix.EEXIST: "File exists",
		unix.EXDEV: "Invalid cross-device link", unix.ENODEV: "No such device", unix.ENOTDIR: "Not a directory", unix.EISDIR: "Is a directory",
		unix.EINVAL: "Invalid argument", unix.ENFILE: "Too many open files in system", unix.EMFILE: "Too many open files",
		unix.ENOTTY: "Inappropriate ioctl for device", unix.ETXTBSY: "Text file busy", unix.EFBIG: "File too large",
		unix.ENOSPC: "No space left on device", unix.ESPIPE: "Illegal seek", unix.EROFS: "Read-only file system", unix.EMLINK: "Too many links",
		unix.EPIPE: "Broken pipe", unix.ERANGE: "Numerical result out of range", unix.ENAMETOOLONG: "File name too long",
		unix.ENOSYS: "Function not implemented", unix.ENOTEMPTY: "Directory not empty", unix.ELOOP: "Too many levels of symbolic links",
		unix.EOPNOTSUPP: "Operation not supported", unix.EAFNOSUPPORT: "Address family not supported by protocol",
		unix.ESTALE: "Stale file handle", unix.EDQUOT: "Disk quota exceeded", unix.EUSERS: "Too many users", unix.ETIMEDOUT: "Connection timed out",
		unix.EOVERFLOW: "Value too large for defined data type",
	} {
		if got := fault.Strerror(e); got != want {
			t.Errorf("errno %d is %q, want %q", int(e), got, want)
		}
	}
	for e := syscall.Errno(1); e < 600; e++ {
		if text := fault.Strerror(e); text == "" || strings.HasPrefix(text, "Errno") && text != strings.TrimSpace(text) {
			t.Errorf("errno %d is %q", int(e), text)
		}
	}
}
