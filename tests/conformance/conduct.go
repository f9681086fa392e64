package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// report is everything that came out.
type report struct {
	groups   []group
	modes    []mode
	programs []*trial
	host     []string // what has changed in places that no case has to do with
}

// trial is what came out for one program.
type trial struct {
	*program
	results map[string]map[mode]result // by case
	skipped map[mode]string            // why a mode was not run
}

// conduct runs what the settings say.
func conduct(set settings) (*report, error) {
	groups, err := chosen(set)
	if err != nil {
		return nil, err
	}
	s, err := newStage()
	if err != nil {
		return nil, err
	}
	defer s.remove()
	s.heedSignals()
	rep, err := s.perform(set, groups, nil)
	s.ending.Lock()
	defer s.ending.Unlock()
	return rep, err
}

// perform runs the groups with each program. more are texts of groups that the catalogue
// does not have.
func (s *stage) perform(set settings, groups []group, more []string) (*report, error) {
	rep := &report{groups: groups, modes: set.modes}
	if os.Geteuid() != 0 && slices.Contains(set.modes, asUser) && len(set.modes) > 1 {
		rep.modes = []mode{asUser}
		fmt.Fprintln(os.Stderr, "conformance: not root, so in mode user only")
	}
	if os.Geteuid() != 0 && !slices.Equal(rep.modes, []mode{asUser}) {
		return nil, fmt.Errorf("modes setuid and root need root")
	}
	before := landmarks()
	var jobs []job
	for i, name := range set.programs {
		t, err := s.prepare(set, rep.modes, i, name)
		if err != nil {
			return nil, err
		}
		rep.programs = append(rep.programs, t)
		jobs = append(jobs, t.jobs(rep)...)
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("nothing can be run: %v", rep.programs[0].skipped)
	}
	b := briefing{Dir: s.dir, Sys: s.sys, Probe: s.probe, Patience: set.patience, Cases: more}
	err := runAll(b, jobs, set.workers, func(j job, r result) {
		for _, t := range rep.programs {
			if t.program == j.Program {
				t.results[j.Case][j.Mode] = r
			}
		}
	})
	rep.host = changes(before, landmarks())
	return rep, err
}

// prepare installs a program and finds out which modes it can be run in.
func (s *stage) prepare(set settings, modes []mode, number int, name string) (*trial, error) {
	t := &trial{program: &program{Name: name}, results: map[string]map[mode]result{}, skipped: map[mode]string{}}
	if err := t.install(s, number, s.mounted && slices.Contains(modes, asSetuid)); err != nil {
		return nil, err
	}
	if err := t.ask(); err != nil {
		return nil, err
	}
	t.Args = set.setuidArgs
	if t.Args == "auto" {
		t.Args = ""
		if t.has("--mode") {
			t.Args = "--mode setuid"
		}
	}
	for _, m := range modes {
		if reason := s.obstacle(t.program, m, set.patience); reason != "" {
			t.skipped[m] = reason
		}
	}
	return t, nil
}

// jobs returns the cases in the modes that are not skipped.
func (t *trial) jobs(rep *report) (jobs []job) {
	for _, g := range rep.groups {
		for _, c := range g.cases {
			t.results[c.name] = map[mode]result{}
			for _, m := range rep.modes {
				switch reason, skip := t.skipped[m]; {
				case !slices.Contains(c.modes, m):
					t.results[c.name][m] = result{Verdict: notHere}
				case skip:
					t.results[c.name][m] = result{Verdict: notHere, ID: reason}
				default:
					jobs = append(jobs, job{Program: t.program, Case: c.name, Mode: m})
				}
			}
		}
	}
	return jobs
}

// places are directories of the host in which hardly anything ever appears.
var places = []string{"/", "/etc", "/usr", "/root", "/home", "/mnt", "/srv", "/opt"}

// landmarks lists what lies there.
func landmarks() map[string]string {
	all := map[string]string{}
	for _, dir := range places {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			all[strings.TrimSuffix(dir, "/")+"/"+e.Name()] = ""
		}
	}
	return all
}
