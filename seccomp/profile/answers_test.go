package profile

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/seccomp/bpf"
)

// TestAnswers judges the built-in profiles, as the launcher contains them, and Docker's
// by what their filters answer to the calls of testdata/answers.
func TestAnswers(t *testing.T) {
	text, err := os.ReadFile("testdata/answers")
	if err != nil {
		t.Fatal(err)
	}
	filters := map[string]bpf.Program{}
	seen := map[string]bool{}
	rows := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		question, want, ok := strings.Cut(line, " = ")
		words := strings.Fields(question)
		if line == "" || line[0] == '#' {
			continue
		}
		if !ok || len(words) < 3 || len(words) > 9 || seen[question] {
			t.Fatalf("no row, or twice: %s", line)
		}
		seen[question] = true
		a, ok := bpf.ParseArch(words[1])
		if !ok {
			t.Fatalf("no architecture: %s", line)
		}
		d := bpf.Data{Arch: a.Audit, NR: number(t, a, words[2])}
		for i, word := range words[3:] {
			d.Args[i] = unsigned(t, word)
		}
		key := words[0] + " " + goarch(a)
		if filters[key] == nil {
			filters[key] = filterOf(t, words[0], goarch(a))
		}
		if got := bpf.Answer(filters[key].Run(d)); got != want {
			t.Errorf("%s: %s", line, got)
		}
		rows++
	}
	if rows < 200 {
		t.Errorf("only %d rows", rows)
	}
}

func goarch(a bpf.Arch) string {
	if a == bpf.AArch64 || a == bpf.ARM {
		return "arm64"
	}
	return "amd64"
}

func filterOf(t *testing.T, name, arch string) bpf.Program {
	t.Helper()
	if slices.Contains(seccomp.Builtins(), name) {
		code, _ := seccomp.Builtin(name, arch)
		return load(t, code)
	}
	parts := strings.Split(name, "+")
	if parts[0] != "docker" {
		t.Fatalf("no profile: %s", name)
	}
	p := parseFile(t, "../testdata/docker.json")
	code, err := Compile(Target{Arch: arch, Caps: parts[1:], Kernel: Kernel{6, 1}}, p)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, code)
}

func number(t *testing.T, a bpf.Arch, word string) int32 {
	t.Helper()
	if n, err := strconv.ParseInt(word, 0, 64); err == nil {
		return int32(n)
	}
	n, err := Number(a, word)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func unsigned(t *testing.T, word string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(word, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func load(t *testing.T, code []byte) bpf.Program {
	t.Helper()
	p, err := bpf.Load(code)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parseFile(t *testing.T, file string) *Profile {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
