package doctor

import (
	"slices"
	"strings"
	"syscall"
)

// failure is a step that failed, on a machine.
type failure struct {
	Facts *facts
	Step  Step
	Errno syscall.Errno

	Killed bool // the process that tried the step was killed
}

// cause is one reason why steps fail, and what fixes it.
//
// In its texts and commands, names in braces stand for what is found on the machine:
// {exe} this binary, {mount} its mount point, {kind} the kind of a namespace (user, mnt,
// pid, …), {option} its configuration option, {unit} the systemd service, {systemctl} the
// command for it, {masks} what covers parts of /proc, {calls} the system calls that kill.
type cause struct {
	ID     string
	Steps  []Step          // where it shows; empty: anywhere
	Errnos []syscall.Errno // what the kernel says; empty: anything
	Fits   func(*failure) bool
	Says   string
	Fixes  []fix

	SetuidToo bool // setuid mode fails for the same reason
}

// fix is what removes a cause.
type fix struct {
	Where string   // a family of distributions, or what contains the process; Anywhere
	Now   []string // commands
	Boot  []string // the same across reboots; empty: Now lasts
	Note  string

	ByUser bool // root is not needed for it
}

// fits reports whether c explains the case.
func (c *cause) fits(k *failure) bool {
	return (len(c.Steps) == 0 || slices.Contains(c.Steps, k.Step)) &&
		(len(c.Errnos) == 0 || slices.Contains(c.Errnos, k.Errno)) &&
		(c.Fits == nil || c.Fits(k))
}

// explain finds the cause of a failure, or nil.
func explain(k *failure) *cause {
	for _, c := range causes() {
		if c.fits(k) {
			return c
		}
	}
	return nil
}

// causes returns the table, in the order in which it is searched.
func causes() (all []*cause) {
	for _, part := range [][]cause{platformCauses[:], processCauses[:], knobCauses[:], moduleCauses[:], containerCauses[:], kernelCauses[:], setuidCauses[:], toolCauses[:], lastCauses[:]} {
		for i := range part {
			all = append(all, &part[i])
		}
	}
	return all
}

// fixes returns those for this place: of the nearest of its families that has some, and those
// for anywhere if there are none.
func (c *cause) fixes(f *facts) (here []fix) {
	for _, place := range append(f.places(), Anywhere) {
		for _, fix := range c.Fixes {
			if fix.Where == place {
				here = append(here, fix)
			}
		}
		if len(here) > 0 {
			return here
		}
	}
	return c.Fixes // for elsewhere, which each of them names
}

// fill replaces the names in braces by what is found on the machine.
func (k *failure) fill(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	unit, ofUser := k.Facts.unit()
	if unit == "" {
		unit = "UNIT"
	}
	systemctl, dropins := "systemctl", "/etc/systemd/system"
	if ofUser {
		systemctl, dropins = "systemctl --user", "~/.config/systemd/user"
	}
	kind := namespaceKind(k.Step)
	return strings.NewReplacer(
		"{exe}", quoteShell(k.Facts.Binary.Path),
		"{mount}", quoteShell(k.Facts.Binary.Mount),
		"{kind}", kind,
		"{option}", "CONFIG_"+configOption(kind),
		"{unit}", quoteShell(unit),
		"{systemctl}", systemctl,
		"{dropins}", dropins,
		"{calls}", k.Facts.calls(),
		"{masks}", strings.Join(k.Facts.masks(), ", "),
	).Replace(text)
}

// namespaceKind returns the kind of namespace that a step makes, as /proc/sys/user spells it.
func namespaceKind(s Step) string {
	switch s {
	case MountNS:
		return "mnt"
	case PIDNS:
		return "pid"
	case NetNS:
		return "net"
	case IPCNS:
		return "ipc"
	case UTSNS:
		return "uts"
	case CgroupNS:
		return "cgroup"
	}
	return "user"
}

// configOption returns the kernel's configuration option for a kind of namespace.
func configOption(kind string) string {
	switch kind {
	case "cgroup":
		return "CGROUPS"
	case "mnt":
		return "NAMESPACES"
	}
	return strings.ToUpper(kind) + "_NS"
}

// quoteShell quotes a word for sh where it needs that.
func quoteShell(s string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+@:,=%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
