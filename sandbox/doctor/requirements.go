package doctor

import (
	"slices"
	"strings"
)

// distribution is what a distribution needs for direct mode: nothing, or that a cause is
// fixed.
type distribution struct {
	Name   string
	Causes []string // IDs; empty: works as installed
	Note   string
}

// distributions are those whose settings are known. Sources stand at the causes; that the
// others work as installed is their kernels' default.
//
//nolint:gochecknoglobals // read-only table
var distributions = [...]distribution{
	{Name: "Debian 11 and later"},
	{Name: "Debian 10 and earlier", Causes: []string{"userns-clone-off"}},
	{Name: "Ubuntu to 23.04"},
	{Name: "Ubuntu 23.10 and later", Causes: []string{"apparmor-userns", "apparmor-below-bwrap"}, Note: "The profile for bubblewrap is attached to /usr/bin/bwrap and does not apply to other programs."},
	{Name: "Fedora, openSUSE, Alpine, Arch Linux with the kernels linux, linux-lts, linux-zen"},
	{Name: "Arch Linux with linux-hardened", Causes: []string{"userns-clone-off"}, Note: "Its packages bubblewrap and bubblewrap-suid exclude each other; the second one is bubblewrap's own setuid mode."},
	{Name: "RHEL 8 and later and its rebuilds"},
	{Name: "RHEL 8 and later, hardened by DISA's STIG", Causes: []string{"max-namespaces"}},
	{Name: "RHEL 7, CentOS 7", Causes: []string{"rhel7", "max-namespaces"}},
	{Name: "ALT Linux", Causes: []string{"alt-userns-restrict"}},
	{Name: "secureblue", Causes: []string{"selinux-userns"}},
	{Name: "Gentoo, and self-built kernels", Causes: []string{"kernel-without-namespace", "kernel-without-seccomp"}, Note: "The USE flag suid of sys-apps/bubblewrap is bubblewrap's setuid mode."},
	{Name: "NixOS", Note: "With the hardened profile: see userns-clone-off. security.wrappers gives a program its set-user-id bit."},
	{Name: "Docker, containerd, Kubernetes", Causes: []string{"seccomp-container", "apparmor-container", "proc-masked", "proc-sys", "setuid-no-new-privs"}},
	{Name: "podman", Causes: []string{"proc-masked", "proc-sys", "selinux-container"}, Note: "Its filter permits namespaces."},
	{Name: "Services of systemd", Causes: []string{"systemd-namespaces", "systemd-proc", "setuid-no-new-privs"}},
	{Name: "WSL 1, gVisor", Causes: []string{"wsl1", "gvisor"}},
	{Name: "Inside a chroot", Causes: []string{"chroot"}},
	{Name: "Inside another sandbox", Causes: []string{"nested-too-deep", "filter", "proc-masked"}},
}

// requirements returns the page docs/requirements.md.
func requirements() string {
	var out strings.Builder
	out.WriteString(requirementsHead)
	for _, d := range distributions {
		links := make([]string, len(d.Causes))
		for i, id := range d.Causes {
			links[i] = "[" + id + "](#" + id + ")"
		}
		needs := strings.Join(links, ", ")
		if needs == "" {
			needs = "nothing"
		}
		out.WriteString("| " + d.Name + " | " + needs + " | " + d.Note + " |\n")
	}
	out.WriteString(requirementsMiddle)
	for _, c := range causes() {
		c.page(&out)
	}
	out.WriteString(requirementsFoot)
	return out.String()
}

// page is a cause's section.
func (c *cause) page(out *strings.Builder) {
	out.WriteString("\n### " + c.ID + "\n\n" + braces(c.Says) + "\n")
	if len(c.Steps) > 0 && len(c.Steps) < len(useSteps) {
		titles := make([]string, 0, len(c.Steps))
		for _, r := range stepRows {
			if slices.Contains(c.Steps, r.step) {
				titles = append(titles, r.title)
			}
		}
		out.WriteString("\nSteps: " + strings.Join(titles, "; ") + ".\n")
	}
	if len(c.Errnos) > 0 {
		names := make([]string, len(c.Errnos))
		for i, e := range c.Errnos {
			names[i] = errnoName(e)
		}
		out.WriteString("\nErrors: " + strings.Join(names, ", ") + ".\n")
	}
	for i, fix := range c.Fixes {
		switch {
		case fix.Where != Anywhere:
			out.WriteString("\n*" + placeNames(fix.Where) + "*:\n")
		case i > 0:
			out.WriteString("\n*Elsewhere*:\n")
		}
		fix.page(out)
	}
}

// placeNames returns the name of a family for people.
func placeNames(where string) string {
	switch where {
	case docker, gentoo, kubernetes:
		return strings.ToUpper(where[:1]) + where[1:]
	case nixos:
		return "NixOS"
	}
	return where
}

func (f fix) page(out *strings.Builder) {
	if len(f.Now) > 0 {
		out.WriteString("\n    " + strings.Join(mapped(f.Now), "\n    ") + "\n")
	}
	if len(f.Boot) > 0 {
		out.WriteString("\nand across reboots\n\n    " + strings.Join(mapped(f.Boot), "\n    ") + "\n")
	}
	if f.Note != "" {
		out.WriteString("\n" + braces(f.Note) + "\n")
	}
}

func mapped(commands []string) []string {
	out := make([]string, len(commands))
	for i, c := range commands {
		out[i] = braces(c)
	}
	return out
}

// braces replaces the names in braces, which only a machine can fill in.
func braces(text string) string {
	return strings.NewReplacer(
		"{exe}", "/usr/bin/gobwrap", "{mount}", "MOUNT-POINT", "{kind}", "user", "{option}", "CONFIG_USER_NS",
		"{unit}", "UNIT", "{systemctl}", "systemctl", "{dropins}", "/etc/systemd/system", ": {masks}", "", ": {calls}", "",
	).Replace(text)
}

const requirementsHead = `# What gobwrap needs

<!-- Generated from the table of causes in sandbox/doctor: go test ./sandbox/doctor -run Requirements -update -->

This page answers what a system must permit so that gobwrap works, by distribution and by cause. To find out what applies
to a machine, run ` + "`gobwrap --doctor`" + ` there: it tries everything that sandboxes need, and prints the cause and the fix of
each failure.

Direct mode needs a kernel on which the calling user may make user namespaces and use them. Run the commands below as root,
except for those that start a container.

| where | causes | notes |
|---|---|---|
`

const requirementsMiddle = `
## Setuid mode

If none of this can be fixed, a binary that is owned by root and has mode 4755 does most of the same;
[setuid-mode.md](setuid-mode.md) says what it refuses. podman, toolbox, distrobox and ` + "`flatpak-spawn --expose-pids`" + ` (and
so Chromium and Steam in Flatpak) need direct mode.

To install it, and to go back, for a binary that you built:

    chown root:root /usr/local/bin/gobwrap && chmod 4755 /usr/local/bin/gobwrap
    chmod 0755 /usr/local/bin/gobwrap

The same for a packaged binary on Debian and Ubuntu, so that an upgrade does not undo it:

    dpkg-statoverride --update --add root root 4755 /usr/bin/gobwrap
    dpkg-statoverride --remove /usr/bin/gobwrap && chmod 0755 /usr/bin/gobwrap

## Causes
`

const requirementsFoot = `
## Exit statuses of --doctor

| status | meaning |
|--:|---|
| 0 | direct mode works |
| 3 | only setuid mode works |
| 4 | neither works |
`
