// Package version says which version of gobwrap this is, and which bubblewrap it follows.
package version

// No runtime; bounds are checked. See sandbox/child/doc.go for the laws of this file.

// Own is gobwrap's version, and Followed the bubblewrap whose command line and results it
// follows.
const (
	Own      = "0.1.0"
	Followed = "0.11.1"
)

// Line returns the answer to --version. Build systems parse it: under a name of bwrap's, the
// second word is bubblewrap's version.
func Line(argv0 string) string {
	if AsBwrap(argv0) {
		return "bubblewrap " + Followed + " (gobwrap " + Own + ")\n"
	}
	return "gobwrap " + Own + " (bubblewrap " + Followed + " compatible)\n"
}

// AsBwrap reports whether a program was started under a name of bwrap's: one that ends in
// "bwrap" and is not our own.
func AsBwrap(argv0 string) bool { return endsWith(argv0, "bwrap") && !endsWith(argv0, "gobwrap") }

func endsWith(s, end string) bool { return len(s) >= len(end) && s[len(s)-len(end):] == end }
