package fault

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"golang.org/x/sys/unix"
)

// explainStep returns what a step tried. The wording is bwrap's where it has one: scripts
// match it (see COMPAT in gobwrap(1)).
func explainStep(p *plan.Program, s plan.Step, o plan.Origin, m plan.Message) string {
	if s.Op == plan.OpMask || s.Op == plan.OpProtect {
		return explainDenial(o, m)
	}
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
	text := ""
	if say := parts[s.Op]; say != nil {
		text = say(p, s, o, m)
	}
	if text == "" {
		text = p.Sentence(s)
	}
	switch {
	case text != "":
		return text
	case len(o.Words) == 0:
		return "Can't do " + s.Op.String()
	}
	return "Can't carry out " + strings.Join(o.Words, " ")
}

// parts are what a fault in a part of an operation is called, where that is not the sentence of its
// row (package plan): "" is that sentence.
//
//nolint:gochecknoglobals // read-only table
var parts = [plan.NumOps]func(*plan.Program, plan.Step, plan.Origin, plan.Message) string{
	plan.OpSetns:  explainSetns,
	plan.OpIDMap:  explainIDMap,
	plan.OpNest:   explainIDMap,
	plan.OpSource: explainSource,
	plan.OpRoot: func(_ *plan.Program, _ plan.Step, _ plan.Origin, m plan.Message) string {
		return bySub(m, map[plan.Sub]string{plan.SubPivot: "pivot_root", plan.SubRootfs: "pivot_root"})
	},
	plan.OpBind: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		what := p.Sentence(s)
		return bySub(m, map[plan.Sub]string{
			plan.SubSubmount: what + ": Unable to remount a mount below it with correct flags",
			plan.SubRemount:  what + ": Unable to apply mount flags (" + plan.MountFlags(s.C) + ")",
		})
	},
	plan.OpSymlink: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		what, found := p.Sentence(s), m.Text()
		if found == "" {
			return bySub(m, map[plan.Sub]string{plan.SubExists: what + ": File exists"})
		}
		return bySub(m, map[plan.Sub]string{plan.SubExists: what + ": existing destination is " + found})
	},
	plan.OpRemountRO: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		return bySub(m, map[plan.Sub]string{plan.SubNoMount: p.Sentence(s) + `: Unable to find "/newroot` + p.Str(s.B) + `" in mount table`})
	},
	plan.OpProc: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		instead := ", an empty directory is there instead"
		if s.Flags&plan.FlagOrBind != 0 {
			instead = ", the outer one is bound instead and shows the processes outside"
		}
		return bySub(m, map[plan.Sub]string{
			plan.SubFallback: "No new proc on /newroot" + p.Str(s.B) + instead,
			plan.SubCover:    "Can't cover parts of proc for /newroot" + p.Str(s.B) + " read-only",
		})
	},
	plan.OpNoUserns: func(_ *plan.Program, _ plan.Step, _ plan.Origin, m plan.Message) string {
		return bySub(m, map[plan.Sub]string{plan.SubUnexpected: "creation of new user namespaces was not disabled as requested"})
	},
	plan.OpWaitFd: func(_ *plan.Program, s plan.Step, o plan.Origin, _ plan.Message) string {
		return "Can't wait for fd " + strconv.Itoa(int(s.A)) + " (" + strings.Join(o.Words, " ") + ")"
	},
	plan.OpCaps: func(_ *plan.Program, _ plan.Step, _ plan.Origin, m plan.Message) string {
		return bySub(m, map[plan.Sub]string{plan.SubBounding: "Dropping capability from bounds", plan.SubAmbient: "Adding ambient capability"})
	},
	plan.OpBecome: func(_ *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		return bySub(m, map[plan.Sub]string{plan.SubGIDMap: "unable to switch to gid " + strconv.FormatUint(uint64(s.B), 10)})
	},
	plan.OpFence: func(_ *plan.Program, s plan.Step, o plan.Origin, _ plan.Message) string {
		if s.A == 0 || len(o.Words) == 0 {
			return ""
		}
		return "Can't restrict what the command reaches (" + strings.Join(o.Words, " ") + ") by Landlock"
	},
	plan.OpLock: func(p *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		return bySub(m, map[plan.Sub]string{plan.SubSource: "Unable to open lock file " + p.Str(s.A)})
	},
	plan.OpCgroup: func(_ *plan.Program, s plan.Step, _ plan.Origin, m plan.Message) string {
		kind := [...]string{
			plan.CgroupNone: "which is not a cgroup", plan.CgroupFile: "which is a file in a cgroup and not its directory", plan.CgroupOld: "which is one of version 1",
		}
		if unix.Errno(m.Errno) != unix.EBADF || m.Extra == plan.CgroupDirectory || int(m.Extra) >= len(kind) {
			return ""
		}
		return "Can't start in the cgroup of fd " + strconv.Itoa(int(s.A)) + ", " + kind[m.Extra]
	},
	plan.OpExec: func(_ *plan.Program, _ plan.Step, o plan.Origin, _ plan.Message) string {
		return "execvp " + strings.Join(o.Words, " ")
	},
}

// bySub returns the text for the part that has failed, "" for any other.
func bySub(m plan.Message, texts map[plan.Sub]string) string { return texts[m.Sub] }

// explainSetns names the namespace that could not be entered. A user namespace is entered before the
// clone (--userns) or at the end of set-up (--userns2).
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

// explainIDMap names the file that could not be written: uid_map, setgroups or gid_map.
func explainIDMap(_ *plan.Program, _ plan.Step, _ plan.Origin, m plan.Message) string {
	return bySub(m, map[plan.Sub]string{
		plan.SubSetgroups: "error writing to setgroups",
		plan.SubGIDMap:    "setting up gid map",
		plan.SubUIDMap:    "setting up uid map",
	})
}

// explainSource is about a source that is a descriptor; "" is for a path, whose sentence is in its row.
func explainSource(_ *plan.Program, s plan.Step, o plan.Origin, m plan.Message) string {
	if s.A != 0 {
		return ""
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

// hint returns the usual cause of a failure, or "".
func hint(s plan.Step, m plan.Message) string {
	e := unix.Errno(m.Errno)
	switch {
	case s.Op == plan.OpExec:
		return hintExec(m)
	case s.Op == plan.OpSet:
		if text := setting.Kind(s.A).Hint(e); text != "" {
			return text
		}
	case s.Op == plan.OpIDMap && (e == unix.EACCES || e == unix.EPERM):
		return "the user namespace came without the right to use it: on Ubuntu see kernel.apparmor_restrict_unprivileged_userns"
	case s.Op == plan.OpFence && e == unix.EOPNOTSUPP && s.A&plan.ScopeSockets != 0:
		return "the scope of sockets with a path needs Linux 7.1 with Landlock enabled; " +
			"the seccomp profile no-unix-sockets forbids Unix sockets on any kernel"
	case s.Op == plan.OpGroups && e == unix.EPERM:
		return "set Identity.KeepGroups to keep them"
	case s.Op == plan.OpProc && m.Sub == plan.SubMain && e == unix.EPERM:
		return "in a container with a masked /proc the kernel refuses a new one; set ProcFallback to mounts.Empty to do without one, or to mounts.BindOuter to show the outer one"
	case s.Op == plan.OpRoot && m.Sub == plan.SubRootfs && e == unix.EPERM:
		return "the root is the kernel's first file system (an initramfs), which cannot be unmounted: drop CAP_SYS_ADMIN, with which the command could get back to it"
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
