package child_test

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The names of things, as the linker knows them.
const (
	module  = "github.com/gobwrap/gobwrap"
	inChild = module + "/sandbox/child."
	inPlan  = module + "/sandbox/plan."
	linked  = inChild + "entry" // the name that the linker is told
	start   = linked + ".abi0"  // the code behind it: assembly, not the wrapper for Go callers
)

// image is a linked gobwrap: its ELF file, and the room's functions taken apart.
type image struct {
	arch    string
	file    *elf.File
	symbols []elf.Symbol
	funcs   map[string]*function
}

// function is one compiled function.
type function struct {
	name, source string // source is the file, as the linker recorded it
	code         []instruction
}

type instruction struct {
	addr  uint64
	text  string // in Go's assembler syntax
	where string // file:line
}

func (f *function) holds(addr uint64) bool {
	return len(f.code) > 0 && f.code[0].addr <= addr && addr <= f.code[len(f.code)-1].addr
}

// build links ./cmd/gobwrap as the Makefile does, but with its symbols. Files in
// overlay replace or join those of this package.
func build(t *testing.T, arch string, overlay map[string]string) *image {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "gobwrap")
	args := []string{
		"build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid= -E " + linked, "-o", out,
	}
	if overlay != nil {
		args = append(args, "-overlay", writeOverlay(t, dir, overlay))
	}
	cmd := exec.Command("go", append(args, module+"/cmd/gobwrap")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	file, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	return &image{arch, file, symbols, disassemble(t, out)}
}

// writeOverlay writes the file that go build -overlay wants.
func writeOverlay(t *testing.T, dir string, overlay map[string]string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Replace map[string]string }
	doc.Replace = map[string]string{}
	for name, text := range overlay {
		file := filepath.Join(dir, name+".txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		doc.Replace[filepath.Join(here, name)] = file
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

var codeLine = regexp.MustCompile(`^\s+(\S+:-?\d+)\s+0x([0-9a-f]+)\s+[0-9a-f]+\s+(.*?)\s*$`)

// disassemble takes the functions of packages child, plan and suid apart.
func disassemble(t *testing.T, file string) map[string]*function {
	t.Helper()
	cmd := exec.Command("go", "tool", "objdump", "-s", `^`+module+`/(sandbox/child|sandbox/plan|suid)\.`, file)
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	funcs := map[string]*function{}
	var now *function
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "TEXT "); ok {
			name, source, _ := strings.Cut(rest, "(SB) ")
			now = &function{name: name, source: source}
			funcs[name] = now
			continue
		}
		if m := codeLine.FindStringSubmatch(line); m != nil && now != nil {
			addr, err := strconv.ParseUint(m[2], 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			now.code = append(now.code, instruction{addr, m[3], m[1]})
		}
	}
	if lines.Err() != nil || len(funcs) < 50 {
		t.Fatalf("only %d functions in the listing of %s: %v", len(funcs), file, lines.Err())
	}
	return funcs
}

func (im *image) symbol(t *testing.T, name string) elf.Symbol {
	t.Helper()
	for _, s := range im.symbols {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("%s: no symbol %s", im.arch, name)
	return elf.Symbol{}
}

// section is the name of the section that a symbol lies in.
func (im *image) section(s elf.Symbol) string {
	if int(s.Section) < len(im.file.Sections) {
		return im.file.Sections[s.Section].Name
	}
	return s.Section.String()
}

// word reads eight bytes of the file as they will lie in memory at addr.
func (im *image) word(addr uint64) (uint64, error) {
	for _, p := range im.file.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr+8 <= p.Vaddr+p.Filesz {
			var b [8]byte
			_, err := p.ReadAt(b[:], int64(addr-p.Vaddr))
			return binary.LittleEndian.Uint64(b[:]), err
		}
	}
	return 0, fmt.Errorf("%#x lies in no segment", addr)
}
