package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// The elements of JUnit's XML that the usual readers know.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a suite for each program and mode.
func (rep *report) writeJUnit(name string, known []string) error {
	var all junitSuites
	for _, t := range rep.programs {
		for _, m := range rep.modes {
			all.Suites = append(all.Suites, t.junit(rep, m, known))
		}
	}
	host := junitSuite{Name: "host", Tests: 1, Time: "0", Cases: []junitCase{{Class: "host", Name: "as it was", Time: "0"}}}
	if len(rep.host) > 0 {
		host.Failures = 1
		host.Cases[0].Failure = &junitMessage{Message: "changed", Text: strings.Join(rep.host, "\n")}
	}
	all.Suites = append(all.Suites, host)
	data, err := xml.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return writeFile(name, append([]byte(xml.Header), append(data, '\n')...))
}

func (t *trial) junit(rep *report, m mode, known []string) junitSuite {
	s := junitSuite{Name: t.Name + " " + string(m)}
	total := 0.0
	t.each(rep, func(c *testCase, in mode, r result) {
		if in != m {
			return
		}
		took := r.Took.Seconds()
		total += took
		one := junitCase{Class: c.group, Name: c.name, Time: fmt.Sprintf("%.3f", took)}
		switch {
		case r.failing(known):
			one.Failure = &junitMessage{Message: r.String(), Text: r.Detail + "\n" + strings.Join(c.run, "\n")}
			s.Failures++
		case r.Verdict == unsupported, r.Verdict == notHere:
			one.Skipped = &junitMessage{Message: strings.TrimSpace(string(r.Verdict) + " " + r.ID)}
			s.Skipped++
		case r.Verdict != pass:
			one.Out = r.String()
		}
		s.Cases = append(s.Cases, one)
	})
	s.Tests, s.Time = len(s.Cases), fmt.Sprintf("%.3f", total)
	return s
}
