// Command judge compiles C programs and runs each on one input, in sandboxes with limits, and prints
// a verdict for each:
//
//	judge [-jobs N] [-time 1s] [-wall 3s] [-memory 64] [-input FILE] [-answer FILE] FILE.c...
//
// It is an example of package sandbox. docs/judge.md explains it.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
)

// Verdict is what came of a program. Those of two letters that isolate has mean the same here.
type Verdict string

// The verdicts.
const (
	OK Verdict = "OK" // it ended with status 0, and wrote the answer
	WA Verdict = "WA" // it wrote something else
	CE Verdict = "CE" // it does not compile
	RE Verdict = "RE" // its exit status is not 0
	SG Verdict = "SG" // it was killed by a signal
	TO Verdict = "TO" // it took too much time: of the processor, or on the clock
	XX Verdict = "XX" // the judge has failed
)

// Task is what the programs have to do, and with how much.
type Task struct {
	Input, Answer []byte
	Time, Wall    time.Duration // of the processor, and on the clock
	Memory        uint64        // bytes
}

// Result is a verdict, and what led to it.
type Result struct {
	Verdict Verdict
	Detail  string
	Usage   sandbox.Usage
}

func main() {
	task := Task{}
	flag.DurationVar(&task.Time, "time", time.Second, "processor time")
	flag.DurationVar(&task.Wall, "wall", 3*time.Second, "time on the clock")
	mega := flag.Uint64("memory", 64, "memory, in MiB")
	jobs := flag.Int("jobs", runtime.NumCPU(), "how many programs at a time")
	input := flag.String("input", os.DevNull, "what the programs read")
	answer := flag.String("answer", os.DevNull, "what they should write")
	flag.Parse()
	task.Memory = *mega << 20
	err := errors.Join(read(&task.Input, *input), read(&task.Answer, *answer))
	if err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
	if !judgeAll(task, *jobs, flag.Args()) {
		os.Exit(1)
	}
}

func read(to *[]byte, name string) (err error) {
	*to, err = os.ReadFile(name)
	return err
}

// judgeAll judges files, so many at a time, and prints the verdicts in their order. It reports
// whether the judge itself has not failed.
func judgeAll(task Task, jobs int, files []string) bool {
	results := make([]Result, len(files))
	next := make(chan int)
	var group sync.WaitGroup
	for range max(jobs, 1) {
		group.Go(func() {
			for i := range next {
				results[i] = judge(task, files[i])
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	group.Wait()
	fine := true
	for i, r := range results {
		u := r.Usage
		fmt.Printf("%s %s %.3f s %d KiB %s\n", r.Verdict, filepath.Base(files[i]), (u.User + u.System).Seconds(), u.MaxRSS>>10, r.Detail)
		fine = fine && r.Verdict != XX
	}
	return fine
}

// judge compiles a program and runs it.
func judge(task Task, file string) Result {
	dir, err := os.MkdirTemp("", "judge-")
	if err != nil {
		return Result{Verdict: XX, Detail: err.Error()}
	}
	defer func() { _ = os.RemoveAll(dir) }()
	source, err := os.ReadFile(file)
	if err != nil {
		return Result{Verdict: XX, Detail: err.Error()}
	}
	if r := compile(source, dir); r.Verdict != OK {
		return r
	}
	return execute(task, filepath.Join(dir, "program"))
}

// compile makes dir/program of a source, with a compiler that sees the system, the source and dir.
func compile(source []byte, dir string) Result {
	c := sandbox.Command("gcc", "-O2", "-static", "-o", "/out/program", "/source.c")
	c.Env = []string{"PATH=/usr/bin:/bin"}
	c.Spec.Files = append(mounts.System(), mounts.Tmpfs("/tmp"), mounts.ReadOnlyData("/source.c", mounts.Bytes(source)), mounts.ReadWrite(dir).At("/out"))
	c.Spec.Limits = sandbox.Limits{
		Rlimits: []sandbox.Rlimit{{Name: "cpu", Soft: 20, Hard: 20}, {Name: "as", Soft: 1 << 30, Hard: 1 << 30}, {Name: "fsize", Soft: 64 << 20, Hard: 64 << 20}},
		Timeout: time.Minute, Grace: -1,
	}
	out := &limited{}
	c.Stdout, c.Stderr = out, out
	var exit *sandbox.ExitError
	switch err := c.Run(); {
	case err == nil:
		return Result{Verdict: OK}
	case errors.Is(err, sandbox.ErrTimeout), errors.As(err, &exit):
		first, _, _ := bytes.Cut(out.text, []byte("\n"))
		return Result{Verdict: CE, Detail: string(first)}
	default:
		return Result{Verdict: XX, Detail: err.Error()}
	}
}

// execute runs a program that sees nothing but itself.
func execute(task Task, program string) Result {
	ctx, enough := context.WithCancel(context.Background())
	defer enough()
	c := sandbox.CommandContext(ctx, "/program")
	c.Dir, c.Env = "/", []string{}
	c.Spec.Files = []mounts.Op{mounts.ReadOnly(program).At("/program"), mounts.RemountReadOnly("/")}
	seconds := uint64((task.Time + time.Second - 1) / time.Second)
	c.Spec.Limits = sandbox.Limits{
		Rlimits: []sandbox.Rlimit{
			{Name: "cpu", Soft: seconds, Hard: seconds + 1},
			{Name: "as", Soft: task.Memory, Hard: task.Memory},
			{Name: "stack", Soft: task.Memory, Hard: task.Memory},
			{Name: "nproc", Soft: 16, Hard: 16},
			{Name: "nofile", Soft: 16, Hard: 16},
			{Name: "core"},
		},
		Timeout: task.Wall, Grace: -1,
	}
	c.Spec.Report.Usage = true
	out := &limited{enough: enough}
	c.Stdin, c.Stdout = bytes.NewReader(task.Input), out
	return verdict(task, c, c.Run(), out)
}

// verdict says what came of a program that has ended with an error, or nil.
func verdict(task Task, c *sandbox.Cmd, err error, out *limited) Result {
	u := c.Usage()
	var exit *sandbox.ExitError
	signal := ""
	if errors.As(err, &exit) {
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
			signal = w.Signal().String()
		}
	}
	switch {
	case out.full:
		return Result{WA, "too much output", u}
	case errors.Is(err, sandbox.ErrTimeout):
		return Result{TO, "wall clock", u}
	case u.EndedBy == sandbox.EndedByLimit, u.User+u.System > task.Time:
		return Result{TO, "processor time", u}
	case signal != "":
		return Result{SG, signal, u}
	case exit != nil:
		return Result{RE, exit.Error(), u}
	case err != nil:
		return Result{XX, err.Error(), u}
	case !bytes.Equal(bytes.TrimSpace(out.text), bytes.TrimSpace(task.Answer)):
		return Result{WA, "", u}
	}
	return Result{OK, "", u}
}

// limited takes the first megabyte of an output.
type limited struct {
	text   []byte
	full   bool
	enough func() // called when there is more
}

func (l *limited) Write(p []byte) (int, error) {
	if len(l.text)+len(p) > 1<<20 {
		if l.full = true; l.enough != nil {
			l.enough()
		}
		return len(p), nil
	}
	l.text = append(l.text, p...)
	return len(p), nil
}
