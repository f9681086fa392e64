package doctor

import (
	"slices"
	"strings"
	"syscall"
)

// Hint says how to fix a launch that has failed at a stage (see sandbox.SetupError), in one line, or "" where the table has
// nothing to say. Only files are read for it.
func Hint(stage, path string, errno syscall.Errno) string { return hint(Here(), stage, path, errno) }

func hint(f *Facts, at, path string, errno syscall.Errno) string {
	if errno == 0 {
		return ""
	}
	s := f.stepOf(at, path, errno)
	k := &Case{Facts: f, Step: s, Errno: errno}
	c := explain(k)
	if s == "" || c == nil || c.ID == "refused" {
		return ""
	}
	return k.inOneLine(c)
}

// inOneLine is a cause with the nearest of its fixes.
func (k *Case) inOneLine(c *Cause) string {
	text := k.fill(c.Says)
	for _, fix := range c.fixes(k.Facts) {
		fix = k.fillFix(fix)
		if len(fix.Now) > 0 {
			who := " As root: "
			if fix.ByUser {
				who = " Mend it with: "
			}
			return text + who + strings.Join(fix.Now, " && ") + "  (more: " + quoteShell(k.Facts.Binary.Path) + " --doctor)"
		}
		if fix.Note != "" {
			return text + " " + fix.Note
		}
	}
	return text
}

// stepOf is the step that a launch has failed at, or "".
func (f *Facts) stepOf(at, path string, errno syscall.Errno) Step {
	switch at {
	case "launch":
		return f.suspect(errno)
	case "mount":
		if strings.HasSuffix(path, "/pts") {
			return Devpts
		}
		return Tmpfs
	}
	for _, s := range [...]stage{
		{"idmap", IDMaps},
		{"slave", Slave},
		{"root", Tmpfs},
		{"proc", Proc},
		{"overlay", Overlay},
		{"loopback", Loopback},
		{"seccomp", Seccomp},
		{"unshare", Nested},
		{"limit-userns", Limit},
	} {
		if s.name == at {
			return s.step
		}
	}
	return ""
}

// suspect is the namespace that was one too many in a clone, which makes all at once and
// does not say. Root, and a launch in setuid mode, do without a user namespace where they can.
func (f *Facts) suspect(e syscall.Errno) Step {
	steps := slices.Clone(cloneSteps)
	if f.Binary.Keeper || f.UID == 0 {
		steps = append(steps[1:], UserNS)
	}
	for _, s := range steps {
		kind := namespaceKind(s)
		switch e {
		case syscall.EINVAL:
			if !f.Files.Exists("/proc/self/ns/" + kind) {
				return s
			}
		case syscall.ENOSPC, syscall.EUSERS:
			if f.sysctl("user.max_"+kind+"_namespaces") == "0" {
				return s
			}
		}
	}
	if e == syscall.EINVAL {
		return ""
	}
	return UserNS
}
