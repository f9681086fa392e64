package doctor

import (
	"slices"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/internal/policy"
	"github.com/gobwrap/gobwrap/suid"
)

// finding is a cause that explains some of the steps.
type finding struct {
	Cause *cause
	Steps []Step
	Says  string
	Fixes []fix // filled in, for this place
}

// lack is something that will not work in the mode that is used.
type lack struct{ Options, Why string }

// kernelFacts are what was found of the kernel beyond the steps.
type kernelFacts struct {
	MountEngine string // see sandbox.Features
	Openat2     syscall.Errno
}

// judge makes a report from the results of the attempts.
func judge(f *facts, seen []Result, k kernelFacts) *Diagnosis {
	r := &Diagnosis{facts: f, Steps: seen, kernel: k}
	r.chooseMode()
	for i := range seen {
		if s := &seen[i]; s.State == Failed {
			r.diagnose(*s)
			if f := r.cause(s.Step); f != nil {
				s.Cause = f.Says
			}
		}
	}
	r.findLacking()
	r.findNotes()
	return r
}

func (r *Diagnosis) state(s Step) State {
	i := slices.IndexFunc(r.Steps, func(x Result) bool { return x.Step == s })
	if i < 0 {
		return Untried
	}
	return r.Steps[i].State
}

// directWorks reports whether the minimal launch has worked, and not only through the
// setuid mode.
func (r *Diagnosis) directWorks() bool { return r.state(Command) == OK }

func (r *Diagnosis) chooseMode() {
	switch {
	case r.facts.noProc() && !r.directWorks() && r.state(Setuid) != OK:
		r.Why, r.Status = "nothing can be started without a proc at /proc", StatusNothing
	case r.directWorks() && r.facts.byPrivilege():
		r.Mode, r.Why, r.Status = "direct", "the caller is root", StatusDirect
	case r.directWorks():
		r.Mode, r.Why, r.Status = "direct", "the kernel permits user namespaces to this user", StatusDirect
	case r.state(Setuid) == OK:
		r.Mode, r.Why, r.Status = "setuid", "direct mode does not work, and this binary is installed set-user-id root", StatusSetuid
	case r.facts.Binary.Setuid():
		r.Why, r.Status = "direct mode does not work, and neither does setuid mode", StatusNothing
	default:
		r.Why, r.Status = "direct mode does not work, and this binary is not installed for setuid mode", StatusNothing
	}
}

// diagnose finds the cause of a failure, and adds the step to those that it explains.
func (r *Diagnosis) diagnose(s Result) {
	k := &failure{r.facts, s.Step, s.Errno, s.Killed}
	c := explain(k)
	if c == nil {
		return
	}
	says := k.fill(c.Says)
	for _, f := range r.found {
		if f.Cause == c && f.Says == says {
			f.Steps = append(f.Steps, s.Step)
			return
		}
	}
	finding := &finding{Cause: c, Steps: []Step{s.Step}, Says: says}
	for _, fix := range c.fixes(r.facts) {
		finding.Fixes = append(finding.Fixes, k.fillFix(fix))
	}
	r.found = append(r.found, finding)
}

func (k *failure) fillFix(empty fix) fix {
	out := fix{Where: empty.Where, Note: k.fill(empty.Note), ByUser: empty.ByUser}
	for _, c := range empty.Now {
		c = k.fill(c)
		out.Now = append(out.Now, c)
		out.ByUser = out.ByUser || strings.Contains(c, " ~/") // a service of the user's own
	}
	for _, c := range empty.Boot {
		out.Boot = append(out.Boot, k.fill(c))
	}
	return out
}

// cause returns the finding that explains a step, or nil.
func (r *Diagnosis) cause(s Step) *finding {
	for _, f := range r.found {
		if slices.Contains(f.Steps, s) {
			return f
		}
	}
	return nil
}

// findLacking lists the options that will not work.
func (r *Diagnosis) findLacking() {
	if r.Mode == "setuid" {
		for _, refused := range suid.Refusals() {
			r.lacking = append(r.lacking, lack{refused.Options, refused.Why})
		}
	}
	for _, s := range r.Steps {
		if lost := options[s.Step]; s.State == Failed && lost != "" && r.counts(s) {
			r.lacking = append(r.lacking, lack{lost, sentence(s)})
		}
	}
}

// counts reports whether a step's failure takes its options away: those of user
// namespaces say nothing about setuid mode, where root may make them.
func (r *Diagnosis) counts(s Result) bool {
	return r.Mode == "direct" || r.Mode == "setuid" && (s.Setuid || !slices.Contains(cloneSteps, s.Step) && s.Step != IDMaps && s.Step != Nested && s.Step != Limit)
}

// sentence is why a step has failed.
func sentence(s Result) string {
	if s.Message != "" {
		return s.Message
	}
	return s.Errno.Error()
}

