package doctor

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/requirements.md")

const page = "../../docs/requirements.md"

// TestRequirements: the page says what the table says.
func TestRequirements(t *testing.T) {
	want := requirements()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what the table of causes makes: go test ./sandbox/doctor -run Requirements -update", page)
	}
	if strings.ContainsAny(want, "{}") {
		t.Error("a word in braces is left in the page")
	}
}

// TestDistributions: every cause that a distribution names is in the table.
func TestDistributions(t *testing.T) {
	named := map[string]bool{}
	for _, d := range distributions {
		for _, id := range d.Causes {
			named[id] = true
		}
	}
	for _, c := range causes() {
		delete(named, c.ID)
	}
	for id := range named {
		t.Errorf("a distribution names %q, which is not a cause", id)
	}
}

// TestTable: a cause has a name of its own, a sentence, and something to do about it, and
// no word in braces that nothing fills in.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range causes() {
		if c.ID == "" || seen[c.ID] || !strings.HasSuffix(c.Says, ".") && !strings.HasSuffix(c.Says, "}") {
			t.Errorf("cause %q: twice, nameless or without a sentence: %q", c.ID, c.Says)
		}
		seen[c.ID] = true
		k := &failure{Facts: tree(t, "debian12"), Step: UserNS}
		texts := []string{c.Says}
		for _, fix := range c.Fixes {
			if len(fix.Now) == 0 && fix.Note == "" {
				t.Errorf("%s: a fix for %q that says nothing", c.ID, fix.Where)
			}
			if len(fix.Boot) > 0 && len(fix.Now) == 0 {
				t.Errorf("%s: fixed across reboots, but not now", c.ID)
			}
			texts = append(append(append(texts, fix.Note), fix.Now...), fix.Boot...)
		}
		for _, text := range texts {
			if filled := k.fill(text); strings.ContainsAny(filled, "{}") {
				t.Errorf("%s: nothing fills in %q", c.ID, filled)
			}
		}
	}
	if len(seen) < 25 {
		t.Errorf("only %d causes", len(seen))
	}
}
