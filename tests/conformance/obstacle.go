package main

import (
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

// obstacle says why a mode cannot be run here; in root's there is no excuse.
func (s *stage) obstacle(p *program, m mode) string {
	seen, err := s.ask(p, m, `bwrap $SYS --proc /proc cat /proc/self/uid_map`)
	if err != nil || m == asRoot {
		return "" // every case will show it
	}
	if seen.status == "0" {
		if m == asSetuid && !sameMap(seen.out) {
			return "the set-user-id copy makes a user namespace as any other would: -setuid-args can name the options against that"
		}
		return ""
	}
	message := firstLine(seen.err)
	if m == asSetuid && noSetuid.MatchString(message) {
		return "it has no such mode: " + message
	}
	if m == asUser && noNamespaces.MatchString(message) && s.refusesNamespaces(p) {
		return "this machine refuses user namespaces to ordinary users: " + message
	}
	return ""
}

// refusesNamespaces asks the kernel without a launcher.
func (s *stage) refusesNamespaces(p *program) bool {
	seen, err := s.ask(p, asUser, `probe userns`)
	return err == nil && seen.status != "0"
}

// ask runs a line by itself.
func (s *stage) ask(p *program, m mode, line string) (sighting, error) {
	r := &runner{stage: s, patience: 10 * time.Second}
	scene, err := r.newScene(&testCase{}, p, m)
	if err != nil {
		return sighting{}, err
	}
	defer scene.clear()
	return scene.shell(line)
}

// sameMap tells whether a user namespace is ours, by its map.
func sameMap(text string) bool {
	own, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(text), " ") == strings.Join(strings.Fields(string(own)), " ")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
