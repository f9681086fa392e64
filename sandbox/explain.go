package sandbox

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// explainStep says what a step tried. The wording is bwrap's where it has one:
// scripts match it (see COMPAT in gobwrap(1)).
func explainStep(p *plan.Program, s plan.Step, o plan.Origin, m plan.Message) string {
	dst := p.Str(s.B)
	if s.Op == plan.OpChdir {
		dst = p.Str(s.A)
	}
	switch m.Sub {
	case plan.SubParents:
		return "Can't mkdir parents for " + dst
	case plan.SubMakeDir:
		return "Can't mkdir " + dst
	case plan.SubMakeFile:
		if s.Op == plan.OpFile {
			return "Can't create file " + dst
		}
		return "Can't create file at " + dst
	case plan.SubMagicLink:
		return "Can't follow the link to " + dst + ": it is one of /proc that leads out of the sandbox"
	case plan.SubRead:
		return "Can't read data for " + dst + " from fd " + strconv.Itoa(int(s.A))
	case plan.SubWrite:
		return "Can't write data to file " + dst
	}
	if say := sentences[s.Op]; say != nil {
		return say(p, s, o, m)
	}
	if len(o.Words) == 0 {
		return "Can't do " + s.Op.String()
	}
	return "Can't carry out " + strings.Join(o.Words, " ")
}

type sentence func(*plan.Program, plan.Step, plan.Origin, plan.Message) string

func fixed(text string) sentence {
	return func(*plan.Program, plan.Step, plan.Origin, plan.Message) string { return text }
}

// sentences are the words for each operation's own failure.
//
//nolint:gochecknoglobals // read-only table
var sentences = [plan.NumOps]sentence{
	plan.OpSetns:    explainSetns,
	plan.OpIDMap:    explainIDMap,
	plan.OpUnshare:  fixed("Creating a nested user namespace failed"),
	plan.OpLoopback: fixed("loopback: Failed RTM_NEWADDR"),
	plan.OpSlave:    fixed("Failed to make / slave"),
	plan.OpSource:   explainSource,
	plan.OpRoot: func(_ *plan.Program, _ plan.Step, _ plan.Origin, m plan.Message) string {
		if m.Sub == plan.SubPivot || m.Sub == plan.SubRootfs {
			return "pivot_root"
		}
		return "Failed to mount tmpfs"
	},
	plan.OpBind: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		src := p.Step(s.A)
		from := p.Str(src.A)
		if src.A == 0 {
			from = "fd " + strconv.Itoa(int(src.B))
		}
		what := "Can't bind mount " + from + " on /newroot" + p.Str(s.B)
		switch m.Sub {
		case plan.SubSubmount:
			return what + ": Unable to remount a mount below it with correct flags"
		case plan.SubRemount:
			return what + ": Unable to apply mount flags (" + plan.MountFlags(s.C) + ")"
		}
		return what
	},
	plan.OpMount: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't mount " + plan.MountKinds[s.A] + " on /newroot" + p.Str(s.B)
	},
	plan.OpOverlay: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't make overlay mount on /newroot" + p.Str(s.B)
	},
	plan.OpDir: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't mkdir " + p.Str(s.B)
	},
	plan.OpFile: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't create file " + p.Str(s.B)
	},
	plan.OpData: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't bind mount data on /newroot" + p.Str(s.B)
	},
	plan.OpSymlink: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		if m.Sub == plan.SubExists {
			found := m.Text()
			if found == "" {
				return "Can't make symlink at " + p.Str(s.B) + ": File exists"
			}
			return "Can't make symlink at " + p.Str(s.B) + ": existing destination is " + found
		}
		return "Can't make symlink at " + p.Str(s.B)
	},
	plan.OpChmod: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't chmod 0" + strconv.FormatUint(uint64(s.D), 8) + " " + p.Str(s.B)
	},
	plan.OpRemountRO: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		if m.Sub == plan.SubNoMount {
			return `Can't remount readonly on /newroot` + p.Str(s.B) + `: Unable to find "/newroot` + p.Str(s.B) + `" in mount table`
		}
		return "Can't remount readonly on /newroot" + p.Str(s.B)
	},
	plan.OpProc: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		if m.Sub == plan.SubFallback && s.Flags&plan.FlagOrBind != 0 {
			return "No new proc on /newroot" + p.Str(s.B) + ", the outer one is bound and shows the processes outside"
		}
		if m.Sub == plan.SubFallback {
			return "No new proc on /newroot" + p.Str(s.B) + ", an empty directory is there instead"
		}
		if m.Sub == plan.SubCover {
			return "Can't cover parts of proc for /newroot" + p.Str(s.B) + " read-only"
		}
		return "Can't mount proc on /newroot" + p.Str(s.B)
	},
	plan.OpPivot: fixed("pivot_root(/newroot)"),
	plan.OpHostname: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't set hostname to " + p.Str(s.A)
	},
	plan.OpLimitUserns: fixed("cannot write to /proc/sys/user/max_user_namespaces"),
	plan.OpNoUserns: func(_ *plan.Program, _ plan.Step, _ plan.Origin, m plan.Message) string {
		if m.Sub == plan.SubUnexpected {
			return "creation of new user namespaces was not disabled as requested"
		}
		return "Can't test whether user namespaces are disabled"
	},
	plan.OpChdir: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't chdir to " + p.Str(s.A)
	},
	plan.OpWaitFd: func(_ *plan.Program, s plan.Step, o plan.Origin, _ plan.Message) string {
		return "Can't wait for fd " + strconv.Itoa(int(s.A)) + " (" + strings.Join(o.Words, " ") + ")"
	},
	plan.OpGo:     fixed("Can't report the sandbox's namespaces"),
	plan.OpSetsid: fixed("setsid"),
	plan.OpLabel: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't set label " + p.Str(s.B) + " of " + [...]string{"the command", "files"}[s.A]
	},
	plan.OpCaps: func(_ *plan.Program, _ plan.Step, _ plan.Origin, m plan.Message) string {
		switch m.Sub {
		case plan.SubBounding:
			return "Dropping capability from bounds"
		case plan.SubAmbient:
			return "Adding ambient capability"
		}
		return "Can't set capabilities"
	},
	plan.OpBecome: func(_ *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		if m.Sub == plan.SubGIDMap {
			return "unable to switch to gid " + dec(s.B)
		}
		return "unable to switch to uid " + dec(s.A)
	},
	plan.OpGroups: fixed("Can't give up the caller's supplementary groups"),
	plan.OpNest:   explainNest,
	plan.OpFence: func(_ *plan.Program, s plan.Step, o plan.Origin, _ plan.Message) string {
		if s.A != 0 && len(o.Words) > 0 {
			return "Can't restrict what the command reaches (" + strings.Join(o.Words, " ") + ") by Landlock"
		}
		return "Can't keep the command from tracing or signalling processes outside (Landlock)"
	},
	plan.OpSocket: func(p *plan.Program, s plan.Step, _ plan.Origin, _ plan.Message) string {
		return "Can't leave socket " + p.Str(s.A) + " within reach"
	},
	plan.OpLock: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		if m.Sub == plan.SubSource {
			return "Unable to open lock file " + p.Str(s.A)
		}
		return "Unable to lock file " + p.Str(s.A)
	},
	plan.OpSeccomp: fixed("Unable to set up system call filtering as requested: prctl(PR_SET_SECCOMP)"),
	plan.OpExec: func(_ *plan.Program, _ plan.Step, o plan.Origin, _ plan.Message) string {
		return "execvp " + strings.Join(o.Words, " ")
	},
}

