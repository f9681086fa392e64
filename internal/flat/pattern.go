package flat

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

// MaxWild bounds the components of a pattern from the first one on that is not literal.
const MaxWild = 60

// IsBelowRoot reports whether a path in the sandbox is absolute and names something other than
// the root.
func IsBelowRoot(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	for len(path) > 0 {
		part, rest := cutPart(path)
		if len(part) > 0 && !Equal(part, ".") {
			return true
		}
		path = rest
	}
	return false
}

// IsPattern reports whether b is a pattern: an absolute path, whose first component is literal.
// In the others * matches any characters, ? one character, [a-z] one of these, [!a-z] one that is
// not among them, and \ makes the next character literal. ** is a component by itself and matches
// any number of directories.
// The first component must be literal so that a pattern does not go through the whole sandbox, /proc
// and /sys with it. ".." is refused, since what it means depends on links, of which a search follows
// none.
func IsPattern(b []byte) bool {
	if !IsBelowRoot(b) {
		return false
	}
	first, wild := true, 0
	for len(b) > 0 {
		part, rest := cutPart(b)
		b = rest
		if len(part) == 0 || Equal(part, ".") {
			continue
		}
		if Equal(part, "..") || !isWhole(part) || first && isWild(part) {
			return false
		}
		// Literal components behind a special one count: each takes a bit of a search's states
		// (mounts/build/pattern).
		if wild > 0 || isWild(part) {
			wild++
		}
		first = false
	}
	// The literal beginning may be as long as any path: it is looked up, not searched.
	return wild <= MaxWild
}

// EndsWithSlash reports whether a path says by its end that it is a directory.
func EndsWithSlash(path []byte) bool { return len(path) > 1 && path[len(path)-1] == '/' }

// cutPart returns the first component of a path, which may be empty, and what follows its slash.
func cutPart(path []byte) (part, rest []byte) {
	for i, c := range path {
		if c == '/' {
			return path[:i], path[i+1:]
		}
	}
	return path, nil
}

// isWild reports whether a component is not literal.
func isWild(part []byte) bool {
	for _, c := range part {
		if c == '*' || c == '?' || c == '[' || c == '\\' {
			return true
		}
	}
	return false
}

// isWhole reports whether a component of a pattern is complete: no bracket is left open, no
// backslash stands at the end, and two asterisks stand alone.
func isWhole(part []byte) bool {
	if Equal(part, "**") {
		return true
	}
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '\\':
			// Some programs take a backslash at the end for itself, others refuse it.
			if i++; i == len(part) {
				return false
			}
		case '*':
			// "a**" means "a*" to some programs and any directories to others, so it is refused.
			if i > 0 && part[i-1] == '*' && (i < 2 || part[i-2] != '\\') {
				return false
			}
		case '[':
			if i = endOfSet(part, i+1); i == len(part) {
				return false
			}
		}
	}
	return true
}

// endOfSet returns the index of the bracket that closes a set, whose first character is at i;
// len(part) where there is none, or where it is a set of POSIX's that is not supported
// ([:alpha:]).
func endOfSet(part []byte, i int) int {
	if i < len(part) && (part[i] == '!' || part[i] == '^') {
		i++
	}
	for first := i; i < len(part); i++ {
		switch {
		case part[i] == ']' && i > first:
			return i
		case part[i] == '\\':
			i++
		// A set that is read as something else than its author meant would hide the wrong files.
		case part[i] == '[' && i+1 < len(part) && (part[i+1] == ':' || part[i+1] == '.' || part[i+1] == '='):
			return len(part)
		}
	}
	return len(part)
}
