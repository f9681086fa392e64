package main

import (
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// stage is the directory below which everything happens. For root it is a file system in
// a mount namespace of its own, so that the set-user-id copies are gone with the last
// process that sees them, whatever becomes of the others. Where root may have none, there
// are not such copies.
type stage struct {
	dir     string
	mounted bool
	sys     string // options that bind what a shell needs
	probe   string // this program
	ending  sync.Mutex
}

const inside = "CONFORMANCE_MOUNT_NAMESPACE"

// seclude starts the program again in a mount and a UTS namespace of its own, if it may have them. The
// machine's host name may be empty.
func seclude() error {
	if os.Geteuid() != 0 || os.Getenv(inside) != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_NEWUTS) != nil || unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") != nil ||
		unix.Sethostname([]byte("conformance")) != nil {
		runtime.UnlockOSThread() // as in most containers
		return nil
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), inside+"=1"))
}

func newStage() (*stage, error) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	s := &stage{dir: dir, sys: systemOptions("/")}
	if os.Getenv(inside) != "" {
		s.mounted = unix.Mount("conformance", dir, "tmpfs", unix.MS_NODEV, "mode=755,size=512m") == nil
	}
	if err := s.furnish(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// furnish makes the directory accessible and puts the helper there.
func (s *stage) furnish() error {
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if s.probe, err = s.copyFile(self, "bin/probe", 0o755); err != nil {
		return err
	}
	f, err := elf.Open(s.probe)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("this program is its own helper in the sandbox, and must be static: build it with CGO_ENABLED=0")
		}
	}
	return nil
}

// remove removes all that newStage has made, and the set-user-id copies first.
func (s *stage) remove() {
	copies, _ := filepath.Glob(s.dir + "/s[0-9]*")
	for _, dir := range copies {
		_ = os.RemoveAll(dir)
	}
	if s.mounted {
		_ = unix.Unmount(s.dir, unix.MNT_DETACH)
	}
	_ = os.RemoveAll(s.dir)
}

// heedSignals removes the stage when the suite is told to end. Signals that the caller
// ignores are caught too: after an exec they are at their default.
func (s *stage) heedSignals() {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		sig := <-ch
		s.ending.Lock() // until the process ends: nothing else happens any more
		endWorkers()
		s.remove()
		os.Exit(128 + int(sig.(syscall.Signal)))
	}()
	heedIgnored()
}

// heedIgnored also keeps what this program has inherited from the launchers.
func heedIgnored() {
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// copyFile copies a program to a place below the stage.
func (s *stage) copyFile(from, to string, perm os.FileMode) (string, error) {
	to = filepath.Join(s.dir, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	return to, copyTo(from, to, perm)
}

func copyTo(from, to string, perm os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Chmod(perm)
}

// copySetuid makes a copy that is set-user-id root in a directory that is closed to all
// but the ordinary user.
func (s *stage) copySetuid(from, to string) (string, error) {
	to = filepath.Join(s.dir, to)
	dir := filepath.Dir(to)
	if err := os.Mkdir(dir, 0o710); err != nil {
		return "", err
	}
	if err := os.Chown(dir, 0, ordinary); err != nil {
		return "", err
	}
	return to, copyTo(from, to, 0o755|os.ModeSetuid)
}

// systemOptions returns the options that bind what a shell needs: /usr, and what the root
// directory has of it or links to it.
func systemOptions(root string) string {
	words := []string{"--ro-bind", "/usr", "/usr"}
	for _, dir := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		target, err := os.Readlink(filepath.Join(root, dir))
		if err == nil {
			words = append(words, "--symlink", target, "/"+dir)
		} else if _, err := os.Stat(filepath.Join(root, dir)); err == nil {
			words = append(words, "--ro-bind", "/"+dir, "/"+dir)
		}
	}
	for _, path := range []string{"/nix/store", "/gnu/store", "/etc/alternatives"} {
		if _, err := os.Stat(filepath.Join(root, path)); err == nil {
			words = append(words, "--ro-bind", path, path)
		}
	}
	return strings.Join(words, " ")
}
