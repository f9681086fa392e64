package main

import "fmt"

// featureRow is a line of the summary: what the program can do in each mode.
type featureRow struct {
	name  string
	cells []string
}

// features sums the results up by group, and by what cases name besides.
func (t *trial) features(rep *report) []featureRow {
	var rows []featureRow
	var named []string
	members := map[string][]*testCase{}
	for _, g := range rep.groups {
		members[g.title] = g.cases
		named = append(named, g.title)
	}
	for _, g := range rep.groups {
		for _, c := range g.cases {
			if c.feature == "" {
				continue
			}
			if members[c.feature] == nil {
				named = append(named, c.feature)
			}
			members[c.feature] = append(members[c.feature], c)
		}
	}
	for _, name := range named {
		row := featureRow{name: name}
		for _, m := range rep.modes {
			row.cells = append(row.cells, t.cell(members[name], m))
		}
		rows = append(rows, row)
	}
	return rows
}

// cell says how many of the cases that are for a mode went well there.
func (t *trial) cell(cases []*testCase, m mode) string {
	good, all, lacking := 0, 0, 0
	for _, c := range cases {
		switch t.results[c.name][m].Verdict {
		case notHere, "":
			continue
		case pass, differs:
			good++
		case unsupported:
			lacking++
		}
		all++
	}
	switch {
	case all == 0:
		return "-"
	case good == all:
		return "yes"
	case lacking == all:
		return "no"
	}
	return fmt.Sprintf("%d of %d", good, all)
}
