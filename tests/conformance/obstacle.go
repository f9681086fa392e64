package main

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"time"
)

// Before a mode's cases run, it is seen whether the mode is to be had at all, and whether
// it is this one that is shown.

var (
	noNamespaces = regexp.MustCompile(`(?i)namespace|uid map`)
	noSetuid     = regexp.MustCompile(`(?i)setuid|set-user-id|set-uid|privileges`)
)

// obstacle says why a mode cannot be run here; in root's there is but one excuse.
func (s *stage) obstacle(p *program, m mode, patience time.Duration) string {
	if m != asUser && !s.mounted {
		return "root may make no mount namespace here, as in most containers"
	}
	seen, err := s.ask(p, m, `bwrap $SYS --proc /proc cat /proc/self/uid_map`, patience)
	if err != nil || m == asRoot {
		return "" // every case will show it
	}
	if seen.Status == "0" {
		if m == asSetuid && !sameMap(seen.Out) {
			return "the set-user-id copy makes a user namespace as any other would: -setuid-args can name the options against that"
		}
		return ""
	}
	message := firstLine(seen.Err)
	if m == asSetuid && noSetuid.MatchString(message) {
		return "it has no such mode: " + message
	}
	if m == asUser && noNamespaces.MatchString(message) && s.refusesNamespaces(p, patience) {
		return "this machine refuses user namespaces to ordinary users: " + message
	}
	return ""
}

// refusesNamespaces asks the kernel without a launcher.
func (s *stage) refusesNamespaces(p *program, patience time.Duration) bool {
	seen, err := s.ask(p, asUser, `probe userns`, patience)
	return err == nil && seen.Status != "0"
}

// ask has a worker run a line, and nothing but that.
func (s *stage) ask(p *program, m mode, line string, patience time.Duration) (sighting, error) {
	w, err := startWorker(briefing{Dir: s.dir, Sys: s.sys, Probe: s.probe, Patience: patience})
	if err != nil {
		return sighting{}, err
	}
	defer w.end()
	r := w.do(job{Program: p, Mode: m, Line: line})
	if r.Verdict == fail {
		err = errors.New(r.Detail)
	}
	return r.Seen, err
}

// sameMap reports whether a user namespace is ours, by its map.
func sameMap(text string) bool {
	own, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(text), " ") == strings.Join(strings.Fields(string(own)), " ")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