// findNotes adds what is not a failure and should be known.
func (r *Diagnosis) findNotes() {
	b, f := r.facts.Binary, r.facts
	if f.UID == 0 {
		r.note("This is the result for root. It may differ for ordinary users; run this as one of them.")
	}
	switch r.Mode {
	case "setuid":
		r.note("podman, toolbox, distrobox and flatpak-spawn --expose-pids (so Chromium and Steam in Flatpak) need direct mode; they do not work with setuid mode.")
	case "":
		if f.UID != 0 && !b.Setuid() && r.setuidMayHelp() {
			r.note("If none of this can be fixed, use setuid mode: " + toSetuid(f))
		}
	case "direct":
		if b.Setuid() && f.UID != 0 {
			r.note("Direct mode works, so the set-user-id bit is not needed: " + toDirect(f))
		}
	}
	if f.policed() {
		r.note(policyNote(f))
	}
	if b.Mode&0o6000 != 0 && !b.Setuid() {
		r.note("The binary has set-id bits in an unsupported combination. It must be owned by root with mode 4755 and without file capabilities, or have mode 0755.")
	}
	if r.kernel.Openat2 == enosys && f.filtered() && !f.before(kernel.Openat2.Since) {
		r.note("A filter refuses openat2 (systemd's RestrictSUIDSGID= does that). Older calls are used instead, and everything works.")
	}
}

// policed reports whether the administrator's policy.conf binds the caller.
func (f *facts) policed() bool { return f.UID != 0 && f.Files.Exists(policy.Path) }

// policyNote says whether policy.conf binds: only a caller who has no other way to a user
// namespace than the launcher is bound.
func policyNote(f *facts) string {
	label := f.label()
	apparmor := f.sysctl("kernel.apparmor_restrict_unprivileged_userns") == "1" && strings.HasPrefix(label, "gobwrap")
	selinux := f.enforcing() && strings.Contains(label, ":gobwrap_t")
	switch {
	case apparmor: // of what else this user runs the launcher knows nothing
		return policy.Path + " binds this user only if AppArmor confines their whole session and permits no tracing of gobwrap. A program without a profile can trace the launcher, or start it under a filter that hides the file."
	case selinux:
		return policy.Path + " binds this user, as far as the SELinux policy permits no other domain user namespaces, nor tracing gobwrap_t."
	}
	return policy.Path + " is advisory here: this user can make namespaces without gobwrap."
}

// setuidMayHelp reports whether a binary that is installed for setuid mode could work here.
func (r *Diagnosis) setuidMayHelp() bool {
	f := r.facts
	if f.inUserNS() || f.noNewPrivs() || f.chrootedDirectory() || f.Binary.Path == "" {
		return false
	}
	return !slices.ContainsFunc(r.found, func(x *finding) bool { return x.Cause.SetuidToo })
}

func (r *Diagnosis) note(text string) { r.notes = append(r.notes, text) }

// toSetuid and toDirect say how to change the installation, by the habits of the
// distribution: where a package manager would undo a chmod, it has to be told.
func toSetuid(f *facts) string {
	exe := quoteShell(f.Binary.Path)
	if swap := f.swap("gobwrap", "gobwrap-setuid"); swap != "" {
		return swap
	}
	switch {
	case f.packaged("gobwrap"):
		return "apt install gobwrap-setuid"
	case slices.Contains(f.places(), debian) && strings.HasPrefix(f.Binary.Path, "/usr/bin/"):
		return "dpkg-statoverride --update --add root root 4755 " + exe
	}
	return "chown root:root " + exe + " && chmod 4755 " + exe
}

// packaged reports whether this binary is that of Debian's package gobwrap, and the package
// name is installed: a copyright file is in every Debian package, and in no other of ours.
func (f *facts) packaged(name string) bool {
	return f.Binary.Path == "/usr/bin/gobwrap" && f.Files.Exists("/usr/share/doc/"+name+"/copyright")
}

// swap returns the command that puts one of our packages in the place of another, where the
// packages exclude each other: not with dpkg. It is "" where this binary is in none of them.
func (f *facts) swap(from, to string) string {
	if f.Binary.Path != "/usr/bin/gobwrap" || !f.Files.Exists("/usr/share/gobwrap/apparmor/gobwrap") {
		return ""
	}
	for _, place := range f.places() {
		switch place {
		case fedora, rhel:
			return "dnf swap " + from + " " + to
		case suse:
			return "zypper install " + to + " -" + from
		case alpine:
			return "apk del " + from + " && apk add " + to
		case arch:
			return "pacman -S " + to
		}
	}
	return ""
}

func toDirect(f *facts) string {
	exe := quoteShell(f.Binary.Path)
	if swap := f.swap("gobwrap-setuid", "gobwrap"); swap != "" {
		return swap
	}
	switch {
	case f.packaged("gobwrap-setuid"):
		return "apt remove gobwrap-setuid"
	case slices.Contains(f.places(), debian) && strings.HasPrefix(f.Binary.Path, "/usr/bin/"):
		return "dpkg-statoverride --remove " + exe + " && chmod 0755 " + exe
	}
	return "chmod 0755 " + exe
}
