package describe

import (
	"strconv"
	"strings"

	"github.com/gobwrap/gobwrap/internal/tree"
)

// describer collects the lines about a sandbox.
type describer struct {
	*Sandbox
	// The description so far, a line each, without line ends.
	lines []string
}

// say adds a line, if there is something to list.
func (d *describer) say(what string, list ...string) {
	if len(list) > 0 {
		d.lines = append(d.lines, what+": "+strings.Join(list, ", "))
	}
}

// files sorts what the options make of the file system. A later operation on the same
// destination, or above it, hides an earlier one.
func (d *describer) files() {
	// The places by the kind of their line.
	kinds := map[string][]string{}
	for i := range d.Files {
		if op := &d.Files[i]; !d.hidden(tree.BoxPath(op.Dest), i) {
			kind := kindOf(op)
			kinds[kind] = append(kinds[kind], place(op))
		}
	}
	for _, k := range []struct{ kind, what string }{
		// What reaches the host comes first, and what is writable in capitals.
		{"ro", "read-only from the host"},
		{"rw", "WRITABLE from the host"},
		{"dev", "WRITABLE from the host, with its devices"},
		{"tight", "made read-only"},
		{"mask", "masked, so that nobody opens it"},
		{"mask-glob", "masked where it matches now, not what comes later"},
		{"protect", "protected, so that it stays as it is"},
		{"protect-glob", "protected where it matches now, not what comes later"},
		{"new", "new, removed at the end"},
		{"link", "links"},
		{"proc", "proc mounted at"},
	} {
		d.say(k.what, kinds[k.kind]...)
	}
	// Then even the command cannot be found; the line says so before the launch does.
	if len(d.Files) == 0 {
		d.say("files", "none, the root directory is empty")
	}
}

// kindOf returns the line on which an operation is listed.
func kindOf(op *tree.Op) string {
	switch op.Kind {
	case tree.Bind, tree.BindFD:
		// The zero value of Access is read-only.
		return [...]string{tree.ReadOnly: "ro", tree.ReadWrite: "rw", tree.WithDevice: "dev"}[op.Access]
	case tree.Overlay:
		return [...]string{tree.Refused: "ro", tree.Forgotten: "new", tree.Kept: "rw"}[op.Writes]
	// A file or directory below a writable bind stays on the host; which mount it lies on is not looked at.
	case tree.Tmpfs, tree.Dir, tree.File, tree.Data, tree.Mqueue, tree.Dev:
		return "new"
	case tree.Proc:
		return "proc"
	case tree.Symlink:
		return "link"
	case tree.RemountRO:
		return "tight"
	case tree.Mask, tree.Protect:
		return denialKind(op)
	default: // a mode says nothing about what can be reached
		return ""
	}
}

// denialKind returns kindOf for a Mask or a Protect.
func denialKind(op *tree.Op) string {
	kind := "mask"
	if op.Kind == tree.Protect {
		kind = "protect"
	}
	// What a pattern matches is found out when the sandbox is made, and not again.
	if op.Glob {
		kind += "-glob"
	}
	return kind
}

// place returns where an operation acts, and what it takes for that.
func place(op *tree.Op) string {
	dest := tree.BoxPath(op.Dest)
	switch op.Kind {
	case tree.Bind:
		// The same path on both sides is the usual case, and is not repeated.
		if tree.BoxPath(op.Source) != dest {
			return dest + " (" + op.Source + ")"
		}
	case tree.BindFD:
		return dest + " (fd " + strconv.Itoa(op.FD.N) + ")"
	case tree.Overlay:
		text := dest + " (over " + strings.Join(op.Layers, ", ")
		if op.Writes == tree.Kept {
			text += ", changes in " + op.Upper
		}
		return text + ")"
	case tree.Dev:
		return dest + " (null, zero, full, random, urandom, tty, pts)"
	case tree.Symlink:
		return dest + " (to " + op.Target + ")"
	}
	return dest
}

// hidden reports whether an operation after the i-th puts something on a path, or above it.
func (d *describer) hidden(path string, i int) bool {
	for k := i + 1; k < len(d.Files); k++ {
		later := &d.Files[k]
		dest := tree.BoxPath(later.Dest)
		switch later.Kind {
		case tree.Bind:
			if !later.Try && lies(path, dest) {
				return true
			}
		case tree.Mask:
			if !later.Try && !later.Glob && lies(path, dest) {
				return true
			}
		case tree.BindFD, tree.Tmpfs, tree.Overlay, tree.Proc, tree.Dev, tree.Mqueue:
			if lies(path, dest) {
				return true
			}
		case tree.Data:
			if path == dest {
				return true
			}
		default: // adds or changes a file, and mounts nothing
		}
	}
	return false
}

// lies reports whether a path is the directory dir, or in it. Both are as BoxPath has them.
func lies(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}
