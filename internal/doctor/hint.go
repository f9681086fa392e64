package doctor

import (
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/sandbox"
)

// Hint is what mends a launch that has failed, in one line, or "" where the table has
// nothing to say. Only files are read for it.
func Hint(e *sandbox.SetupError) string { return hint(Here(), e) }

func hint(f *Facts, e *sandbox.SetupError) string {
	if e.Errno == 0 {
		return ""
	}
	s := f.stepOf(e)
	k := &Case{f, s, e.Errno}
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
func (f *Facts) stepOf(e *sandbox.SetupError) Step {
	switch e.Stage {
	case "launch":
		return f.suspect(e.Errno)
	case "mount":
		if strings.HasSuffix(e.Path, "/pts") {
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
		if s.name == e.Stage {
			return s.step
		}
	}
	return ""
}

// suspect is the namespace that was one too many in a clone, which makes all at once and
// does not say.
func (f *Facts) suspect(e syscall.Errno) Step {
	for _, s := range cloneSteps {
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
