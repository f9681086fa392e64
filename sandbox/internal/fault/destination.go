package fault

import (
	"strings"

	"github.com/gobwrap/gobwrap/internal/plan"
	"golang.org/x/sys/unix"
)

// pathHint returns what can be said about a path that is at fault, or "".
func pathHint(p *plan.Program, s plan.Step, m plan.Message) string {
	e := unix.Errno(m.Errno)
	if s.Op == plan.OpOverlay && m.Sub == plan.SubMain && (e == unix.EINVAL || e == unix.ELOOP || e == unix.ENOTDIR || e == unix.EBUSY) {
		return overlayHint(p, s)
	}
	return destinationHint(p, m)
}

// destinationHint says which part of a destination is at fault, and what put it there: an
// operation before this one. "" where there is nothing to add.
func destinationHint(p *plan.Program, m plan.Message) string {
	step := p.Step(m.Step)
	part := faultyPart(p.Path(step), m)
	// The link itself is made last, so its path is at fault.
	if step.Op == plan.OpSymlink && m.Sub == plan.SubMain {
		part = p.Path(step)
	}
	if part == "" {
		return ""
	}
	by, itself := madeBy(p, m.Step, part)
	if by == "" && part == p.Path(step) && unix.Errno(m.Errno) != unix.EROFS {
		return "" // the message says as much
	}
	switch e := unix.Errno(m.Errno); {
	case m.Sub == plan.SubExists:
		return said(part+" is there already", by, itself)
	case e == unix.ENOTDIR:
		return said(part+" is not a directory", by, itself)
	case e == unix.EISDIR:
		return said(part+" is a directory", by, itself)
	case e == unix.EACCES && by != "":
		return said(above(part)+" does not admit the user", by, false)
	case e == unix.EROFS:
		text := "the destination lies on a read-only mount"
		if by != "" {
			text += " (" + by + ")"
		}
		return text + "; mount a tmpfs or a writable bind above it first"
	}
	return ""
}

// said joins a fact about a path and the operation it comes from.
func said(fact, by string, itself bool) string {
	switch {
	case by == "":
		return fact
	case itself:
		return fact + ": " + by + " created it"
	}
	return fact + ": it is part of " + by
}

// faultyPart returns the beginning of a destination that could not be made or entered, as the
// acting side says (Extra is its length, 0 where links were followed).
func faultyPart(dst string, m plan.Message) string {
	switch m.Sub {
	case plan.SubParents:
		// A number from the acting side is not believed further than the path goes.
		if n := int(m.Extra); n > 0 && n <= len(dst) {
			return dst[:n]
		}
	case plan.SubMakeDir, plan.SubMakeFile:
		return dst
	case plan.SubExists:
		if m.Text() == "" { // else the message says what is there
			return dst
		}
	}
	return ""
}

// madeBy returns the last operation before step i on whose destination path lies, as it was
// given, and whether the destination is path itself. An empty string: the path is the new
// root's own.
func madeBy(p *plan.Program, i uint32, path string) (words string, itself bool) {
	// From the last one on: it hides what earlier ones put there.
	for i > 0 {
		i--
		s := p.Step(i)
		switch s.Op {
		case plan.OpBind, plan.OpMount, plan.OpOverlay, plan.OpData, plan.OpFile, plan.OpSymlink, plan.OpProc, plan.OpDir:
		default:
			continue
		}
		dst := p.Path(s)
		if words = strings.Join(p.Origins[i].Words, " "); words == "" {
			continue
		}
		if dst == path {
			return words, true
		}
		// A directory has nothing in it but what other operations make.
		if s.Op != plan.OpDir && within(path, dst) {
			return words, false
		}
	}
	return "", false
}

// above returns the directory that a path lies in.
func above(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}
