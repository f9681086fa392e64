// Command conformance runs a catalogue of cases against a program that has bubblewrap's
// command line, and compares what is seen with what is written in the catalogue. No other
// launcher is needed beside the one that is asked about.
//
//	go run ./tests/conformance -bwrap /usr/bin/bwrap -mode all
//
// It is one static program with the catalogue inside: go build makes a file that can be
// taken to the machine in question. docs/conformance.md says how it is used and what came
// out for two programs.
//
// # The catalogue
//
// Each file of testdata is a group: a txtar archive, whose comment says what the group is
// about, and whose sections are the cases. A case is a few lines, a word and its rest:
//
//	as MODE …          user, setuid, root: the modes it is for (all)
//	since VERSION      behaviour that bubblewrap has since then; an older program that does
//	                   otherwise is not at fault. New options need no such line
//	feature NAME       counts for this line of the summary besides the group
//	needs SHELL        what the machine must have: a command that succeeds
//	setup SHELL        run before, in the empty directory $W, as who runs the case
//	run SHELL          the case; several lines are one script, its status is the last one's
//	after SHELL        run on the host afterwards; what it prints follows the output
//	orphans            processes may be left behind; they are killed
//
// In these lines bwrap is the program in question, probe a helper (probe.go), which is
// bound by $PROBE to /probe, and $SYS the options that bind what a shell needs. $W is
// the working directory, whose changes count, $T one for files that do not; $U and $G are
// the caller's ids.
//
// What must be seen:
//
//	status N           the exit status (0); any
//	out LINE           the lines of the output, all of them; without out and match: none
//	match REGEXP       a part of the output; not REGEXP: no part of it
//	err REGEXP         a part of standard error (empty)
//	fails REGEXP       status 1, no output, and this on standard error
//	host ±PATH         what has appeared (+), gone (-) or changed (~) in $W, all of it
//
// Below these there may be others, each begun by a word, that can be seen instead:
//
//	or                 just as good
//	older              what programs older than `since` do, or lack an option for
//	differs ID         a deliberate difference, a row of tests/compat/differences.md
//	hole ID            a known hole: what is above is seen where it is closed
//	in MODE …          in these modes all above does not count, but what is below
package main
