//go:build vm

package vm_test

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

//go:embed testdata/matrix.sh
var matrixScript string

// TestMatrix: where the kernel refuses user namespaces, the launcher says so, works as
// root, and as an ordinary user if it is installed set-user-id; and however it came
// about, the command has the caller's identity and no privilege.
func TestMatrix(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		program := os.Getenv("GOBWRAP_TEST_PROGRAM")
		if program == "" {
			program = "../../bin/gobwrap"
		}
		if _, err := os.Stat(program); err != nil {
			t.Fatalf("the launcher is missing: %v: run make build", err)
		}
		result := boot(t, vm.Machine{
			Kernel:     kernel,
			Script:     matrixScript,
			Processors: 2, // a launch chooses on which one its processes run
			Files:      map[string]string{"gobwrap": program, "rows.sh": "testdata/rows.sh", "probe": "testdata/probe.c"},
		})
		if result.Status != 0 {
			t.Fatalf("the script ended with %d:\n%s", result.Status, result.Output)
		}
		host, rows := parse(t, result.Output)
		complete(t, rows)
		report(t, host, rows)
	})
}

// parse reads what rows.sh prints. host is the user namespace outside of all sandboxes.
func parse(t *testing.T, output string) (host string, rows []row) {
	t.Helper()
	var world string
	for text := range strings.Lines(output) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
		switch word {
		case "host":
			host = rest
			continue
		case "world":
			world = rest
			continue
		case "row":
			binary, line, _ := strings.Cut(rest, " ")
			rows = append(rows, row{world: world, binary: binary, line: line, said: map[string]string{}})
			continue
		}
		if len(rows) == 0 {
			t.Fatalf("before the first row: %q", text)
		}
		last := &rows[len(rows)-1]
		switch word {
		case "status":
			last.status = rest
		case "stderr":
			last.stderr = append(last.stderr, rest)
		case "ns", "made", "outside":
			last.said[word] = rest
		default:
			name, value, isField := strings.Cut(strings.TrimSuffix(text, "\n"), ":\t")
			if !isField {
				t.Fatalf("in row %s, %s, %s: %q", last.world, last.binary, last.line, text)
			}
			last.said[name] = strings.TrimSpace(value)
		}
	}
	return host, rows
}

// complete complains if a combination is missing, or there twice.
func complete(t *testing.T, rows []row) {
	t.Helper()
	seen := map[[3]string]int{}
	for _, r := range rows {
		seen[[3]string{r.world, r.binary, r.line}]++
	}
	for _, world := range worlds {
		for _, binary := range binaries {
			for _, line := range lines {
				if n := seen[[3]string{world, binary, line}]; n != 1 {
					t.Errorf("%s, %s, %s: %d rows, want one", world, binary, line, n)
				}
			}
		}
	}
	if want := len(worlds) * len(binaries) * len(lines); len(rows) != want {
		t.Errorf("%d rows, want %d", len(rows), want)
	}
}

// report prints the table, and complains about rows that are not as they should be.
func report(t *testing.T, host string, rows []row) {
	t.Helper()
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tworld\tbinary\tline\tstatus\tuser namespace\tgroups inside\tstandard error")
	for _, r := range rows {
		mark := "ok"
		if problems := r.problems(host); len(problems) > 0 {
			mark = "BAD"
			t.Errorf("%s, %s, %s: %s", r.world, r.binary, r.line, strings.Join(problems, "; "))
		}
		space := map[string]string{"": "", host: "the host's"}
		name, known := space[r.said["ns"]]
		if !known {
			name = "its own"
		}
		fmt.Fprintln(w, strings.Join([]string{
			mark, r.world, r.binary, r.line, r.status, name, r.said["Groups"], r.summary(),
		}, "\t"))
	}
	_ = w.Flush()
	t.Logf("\n%s", table.String())
}
