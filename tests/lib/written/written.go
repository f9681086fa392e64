// Package written compares files of the repository with what makes them: manuals and completions with the
// tables of options and commands.
package written

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the files instead of comparing them")

// Compare compares a file with what it should be, or with -update writes it.
func Compare(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what its table makes: make docs", name)
	}
}
