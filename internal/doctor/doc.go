// Package doctor says why a sandbox does not start here, and what to type to mend it.
//
// # How it knows
//
// By trying. A sysctl that permits says nothing about a filter that refuses, and a knob
// that is missing forbids nothing. So every step is an attempt, made as the calling user:
// a clone into one namespace, or a launch of this very binary whose error document names
// the step that failed and the errno (probe.go, launch.go). Files are read only to explain what the
// attempts have shown, or a launch that has failed (Hint).
//
//	attempts ─▶ []Result ─┐
//	                      ├─▶ the table of causes ─▶ Report ─▶ text, JSON, exit status
//	files ─────▶ Facts ───┘                    └──▶ docs/requirements.md (by its test)
//
// A cause is one row (causes_*.go): the steps and errnos where it shows, the facts that
// tell it from others, a sentence, and the commands that mend it, for each family of
// distributions where they differ. For one step the first row that fits is taken, so what
// is certain stands before what is only likely. Rows name their sources.
//
// # What it may touch
//
// It runs in the front end, which has no privilege of its own. It reads files through
// Files, so that tests can give it other machines' (testdata); it writes none and changes
// nothing. Its children are clones that end at once, and launches of /proc/self/exe in
// which this binary prints its version; all of them have ended when it returns.
//
// The front end's peculiarities (package child) are not passed on: the limits that it has
// lifted are set back to the caller's. Its blocked signals are, and mean nothing to a launch
// of some milliseconds.
package doctor
