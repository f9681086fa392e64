package sandbox

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/procfs"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/internal/self"
	"github.com/gobwrap/gobwrap/suid"
)

// launcher is a program that can be started in plan mode.
type launcher struct {
	path   string
	env    []string
	keeper bool // it is installed for setuid mode
	found  bool // it was not named by Cmd.Launcher
}

const selfExe = "/proc/self/exe"

// launcher finds the program to start; the package comment has the order and the reasons.
func (c *Cmd) launcher() (launcher, error) {
	if c.Launcher != "" {
		return program(c.Launcher)
	}
	if l, ok := inPath(); ok && l.keeper && c.Spec.Mode != Direct {
		return l, nil
	}
	if c.Spec.Mode == Setuid {
		return launcher{}, ErrNoSetuid
	}
	why := alone()
	if why == nil {
		return launcher{path: selfExe, env: loaderEnv()}, nil
	}
	if l, ok := inPath(); ok && !errors.Is(why, errSecure) {
		return l, nil
	}
	return launcher{}, why
}

// program returns a launcher at a path.
func program(path string) (launcher, error) {
	l := launcher{path: path, env: []string{}}
	info, err := os.Stat(path)
	if err != nil {
		return l, &SetupError{Stage: "launch", Path: path, Err: &failure{"Can't find the launcher " + path, errnoOf(err)}}
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	l.keeper = ok && st.Mode&0o6000 == 0o4000 && st.Uid == 0 && os.Getuid() != 0
	if !filepath.IsAbs(path) {
		l.path, err = filepath.Abs(path)
	}
	return l, err
}

// inPath returns the gobwrap that is installed.
func inPath() (l launcher, ok bool) {
	path := findTool("gobwrap", os.Getenv("PATH"))
	if path == "" {
		return l, false
	}
	l, err := program(path)
	l.found = true
	return l, err == nil
}

var (
	errSecure = errors.New("a set-id program can't start itself or trust PATH: set Cmd.Launcher")
	errRace   = errors.New("a program that is built with -race, -msan or -asan can't start itself: " +
		"install gobwrap (go install needs -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry), or set Cmd.Launcher")
	errLibrary = errors.New("code that is a library of another program can't start itself: install gobwrap, or set Cmd.Launcher")
)

// alone returns why this program can't be its own launcher, or nil.
//
//nolint:gochecknoglobals // asked once
var alone = sync.OnceValue(func() error {
	set, err := secure()
	switch {
	case err != nil:
		return err
	case set:
		return errSecure
	case child.Ready():
		return nil
	case child.Instrumented:
		return errRace
	case !self.Linked || unnoticed || library():
		return errLibrary
	}
	// What this process may not read it could not read about itself either, when started
	// again: the kernel makes it root's (PR_SET_DUMPABLE(2const)).
	exe, err := os.Open(selfExe)
	if err != nil {
		return err
	}
	return exe.Close()
})

// unnoticed ends a program that was started as a launcher but has reached its initialisation:
// it must not do its usual work.
//
//nolint:gochecknoglobals // before main
var unnoticed = func() bool {
	if len(os.Args) == 4 && os.Args[0] == child.PlanWord && !child.Entered() {
		_, _ = os.Stderr.WriteString("gobwrap: this program can't start itself as a sandbox's monitor: set Cmd.Launcher\n")
		os.Exit(1)
	}
	return false
}()

// secure reports whether this program was started with privileges of its file's.
func secure() (bool, error) {
	const atSecure = 23
	text, err := procfs.Read("/proc/self/auxv")
	for aux := []byte(text); len(aux) >= 16; {
		if binary.NativeEndian.Uint64(aux) == atSecure {
			return binary.NativeEndian.Uint64(aux[8:]) != 0, nil
		}
		aux = aux[16:]
	}
	return true, err
}

// library reports whether this Go code is a library of another program.
func library() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-buildmode" {
			return s.Value != "exe" && s.Value != "pie" && s.Value != "default"
		}
	}
	return false
}

// loaderEnv returns the environment of a program that starts itself: what its loader may need,
// and what keeps the runtime's start short. Nothing of it reaches the command.
func loaderEnv() []string {
	env := []string{"GOMAXPROCS=1"}
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "LD_") {
			env = append(env, v)
		}
	}
	return env
}

// hasKeeper reports whether this process has a keeper.
func hasKeeper() bool { return child.InstallKind() == suid.Installed }

// explain adds to an error how the choice of the launcher may have caused it.
func (l launcher) explain(err error) error {
	var e *SetupError
	if !errors.As(err, &e) || e.Hint != "" || e != ErrKilled {
		return err
	}
	out := *e
	out.Err = err // which ErrKilled is
	out.Hint = "unless it was killed: " + l.path + " may not be a gobwrap of this version (" + runtime.GOARCH + ")"
	return &out
}

// FindLauncher returns the path of the program that a Cmd without a Launcher starts, or why
// there is none.
func FindLauncher() (string, error) {
	l, err := (&Cmd{}).launcher()
	return l.path, err
}
