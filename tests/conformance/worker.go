package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// A worker is this program once more. It runs cases one at a time, so that all processes
// that a case leaves behind are its own orphans.

// job asks a worker for a case; the first one that it reads says about the stage.
type job struct {
	Program *program
	Case    string
	Mode    mode
	Line    string // in place of a case, what is to be run and told
}

type briefing struct {
	Dir, Sys, Probe string
	Patience        time.Duration
	Cases           []string // texts of cases beside the catalogue, for tests
}

// work reads jobs from standard input until its end.
func work(in io.Reader, out io.Writer) error {
	if err := adoptOrphans(); err != nil {
		return err
	}
	heedIgnored()
	endOnSignal()
	dec, enc := json.NewDecoder(in), json.NewEncoder(out)
	var b briefing
	if err := dec.Decode(&b); err != nil {
		return err
	}
	r := &runner{stage: &stage{dir: b.Dir, sys: b.Sys, probe: b.Probe}, patience: b.Patience}
	cases, err := byName(b.Cases)
	if err != nil {
		return err
	}
	for {
		var j job
		if err := dec.Decode(&j); err != nil {
			return nil //nolint:nilerr // no more jobs
		}
		if err := enc.Encode(r.do(j, cases)); err != nil {
			return err
		}
	}
}

func (r *runner) do(j job, cases map[string]*testCase) result {
	if j.Line != "" {
		return r.answer(j)
	}
	return r.run(cases[j.Case], j.Program, j.Mode)
}

// answer runs a line and tells what was seen.
func (r *runner) answer(j job) result {
	s, err := r.newScene(&testCase{}, j.Program, j.Mode)
	if err != nil {
		return result{Verdict: fail, Detail: err.Error()}
	}
	defer s.clear()
	seen, err := s.shell(j.Line)
	endChildren(true)
	if err != nil {
		return result{Verdict: fail, Detail: err.Error()}
	}
	return result{Verdict: pass, Seen: seen}
}

// going is held while a worker starts a process and when it looks at one that has ended; for
// good once it is told to end.
var going sync.Mutex

// endOnSignal kills what a worker runs when it is told to end. Meanwhile the case that is
// being run does not go on: it would start more, and its processes are waited for here.
func endOnSignal() {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-ch
		going.Lock() // for good
		endChildren(true)
		os.Exit(1)
	}()
}

// byName finds the cases of the catalogue by their names.
func byName(more []string) (map[string]*testCase, error) {
	groups, err := catalogue()
	if err != nil {
		return nil, err
	}
	for _, text := range more {
		g, err := parseGroup("more.txtar", []byte(text))
		if err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	cases := map[string]*testCase{}
	for _, g := range groups {
		for _, c := range g.cases {
			cases[c.name] = c
		}
	}
	return cases, nil
}

// worker is the other end.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *json.Encoder
	dec *json.Decoder
}

// workers are those that run, for the one that ends them early.
var workers struct {
	sync.Mutex
	running []*worker
}

// endWorkers ends them all, with whatever they run. No further one can be started.
func endWorkers() {
	workers.Lock()
	for _, w := range workers.running {
		_ = w.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, w := range workers.running {
		_, _ = w.cmd.Process.Wait()
	}
}

func startWorker(b briefing) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worker{cmd: exec.Command(self, "worker")}
	w.cmd.Stderr = os.Stderr
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	workers.Lock()
	if err = w.cmd.Start(); err == nil {
		workers.running = append(workers.running, w)
	}
	workers.Unlock()
	if err != nil {
		return nil, err
	}
	w.enc, w.dec = json.NewEncoder(w.in), json.NewDecoder(out)
	return w, w.enc.Encode(b)
}

func (w *worker) do(j job) result {
	var r result
	err := w.enc.Encode(j)
	if err == nil {
		err = w.dec.Decode(&r)
	}
	if err != nil {
		return result{Verdict: fail, Detail: fmt.Sprintf("the worker: %v", err)}
	}
	return r
}

func (w *worker) end() {
	_ = w.in.Close()
	_ = w.cmd.Wait()
}

// runAll runs jobs by n workers, and tells what came out of each.
func runAll(b briefing, jobs []job, n int, tell func(job, result)) error {
	queue := make(chan job)
	var group sync.WaitGroup
	var told sync.Mutex
	for range n {
		w, err := startWorker(b)
		if err != nil {
			return err
		}
		group.Go(func() {
			defer w.end()
			for j := range queue {
				r := w.do(j)
				told.Lock()
				tell(j, r)
				told.Unlock()
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	group.Wait()
	return nil
}
