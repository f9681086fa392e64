// Command busy is a host for the tests of package hosted, and for its benchmark: a large
// program with much else to do, which starts sandboxes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"golang.org/x/sys/unix"
)

var (
	launcher = flag.String("launcher", "", "for Cmd.Launcher")
	heap     = flag.Int("heap", 0, "MiB that are touched, and held")
	idle     = flag.Int("goroutines", 0, "goroutines that do something now and then")
	rounds   = flag.Int("n", 1, "launches")
	abreast  = flag.Int("j", 1, "of them at a time")
	collect  = flag.Bool("gc", false, "collect garbage all the time")
	raw      = flag.Bool("fork", false, "measure a clone of this process, in place of launches")
	times    = flag.Bool("times", false, "print the median of the launches")
	hold     = flag.Bool("hold", false, "start a command that does not end, say so, and wait")
	lifeline = flag.Bool("lifeline", false, "the sandbox ends with this process")
	block    = flag.Bool("block", false, "set-up waits for something to read from descriptor 3")
	command  = flag.String("command", "/bin/true", "what runs inside")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "busy:", err)
		os.Exit(1)
	}
}

func run() error {
	// A process that is left over would become our child, and be seen by the check for
	// children.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGQUIT)
	memory := touch(*heap)
	defer runtime.KeepAlive(memory)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	keepBusy(ctx)
	if *hold {
		return holdOn()
	}
	if *rounds == 0 {
		return nil
	}
	if err := launch(); err != nil { // what the runtime opens once is open from here on
		return err
	}
	before, routines := descriptors(), runtime.NumGoroutine()
	took, err := launches()
	if err != nil {
		return err
	}
	if after := descriptors(); len(after) > len(before) {
		return fmt.Errorf("descriptors leak: %v before, %v after", before, after)
	}
	if n := runtime.NumGoroutine(); n > routines+5 {
		return fmt.Errorf("goroutines leak: %d before, %d after", routines, n)
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		return fmt.Errorf("a child is left: %d, %v", pid, err)
	}
	if *times {
		slices.Sort(took)
		fmt.Printf("%.3f\n", float64(took[len(took)/2].Microseconds())/1000)
	}
	return nil
}

// touch returns a heap of that many MiB, in pieces that the collector has to look at.
func touch(mib int) [][]*byte {
	var all [][]*byte
	for range mib {
		piece := make([]*byte, 1<<17) // of 8 bytes
		for i := range piece {
			if i%512 == 0 {
				piece[i] = new(byte)
			}
		}
		all = append(all, piece)
	}
	return all
}

func keepBusy(ctx context.Context) {
	for i := range *idle {
		go func() {
			for ctx.Err() == nil {
				_ = fmt.Sprint(i, make([]int, 100))
				time.Sleep(time.Duration(10+i%50) * time.Millisecond)
			}
		}()
	}
	if *collect {
		go func() {
			for ctx.Err() == nil {
				runtime.GC()
			}
		}()
	}
}

func launches() ([]time.Duration, error) {
	took := make([]time.Duration, *rounds)
	errs := make(chan error, *abreast)
	next := make(chan int)
	var wg sync.WaitGroup
	for range *abreast {
		wg.Go(func() {
			for i := range next {
				begun := time.Now()
				if err := one(); err != nil {
					select {
					case errs <- fmt.Errorf("launch %d: %w", i, err):
					default:
					}
				}
				took[i] = time.Since(begun)
			}
		})
	}
	for i := range *rounds {
		next <- i
	}
	close(next)
	wg.Wait()
	close(errs)
	return took, <-errs
}

func one() error {
	if *raw {
		return fork()
	}
	return launch()
}

// fork returns the clone that a launcher without a helper would need: of the whole process.
// The child ends at once; it is not safe to do more.
func fork() error {
	pid, _, e := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 {
		return e
	}
	if pid == 0 {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
	_, err := syscall.Wait4(int(pid), nil, 0, nil)
	return err
}

func prepared(name string, arg ...string) *sandbox.Cmd {
	c := sandbox.Command(name, arg...)
	c.Launcher = *launcher
	c.Env = []string{"PATH=/usr/bin:/bin"}
	c.Spec.Session.DieWithParent = *lifeline
	c.Spec.Files = []mounts.Op{mounts.ReadOnly("/"), mounts.Proc("/proc")}
	return c
}

// inspect is run inside: what the command has, and what is ignored: SIGQUIT, and what the
// tests were started with (SIGINT by a shell's "&", SIGHUP by nohup, signals 32 and 33 by make).
const inspect = `cd /proc/self/fd && set -- * && cd / && [ "$*" = "0 1 2 3" ] || { echo "descriptors: $*"; exit 1; }
grep -Eq "^SigIgn:.0000000[01][08]000000[4-7]$" /proc/self/status || { grep Sig /proc/self/status; exit 1; }
grep -q "^SigBlk:.0000000000000000$" /proc/self/status || { grep Sig /proc/self/status; exit 1; }`

func launch() error {
	c := prepared(*command)
	if *command == "inspect" {
		c = prepared("/bin/sh", "-c", inspect)
	}
	out, err := c.CombinedOutput()
	if *command == "/none" {
		var setup *sandbox.SetupError
		if !errors.As(err, &setup) || setup.Stage != "exec" {
			return fmt.Errorf("it should have failed: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// holdOn waits to be killed.
func holdOn() error {
	c := prepared("/bin/sleep", *command)
	if *block {
		c.Spec.Session.BlockFD = c.Pass(os.NewFile(3, "block"))
	}
	fmt.Println("starting")
	if err := c.Start(); err != nil {
		return err
	}
	fmt.Println("started")
	return c.Wait()
}

func descriptors() []string {
	names, _ := filepath.Glob("/proc/self/fd/*")
	out := make([]string, 0, len(names))
	for _, name := range names {
		if link, err := os.Readlink(name); err == nil {
			out = append(out, strings.TrimPrefix(name, "/proc/self/fd/")+"="+link)
		}
	}
	return out
}
