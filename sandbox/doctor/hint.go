package doctor

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/sandbox"
)

// Hint returns how to fix a launch that has failed with err, in one line, or "" where
// err is not a [sandbox.SetupError] and where the table has nothing to say. Only files are
// read for it.
func Hint(err error) string {
	var e *sandbox.SetupError
	if !errors.As(err, &e) {
		return ""
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return ""
	}
	return hint(here(selfExe), e.Stage, e.Path, errno)
}

func hint(f *facts, at, path string, errno syscall.Errno) string {
	s := f.stepOf(at, path, errno)
	k := &failure{Facts: f, Step: s, Errno: errno}
	c := explain(k)
	if s == "" || c == nil || c.ID == "refused" {
		return ""
	}
	return k.inOneLine(c)
}

// inOneLine returns a cause with the nearest of its fixes.
func (k *failure) inOneLine(c *cause) string {
	text := k.fill(c.Says)
	for _, fix := range c.fixes(k.Facts) {
		fix = k.fillFix(fix)
		if len(fix.Now) > 0 {
			how := " As root: "
			if fix.ByUser {
				how = " Fix it with: "
			}
			return text + how + strings.Join(fix.Now, " && ") + "  (more: " + quoteShell(k.Facts.Binary.Path) + " --doctor)"
		}
		if fix.Note != "" {
			return text + " " + fix.Note
		}
	}
	return text
}

// stepOf returns the step that a launch has failed at, or "".
func (f *facts) stepOf(at, path string, errno syscall.Errno) Step {
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

// suspect returns the namespace that was one too many in a clone, which makes all at once and
// does not say. Root, and a launch in setuid mode, do without a user namespace where they can.
func (f *facts) suspect(e syscall.Errno) Step {
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
