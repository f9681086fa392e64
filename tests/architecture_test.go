package tests

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArchitecturePage: every folder has its row in docs/ARCHITECTURE.md, and imports only
// what stands below it there.
func TestArchitecturePage(t *testing.T) {
	page, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "| folder |")
	text, _, ended := strings.Cut(text, "\n\n")
	if !found || !ended {
		t.Fatal("the page has no table of folders")
	}
	var order []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(text, -1) {
		order = append(order, m[1])
	}
	var folders []string
	for _, p := range list(t, "1", "./...") {
		name, ok := product(p)
		if !ok {
			continue
		}
		folders = append(folders, name)
		from := slices.Index(order, name)
		if from < 0 {
			t.Errorf("%s has no row", name)
			continue
		}
		for _, path := range p.Imports {
			if to, ours := strings.CutPrefix(path, module+"/"); ours && slices.Index(order, to) <= from {
				t.Errorf("%s imports %s, whose row is not below its own", name, to)
			}
		}
	}
	for _, name := range order {
		if !slices.Contains(folders, name) {
			t.Errorf("the row %s has no folder", name)
		}
	}
}
