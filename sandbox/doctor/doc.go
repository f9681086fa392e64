// Package doctor reports why sandboxes do not start here, and what to type to fix it. It is
// what `gobwrap --doctor` prints, for Go programs too:
//
//	d, err := doctor.Probe()
//	if err == nil && d.Mode != "direct" {
//		fmt.Print(d)
//	}
//
// # How it knows
//
// By trying. A sysctl that permits says nothing about a filter that refuses, and a setting
// that is missing forbids nothing. So every step is an attempt, made as the calling user: a
// clone into one namespace, or a launch whose [sandbox.SetupError] names the stage that
// failed and the errno (probe.go, launch.go). The launches are Specs (steps.go), started as
// any program starts them, by a [sandbox.Cmd]: the doctor has no parser and no command line
// of its own. Files are read only to explain what the attempts have shown, or a launch
// that has failed ([Hint]).
//
//	attempts ─▶ []Result ─┐
//	                      ├─▶ the table of causes ─▶ Diagnosis ─▶ text, JSON, exit status
//	files ─────▶ facts ───┘                    └──▶ docs/requirements.md (by its test)
//
// A cause is one row (causes_*.go): the steps and errnos where it shows, the facts that
// distinguish it from others, a sentence, and the commands that fix it, for each family of
// distributions where they differ. For one step the first row that fits is taken, so what
// is certain stands before what is only likely. Rows name their sources.
//
// # Two kinds of hints
//
// A SetupError's own Hint is made by package sandbox from the step and the errno, for every
// caller, and holds on any machine. The hint of [Hint] is about this machine: it reads its
// files, and it is for people who administer it. So package sandbox, which lies below this
// one, does not ask for it; cmd/gobwrap puts it in place of the general one, and an
// embedding program may do the same.
//
// # What it may touch
//
// It reads files through the interface files, so that tests can give it those of other
// machines (testdata); it writes none and changes nothing. Its children are clones that end
// at once, and launches, all of which have ended when Probe returns. In gobwrap itself the
// sandboxes hold the launcher, which prints its version there. An embedding program must
// not run a second time: its launches look for a command that does not exist, and to come
// as far as that is enough.
//
// In gobwrap this is the front end, which has no privilege of its own. Its peculiarities
// (package child) are not passed on: the limits that it has lifted are set back to the
// caller's, and the caller's descriptors are not inherited. Its blocked signals and its one
// processor are, and mean nothing to a launch of some milliseconds.
package doctor
