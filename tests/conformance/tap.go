package main

import (
	"fmt"
	"strings"
)

// tap returns the report in the Test Anything Protocol, version 13.
func (rep *report) tap(known []string) string {
	var text strings.Builder
	n := 0
	line := func(ok bool, name, directive string) {
		n++
		word := map[bool]string{true: "ok", false: "not ok"}[ok]
		fmt.Fprintf(&text, "%s %d - %s%s\n", word, n, strings.ReplaceAll(name, "#", `\#`), directive)
	}
	for _, t := range rep.programs {
		t.each(rep, func(c *testCase, m mode, r result) {
			ok, directive := r.tapped(known)
			line(ok, fmt.Sprintf("%s %s/%s [%s]", t.Name, c.group, c.name, m), directive)
			if r.Detail != "" {
				fmt.Fprintf(&text, "  ---\n  message: %q\n  run: %q\n  ...\n", r.Detail, strings.Join(c.run, "\n"))
			}
		})
	}
	line(len(rep.host) == 0, "the host is as it was", "")
	return fmt.Sprintf("TAP version 13\n1..%d\n%s", n, text.String())
}

// tapped returns a result as TAP has it: what is not to be had is skipped, a known hole is yet
// to be done.
func (r result) tapped(known []string) (ok bool, directive string) {
	switch {
	case r.Verdict == pass:
		return true, ""
	case r.Verdict == differs:
		return true, " # " + r.String()
	case r.Verdict == hole && !r.failing(known):
		return false, " # TODO known " + r.String()
	case r.Verdict == fail, r.Verdict == hole:
		return false, " # " + r.String()
	}
	return true, " # SKIP " + strings.TrimSpace(string(r.Verdict)+" "+r.ID)
}
