package sandboxtest

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// What the test binary needs lies here in sandboxes.
const (
	home   = "/.sandboxtest"
	loader = home + "/ld.so"
	libs   = home + "/lib"
)

// Variables of the loader's, and what the caller's environment says about it.
const (
	libraryPath    = "LD_LIBRARY_PATH"
	callersLibrary = "GOBWRAP_SANDBOXTEST_LIBRARY_PATH"
)

// program is the test binary.
type program struct {
	exe string // its file

	// Of one that is linked dynamically (cgo, the race detector):
	interp string   // its loader
	libs   []string // the files that the loader loads
	copy   string   // a copy of exe whose loader is the one in home
}

// binary returns what there is to know of the test binary. A copy lives as long as the test.
func binary(t *testing.T) program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := program{exe: exe}
	at := uint64(0)
	if p.interp, at = interpreter(t, exe); p.interp == "" {
		return p
	}
	p.libs = libraries(t, p.interp, exe)
	data, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if len(loader) > len(p.interp) {
		t.Fatalf("%s is linked for the loader %s, whose name is too short for %s", exe, p.interp, loader)
	}
	copy(data[at:], loader+strings.Repeat("\x00", len(p.interp)-len(loader)))
	p.copy = filepath.Join(openDir(t), filepath.Base(exe))
	if err := os.WriteFile(p.copy, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p.copy, 0o755); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return p
}

// interpreter returns the loader of a program, and where in the file its name is; "" if it
// needs none.
func interpreter(t *testing.T, exe string) (name string, at uint64) {
	t.Helper()
	f, err := elf.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		text := make([]byte, p.Filesz)
		if _, err := p.ReadAt(text, 0); err != nil {
			t.Fatal(err)
		}
		return string(bytes.TrimRight(text, "\x00")), p.Off
	}
	return "", 0
}

// libraries asks the loader what it would load, as ldd(1) does. musl's goes by its name.
func libraries(t *testing.T, interp, exe string) (files []string) {
	t.Helper()
	c := &exec.Cmd{Path: interp, Args: []string{"ldd", exe}, Env: append(os.Environ(), "LD_TRACE_LOADED_OBJECTS=1")}
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	for line := range strings.Lines(string(out)) {
		_, file, ok := strings.Cut(line, " => ")
		if file, _, _ = strings.Cut(strings.TrimSpace(file), " ("); ok && strings.HasPrefix(file, "/") && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return files
}

// into puts the program into a sandbox, and says where it lies there, and what its
// environment needs.
func (p *program) into(spec *sandbox.Spec) (place string, env []string) {
	cover, file := -1, tree.Invalid
	for i := range spec.Files {
		op := spec.Files[i].Tree()
		switch op.Kind {
		case tree.Bind, tree.BindFD, tree.Overlay, tree.Tmpfs:
			if tree.BoxPath(op.Dest) == "/" {
				cover, file = i, op.Kind
			}
		}
	}
	if cover >= 0 && file != tree.Tmpfs {
		spec.Files = append(slices.Clone(spec.Files), mounts.ReadOnly(p.exe))
		return p.exe, nil
	}
	place = home + "/" + filepath.Base(p.exe)
	ops := []mounts.Op{mounts.ReadOnly(p.exe).At(place)}
	if p.interp != "" {
		ops[0] = mounts.ReadOnly(p.copy).At(place)
		ops = append(ops, mounts.ReadOnly(p.interp).At(loader))
		for _, file := range p.libs {
			ops = append(ops, mounts.ReadOnly(file).At(libs+"/"+filepath.Base(file)))
		}
		env = []string{libraryPath + "=" + libs, callersLibrary + "=" + os.Getenv(libraryPath)}
	}
	spec.Files = slices.Insert(slices.Clone(spec.Files), cover+1, ops...)
	return place, env
}

// restoreLibraryPath gives the function, and what it starts, the caller's environment.
func restoreLibraryPath() {
	text, given := os.LookupEnv(callersLibrary)
	if !given {
		return
	}
	_ = os.Unsetenv(callersLibrary)
	if text == "" {
		_ = os.Unsetenv(libraryPath)
	} else {
		_ = os.Setenv(libraryPath, text)
	}
}
