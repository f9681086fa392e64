// Package linked takes a linked gobwrap apart: what its functions are, and where each
// can go. The laws of package sandbox/child are held against it, and the lines that run
// with privilege are counted by it.
package linked

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
)

// The names of things, as the linker knows them.
const (
	Module  = "github.com/gobwrap/gobwrap"
	InChild = Module + "/sandbox/child."

	InArgs     = Module + "/sandbox/child/args."
	InMonitor  = Module + "/sandbox/child/monitor."
	InFirst    = Module + "/sandbox/child/first."
	InPid1     = Module + "/sandbox/child/pid1."
	InPayload  = Module + "/sandbox/child/payload."
	InLandlock = Module + "/sandbox/child/landlock."
	InLaunch   = Module + "/sandbox/child/launch."

	InStep = Module + "/internal/step."
	InRaw  = Module + "/internal/raw."
	InPlan = Module + "/internal/plan."
	InSuid = Module + "/suid."

	InResolve = Module + "/mounts/build/resolve."

	InKeeper = Module + "/suid/keeper."
	InBroker = Module + "/suid/broker."

	Entry = InChild + "entry" // the name that the linker is told
	Start = Entry + ".abi0"   // the code behind it: assembly, not the wrapper for Go callers
)

// Bare are the folders with code that runs without the Go runtime. Each of their files with such
// code says so in its first comment.
//
//nolint:gochecknoglobals // read-only
var Bare = []string{
	"sandbox/child", "sandbox/child/args", "sandbox/child/monitor", "sandbox/child/first", "sandbox/child/pid1",
	"sandbox/child/payload", "sandbox/child/landlock", "sandbox/child/launch", "mounts/build", "mounts/build/deny",
	"mounts/build/engine", "mounts/build/frame", "mounts/build/mountinfo", "mounts/build/pathname", "mounts/build/pattern",
	"mounts/build/placeholder", "mounts/build/resolve", "mounts/build/source", "suid", "suid/keeper", "suid/broker", "internal/plan", "internal/step", "internal/raw",
	"internal/flat", "internal/emit", "internal/tree", "internal/setting", "internal/version", "internal/cmdline", "internal/compile", "internal/policy", "idmap", "seccomp",
}

// Image is a linked gobwrap: its ELF file, and its functions without a runtime taken apart.
type Image struct {
	Arch    string
	File    *elf.File
	Symbols []elf.Symbol
	Funcs   map[string]*Function
}

// Function is one compiled function.
type Function struct {
	Name, Source string // Source is the file, as the linker recorded it
	Code         []Instruction
}

// Instruction is one of a function.
type Instruction struct {
	Addr  uint64
	Text  string // in Go's assembler syntax
	Where string // file:line
}

// Holds reports whether an address lies in f.
func (f *Function) Holds(addr uint64) bool {
	return len(f.Code) > 0 && f.Code[0].Addr <= addr && addr <= f.Code[len(f.Code)-1].Addr
}

// Options say what is built.
type Options struct {
	Arch string
	// Overlay are files that replace or join those of the package in the working
	// directory, or of one in a folder below.
	Overlay map[string]string
	// Plain leaves every call of the module's own functions a call. The program that is
	// shipped has the small ones inlined, where they can't be told apart.
	Plain bool
	// Host is a program that starts sandboxes, in place of the launcher, and is linked for it.
	Host string
}

// HostEntry is the entry point of such a program.
const HostEntry = InChild + "hostEntry"

// Build links ./cmd/gobwrap in dir as the Makefile does, but with its symbols.
func Build(dir string, o Options) (*Image, error) {
	out := filepath.Join(dir, "gobwrap")
	program, entry := Module+"/cmd/gobwrap", Entry
	if o.Host != "" {
		program, entry = o.Host, HostEntry
	}
	args := []string{
		"build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid= -E " + entry, "-o", out,
	}
	if o.Plain {
		args = append(args, "-gcflags="+Module+"/...=-l")
	}
	if o.Overlay != nil {
		file, err := writeOverlay(dir, o.Overlay)
		if err != nil {
			return nil, err
		}
		args = append(args, "-overlay", file)
	}
	cmd := exec.Command("go", append(args, program)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+o.Arch, "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, text)
	}
	file, err := elf.Open(out)
	if err != nil {
		return nil, err
	}
	im := &Image{Arch: o.Arch, File: file}
	if im.Symbols, err = file.Symbols(); err == nil {
		im.Funcs, err = disassemble(out)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return im, nil
}

// writeOverlay writes the file that go build -overlay wants.
func writeOverlay(dir string, overlay map[string]string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	var doc struct{ Replace map[string]string }
	doc.Replace = map[string]string{}
	for name, text := range overlay {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
		doc.Replace[filepath.Join(here, name)] = file
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

var codeLine = regexp.MustCompile(`^\s+(\S+:-?\d+)\s+0x([0-9a-f]+)\s+[0-9a-f]+\s+(.*?)\s*$`)

// disassemble takes apart the functions of the packages whose code runs without a runtime.
func disassemble(file string) (map[string]*Function, error) {
	cmd := exec.Command("go", "tool", "objdump", "-s", `^`+Module+`/(`+strings.Join(Bare, "|")+`)\.`, file)
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	funcs := map[string]*Function{}
	var now *Function
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "TEXT "); ok {
			name, source, _ := strings.Cut(rest, "(SB) ")
			now = &Function{Name: name, Source: source}
			funcs[name] = now
			continue
		}
		if m := codeLine.FindStringSubmatch(line); m != nil && now != nil {
			addr, err := strconv.ParseUint(m[2], 16, 64)
			if err != nil {
				return nil, err
			}
			now.Code = append(now.Code, Instruction{addr, m[3], m[1]})
		}
	}
	if lines.Err() != nil || len(funcs) < 50 {
		return nil, fmt.Errorf("only %d functions in the listing of %s: %w", len(funcs), file, lines.Err())
	}
	return funcs, nil
}

// Symbol finds a symbol.
func (im *Image) Symbol(name string) (elf.Symbol, error) {
	for _, s := range im.Symbols {
		if s.Name == name {
			return s, nil
		}
	}
	return elf.Symbol{}, fmt.Errorf("%s: no symbol %s", im.Arch, name)
}

// Section returns the name of the section that a symbol lies in.
func (im *Image) Section(s elf.Symbol) string {
	if int(s.Section) < len(im.File.Sections) {
		return im.File.Sections[s.Section].Name
	}
	return s.Section.String()
}

// word reads eight bytes of the file as they will lie in memory at addr.
func (im *Image) word(addr uint64) (uint64, error) {
	for _, p := range im.File.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr+8 <= p.Vaddr+p.Filesz {
			var b [8]byte
			_, err := p.ReadAt(b[:], int64(addr-p.Vaddr))
			return binary.LittleEndian.Uint64(b[:]), err
		}
	}
	return 0, fmt.Errorf("%#x lies in no segment", addr)
}
