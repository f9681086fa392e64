package doctor

import (
	"slices"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/suid"
)

// Report is what there is to say.
type Report struct {
	Facts   *Facts
	Results []Result
	Mode    string // "direct", "setuid", or "" where nothing works
	Why     string
	Status  int
	Lacking []Lack
	Found   []*Finding
	Notes   []string
	Kernel  Kernel
}

// Finding is a cause that explains some of the steps.
type Finding struct {
	Cause *Cause
	Steps []Step
	Says  string
	Fixes []Fix // filled in, for this place
}

// Lack is what will not work in the mode that there is.
type Lack struct{ Options, Why string }

// Kernel is what was found of the kernel beyond the steps.
type Kernel struct {
	MountEngine string // see sandbox.Features
	Openat2     syscall.Errno
}

// Exit statuses.
const (
	StatusDirect  = 0
	StatusSetuid  = 3
	StatusNothing = 4
)

// Judge makes a report of what the attempts have shown.
func Judge(f *Facts, seen []Result, kernel Kernel) *Report {
	r := &Report{Facts: f, Results: seen, Kernel: kernel}
	r.chooseMode()
	for _, s := range seen {
		if s.State == Failed {
			r.diagnose(s)
		}
	}
	r.lacking()
	r.notes()
	return r
}

func (r *Report) state(s Step) State {
	i := slices.IndexFunc(r.Results, func(x Result) bool { return x.Step == s })
	if i < 0 {
		return Untried
	}
	return r.Results[i].State
}

// directWorks reports whether the minimal launch has worked, and not only through the
// setuid mode.
func (r *Report) directWorks() bool { return r.state(Command) == OK }

func (r *Report) chooseMode() {
	switch {
	case r.Facts.noProc() && !r.directWorks() && r.state(Setuid) != OK:
		r.Why, r.Status = "nothing can be started without a proc on /proc", StatusNothing
	case r.directWorks() && r.Facts.byPrivilege():
		r.Mode, r.Why, r.Status = "direct", "the caller is root", StatusDirect
	case r.directWorks():
		r.Mode, r.Why, r.Status = "direct", "the kernel permits user namespaces to this user", StatusDirect
	case r.state(Setuid) == OK:
		r.Mode, r.Why, r.Status = "setuid", "direct mode does not work, and this binary is installed set-user-id root", StatusSetuid
	case r.Facts.Binary.Setuid():
		r.Why, r.Status = "direct mode does not work, and neither does the setuid mode", StatusNothing
	default:
		r.Why, r.Status = "direct mode does not work, and this binary is not installed for the setuid mode", StatusNothing
	}
}

// diagnose finds the cause of a failure, and adds the step to those that it explains.
func (r *Report) diagnose(s Result) {
	k := &Case{r.Facts, s.Step, s.Errno, s.Killed}
	c := explain(k)
	if c == nil {
		return
	}
	says := k.fill(c.Says)
	for _, f := range r.Found {
		if f.Cause == c && f.Says == says {
			f.Steps = append(f.Steps, s.Step)
			return
		}
	}
	finding := &Finding{Cause: c, Steps: []Step{s.Step}, Says: says}
	for _, fix := range c.fixes(r.Facts) {
		finding.Fixes = append(finding.Fixes, k.fillFix(fix))
	}
	r.Found = append(r.Found, finding)
}

func (k *Case) fillFix(fix Fix) Fix {
	out := Fix{Where: fix.Where, Note: k.fill(fix.Note), ByUser: fix.ByUser}
	for _, c := range fix.Now {
		c = k.fill(c)
		out.Now = append(out.Now, c)
		out.ByUser = out.ByUser || strings.Contains(c, " ~/") // a service of the user's own
	}
	for _, c := range fix.Boot {
		out.Boot = append(out.Boot, k.fill(c))
	}
	return out
}

// cause is the finding that explains a step, or nil.
func (r *Report) cause(s Step) *Finding {
	for _, f := range r.Found {
		if slices.Contains(f.Steps, s) {
			return f
		}
	}
	return nil
}

// Says is why a step has failed, in a sentence, or "".
func (r *Report) Says(s Step) string {
	if f := r.cause(s); f != nil {
		return f.Says
	}
	return ""
}

