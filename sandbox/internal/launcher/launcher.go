package launcher

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/helper"
	"github.com/gobwrap/gobwrap/internal/procfs"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/internal/fault"
	"github.com/gobwrap/gobwrap/sandbox/internal/self"
)

// Launcher is a program that can be started in plan mode.
type Launcher struct {
	// The file, absolute, or a path in /proc.
	Path string
	// The environment to start it with. The command's own goes with the plan.
	Env []string
	// It is installed for setuid mode: root's, set-user-id without set-group-id, and the caller is not root.
	Keeper bool
	// It was not named by Cmd.Launcher.
	Found bool
}

// selfExe leads to the file of this program, whatever name it has.
const selfExe = "/proc/self/exe"

// At returns the launcher at a path.
func At(path string) (Launcher, error) {
	// An empty list and not nil, which would be this program's environment.
	l := Launcher{Path: path, Env: []string{}}
	info, err := os.Stat(path)
	if err != nil {
		return l, &fault.Error{Stage: "launch", Path: path, Err: &fault.Failure{Message: "Can't find the launcher " + path, Errno: fault.ErrnoOf(err)}}
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	// Set-group-id as well is not an installation that the launcher accepts (suid.InstallKind).
	l.Keeper = ok && st.Mode&0o6000 == 0o4000 && st.Uid == 0 && os.Getuid() != 0
	if !filepath.IsAbs(path) {
		l.Path, err = filepath.Abs(path)
	}
	return l, err
}

// InPath returns the gobwrap that is installed.
func InPath() (l Launcher, ok bool) {
	// Relative directories in PATH are passed over.
	path := helper.Find("gobwrap", os.Getenv("PATH"))
	if path == "" {
		return l, false
	}
	l, err := At(path)
	l.Found = true
	return l, err == nil
}

// Why a program can't be its own launcher. ErrSecure forbids one of PATH, too.
var (
	ErrSecure = errors.New("a set-id program can't start itself or trust PATH: set Cmd.Launcher")
	errRace   = errors.New("a program that is built with -race, -msan or -asan can't start itself: " +
		"install gobwrap (go install needs -ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.entry), or set Cmd.Launcher")
	errLibrary = errors.New("code that is a library of another program can't start itself: install gobwrap, or set Cmd.Launcher")
)

// Alone returns why this program can't be its own launcher, or nil.
//
//nolint:gochecknoglobals // asked once
var Alone = sync.OnceValue(func() error {
	// First: a program with privilege must not start what its caller chooses.
	set, err := secure()
	switch {
	case err != nil:
		return err
	case set:
		return ErrSecure
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
	// AT_SECURE of getauxval(3): set-user-id, set-group-id, file capabilities or a security module.
	const atSecure = 23
	text, err := procfs.Read("/proc/self/auxv")
	// Pairs of 8 bytes: the key, and its value.
	for aux := []byte(text); len(aux) >= 16; {
		if binary.NativeEndian.Uint64(aux) == atSecure {
			return binary.NativeEndian.Uint64(aux[8:]) != 0, nil
		}
		aux = aux[16:]
	}
	// Where proc cannot be read, the careful answer.
	return true, err
}

// library reports whether this Go code is a library of another program.
func library() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		// c-shared and the like: the entry point is another program's.
		if s.Key == "-buildmode" {
			return s.Value != "exe" && s.Value != "pie" && s.Value != "default"
		}
	}
	return false
}

// Self returns this program as a launcher: see Alone for whether it can be one.
func Self() Launcher { return Launcher{Path: selfExe, Env: loaderEnv()} }

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
