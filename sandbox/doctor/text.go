package doctor

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Text returns the report for people.
func (r *Diagnosis) Text(version string) string {
	var out strings.Builder
	f := r.facts
	out.WriteString("gobwrap " + version + " on " + f.os().Name + ", Linux " + f.release() + ", as uid " + strconv.Itoa(f.UID) + "\n\n")
	var untried []string
	for _, s := range r.Steps {
		if s.State == Untried && s.Detail == "" {
			untried = append(untried, row(s.Step).title)
			continue
		}
		r.line(&out, s)
	}
	if strings.Contains(out.String(), untriedMark) {
		out.WriteString("\n-: optional, and not set up here.\n")
	}
	if len(untried) > 0 {
		out.WriteString("\nNot tried, because a step that they need has failed: " + strings.Join(untried, "; ") + ".\n")
	}
	mode := "none"
	if r.Mode != "" {
		mode = r.Mode
	}
	out.WriteString("\nMode: " + mode + ": " + r.Why + ".\n")
	out.WriteString("Binary: " + f.Binary.describe() + ".\n")
	out.WriteString("Kernel: mount engine " + r.kernel.MountEngine + ".\n")
	if len(r.lacking) > 0 {
		out.WriteString("\nOptions that will not work:\n")
		for _, l := range r.lacking {
			out.WriteString("  " + l.Options + ": " + l.Why + "\n")
		}
	}
	for _, f := range r.found {
		f.write(&out)
	}
	for _, n := range r.notes {
		out.WriteString("\n" + n + "\n")
	}
	return out.String()
}

const untriedMark = "  -       "

// line is one step of the report.
func (r *Diagnosis) line(out *strings.Builder, s Result) {
	mark := [...]string{untriedMark, "  ok      ", "  FAILED  "}[s.State]
	text := row(s.Step).title
	switch {
	case s.State == Failed:
		text += ": " + sentence(s)
		if s.Errno != 0 {
			text += " (" + errnoName(s.Errno) + ")"
		}
		if f := r.cause(s.Step); f != nil {
			text += " [" + f.Cause.ID + "]"
		}
	case s.Detail != "":
		text += ": " + s.Detail
	}
	out.WriteString(mark + text + "\n")
}

// write is a cause and what fixes it.
func (f *finding) write(out *strings.Builder) {
	out.WriteString("\n[" + f.Cause.ID + "] " + f.Says + "\n")
	for _, fix := range f.Fixes {
		title := "To fix it"
		if !fix.ByUser {
			title += ", as root"
		}
		if fix.Where != Anywhere {
			title += " (" + fix.Where + ")"
		}
		commands(out, title, fix.Now)
		commands(out, "And across reboots", fix.Boot)
		if fix.Note != "" {
			out.WriteString("  " + fix.Note + "\n")
		}
	}
}

func commands(out *strings.Builder, title string, list []string) {
	if len(list) > 0 {
		out.WriteString("  " + title + ":\n")
	}
	for _, c := range list {
		out.WriteString("    " + c + "\n")
	}
}

// describe returns what the installed binary is, in words.
func (b binary) describe() string {
	if b.Path == "" {
		return "unknown, because there is no proc at /proc"
	}
	text := b.Path + ", mode " + octal(b.Mode) + ", "
	if b.UID == 0 {
		text += "owned by root"
	} else {
		text += "owned by uid " + strconv.Itoa(b.UID)
	}
	switch {
	case b.FileCaps:
		text += ", with file capabilities, which are not supported"
	case b.Setuid():
		text += ": installed for setuid mode"
	case b.Mode&0o6000 != 0:
		text += ": not a supported installation"
	default:
		text += ": for direct mode only"
	}
	if b.Nosuid {
		text += "; its mount is nosuid"
	}
	return text
}

func octal(mode uint32) string {
	s := strconv.FormatUint(uint64(mode), 8)
	return strings.Repeat("0", max(0, 4-len(s))) + s
}

func errnoName(e syscall.Errno) string {
	if name := unix.ErrnoName(e); name != "" {
		return name
	}
	return "errno " + strconv.Itoa(int(e))
}