// lacking lists the options that will not work.
func (r *Report) lacking() {
	if r.Mode == "setuid" {
		for _, refused := range suid.Refusals() {
			r.Lacking = append(r.Lacking, Lack{refused.Options, refused.Why})
		}
	}
	for _, s := range r.Results {
		if options := row(s.Step).options; s.State == Failed && options != "" && r.counts(s) {
			r.Lacking = append(r.Lacking, Lack{options, sentence(s)})
		}
	}
}

// counts reports whether a step's failure takes its options away: those of user
// namespaces say nothing about the setuid mode, where root may make them.
func (r *Report) counts(s Result) bool {
	return r.Mode == "direct" || r.Mode == "setuid" && (s.Setuid || !slices.Contains(cloneSteps, s.Step) && s.Step != IDMaps && s.Step != Nested && s.Step != Limit)
}

// sentence is why a step has failed.
func sentence(s Result) string {
	if s.Message != "" {
		return s.Message
	}
	return s.Errno.Error()
}

// notes say what is no failure, but to be known.
func (r *Report) notes() {
	b, f := r.Facts.Binary, r.Facts
	if f.UID == 0 {
		r.note("This is the answer for root. Ordinary users may get another one: ask as one of them.")
	}
	switch r.Mode {
	case "setuid":
		r.note("podman, toolbox, distrobox and flatpak-spawn --expose-pids (so Chromium and Steam in Flatpak) need direct mode: the setuid mode does not serve them.")
	case "":
		if f.UID != 0 && !b.Setuid() && r.setuidMayHelp() {
			r.note("Where none of this can be fixed, the setuid mode is left: " + toSetuid(f))
		}
	case "direct":
		if b.Setuid() && f.UID != 0 {
			r.note("Direct mode works, so the set-user-id bit is not needed: " + toDirect(f))
		}
	}
	if b.Mode&0o6000 != 0 && !b.Setuid() {
		r.note("The binary has set-id bits that make no installation: it has to be root's with mode 4755 and without file capabilities, or have mode 0755.")
	}
	if r.Kernel.Openat2 == enosys && f.filtered() && !f.before(5, 6) {
		r.note("openat2 is hidden by a filter (systemd's RestrictSUIDSGID= does that): older calls are used, and nothing is lost.")
	}
}

// setuidMayHelp reports whether a binary that is installed for the setuid mode could work here.
func (r *Report) setuidMayHelp() bool {
	f := r.Facts
	if f.inUserNS() || f.noNewPrivs() || f.chrootedDirectory() || f.Binary.Path == "" {
		return false
	}
	return !slices.ContainsFunc(r.Found, func(x *Finding) bool { return x.Cause.SetuidToo })
}

func (r *Report) note(text string) { r.Notes = append(r.Notes, text) }

// toSetuid and toDirect say how to change the installation, by the habits of the
// distribution: where a package manager would undo a chmod, it has to be told.
func toSetuid(f *Facts) string {
	exe := quoteShell(f.Binary.Path)
	switch {
	case f.packaged("gobwrap"):
		return "apt install gobwrap-setuid"
	case slices.Contains(f.places(), debian) && strings.HasPrefix(f.Binary.Path, "/usr/bin/"):
		return "dpkg-statoverride --update --add root root 4755 " + exe
	}
	return "chown root:root " + exe + " && chmod 4755 " + exe
}

// packaged reports whether this binary is that of Debian's package gobwrap, and the package
// name is installed (dpkg(1), the files of /var/lib/dpkg/info).
func (f *Facts) packaged(name string) bool {
	return f.Binary.Path == "/usr/bin/gobwrap" && f.Files.Exists("/var/lib/dpkg/info/"+name+".list")
}

func toDirect(f *Facts) string {
	exe := quoteShell(f.Binary.Path)
	switch {
	case f.packaged("gobwrap-setuid"):
		return "apt remove gobwrap-setuid"
	case slices.Contains(f.places(), debian) && strings.HasPrefix(f.Binary.Path, "/usr/bin/"):
		return "dpkg-statoverride --remove " + exe + " && chmod 0755 " + exe
	}
	return "chmod 0755 " + exe
}