func explainSetns(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
	switch {
	case s.B == unix.CLONE_NEWUSER && m.Step >= p.Header().Join:
		return "Setting userns2 failed"
	case s.B == unix.CLONE_NEWUSER:
		return "Joining specified user namespace failed"
	case s.B == unix.CLONE_NEWPID:
		return "Setting pidns failed"
	default:
		return "Setting netns failed"
	}
}

func explainIDMap(_ *plan.Program, _ plan.Step, _ plan.Origin, m plan.Message) string {
	switch m.Sub {
	case plan.SubSetgroups:
		return "error writing to setgroups"
	case plan.SubGIDMap:
		return "setting up gid map"
	default:
		return "setting up uid map"
	}
}

func explainNest(p *plan.Program, s plan.Step, o plan.Origin, m plan.Message) string {
	if m.Sub == plan.SubMain {
		return "Creating a nested user namespace failed"
	}
	return explainIDMap(p, s, o, m)
}

func explainSource(p *plan.Program, s plan.Step, o plan.Origin, m plan.Message) string {
	if s.A != 0 {
		return "Can't find source path " + p.Str(s.A)
	}
	what := "fd " + strconv.Itoa(int(s.B))
	if len(o.Words) > 0 {
		what = o.Words[0] + " " + strconv.Itoa(int(s.B))
	}
	if m.Sub == plan.SubRace {
		return "Can't bind what " + what + " names: it is no longer where it was opened"
	}
	return "Can't find source path /proc/self/fd/" + strconv.Itoa(int(s.B))
}

// hint knows the usual causes.
func hint(s plan.Step, m plan.Message) string {
	e := unix.Errno(m.Errno)
	switch {
	case s.Op == plan.OpExec:
		return hintExec(m)
	case s.Op == plan.OpIDMap && (e == unix.EACCES || e == unix.EPERM):
		return "the user namespace came without the right to use it: on Ubuntu see kernel.apparmor_restrict_unprivileged_userns"
	case s.Op == plan.OpFence && e == unix.EOPNOTSUPP && s.A&plan.ScopeSockets != 0:
		return "the scope of sockets with a path takes Linux 7.1 with Landlock enabled; " +
			"the seccomp profile no-unix-sockets forbids Unix sockets on any kernel"
	case s.Op == plan.OpGroups && e == unix.EPERM:
		return "Identity.KeepGroups leaves them as they are"
	case s.Op == plan.OpProc && m.Sub == plan.SubMain && e == unix.EPERM:
		return "in a container with a masked /proc the kernel refuses a new one; ProcFallback mounts.Empty does without, mounts.BindOuter shows the outer one"
	case s.Op == plan.OpRoot && m.Sub == plan.SubRootfs && e == unix.EPERM:
		return "the root is the kernel's first file system (an initramfs), which cannot be taken away: a command with CAP_SYS_ADMIN could get back to it; drop that capability"
	case s.Op == plan.OpRoot && m.Sub == plan.SubRootfs:
		return "the root is the kernel's first file system (an initramfs), which needs chroot(2), and that is refused here"
	case s.Op == plan.OpRoot && m.Sub == plan.SubPivot && e == unix.EINVAL:
		return "this does not work inside a chroot"
	case s.Op == plan.OpOverlay && e == unix.ELOOP:
		return "layers overlap: one lies inside another, or upper and work directory are the same"
	case s.Op == plan.OpOverlay && e == unix.EINVAL:
		return "upper and work directory must lie on one file system that supports overlays, and no layer inside another"
	}
	return errnoHint(s, m)
}
