package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// result is what became of a case in a mode.
type result struct {
	Verdict verdict
	ID      string        // of the difference or hole; the option or version that is lacking
	Detail  string        // why it failed
	Took    time.Duration // for all of it
	Seen    sighting      // in answer to a question
}

// runner runs cases, one at a time.
type runner struct {
	stage    *stage
	patience time.Duration
	count    int
}

// scene is one run of a case: who runs what, where.
type scene struct {
	*runner
	c       *testCase
	p       *program
	m       mode
	w, t    string // the scratch directories
	environ []string
}

// outputLimit is how much of what is printed is looked at.
const outputLimit = 64 << 10

// run runs a case in a mode.
func (r *runner) run(c *testCase, p *program, m mode) result {
	begin := time.Now()
	res, err := r.act(c, p, m)
	if err != nil {
		res = result{Verdict: fail, Detail: err.Error()}
	}
	res.Took = time.Since(begin)
	return res
}

func (r *runner) act(c *testCase, p *program, m mode) (result, error) {
	s, err := r.newScene(c, p, m)
	if err != nil {
		return result{}, err
	}
	defer s.clear()
	for _, line := range c.needs {
		if seen, err := s.shell(line); err != nil || seen.Status != "0" {
			return result{Verdict: notHere, ID: line}, nil
		}
	}
	for _, line := range c.setup {
		if seen, err := s.shell(line); err != nil || seen.Status != "0" {
			return result{}, fmt.Errorf("setup %s: status %s, %w %s", line, seen.Status, err, seen.Err)
		}
	}
	seen, err := s.perform()
	if err != nil {
		return result{}, err
	}
	return c.judge(seen, m, p, s.values()), nil
}

func (r *runner) newScene(c *testCase, p *program, m mode) (*scene, error) {
	r.count++
	s := &scene{runner: r, c: c, p: p, m: m}
	base := filepath.Join(r.stage.dir, fmt.Sprintf("w%d-%d", os.Getpid(), r.count))
	s.w, s.t = base+"/w", base+"/t"
	uid, gid := m.ids()
	for _, dir := range []string{s.w, s.t} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if err := os.Lchown(dir, uid, gid); err != nil {
			return nil, err
		}
	}
	path, args := p.in(m)
	s.environ = []string{
		"PATH=" + filepath.Dir(r.stage.probe) + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/nohome", "LANG=C", "W=" + s.w, "T=" + s.t, fmt.Sprint("U=", uid), fmt.Sprint("G=", gid),
		"BWRAP=" + path, "BWRAP_ARGS=" + args, "SYS=" + r.stage.sys, "PROBE=--ro-bind " + r.stage.probe + " /probe",
	}
	return s, nil
}

// values returns what expected lines may name.
func (s *scene) values() *strings.Replacer {
	uid, gid := s.m.ids()
	return strings.NewReplacer("$W", s.w, "$T", s.t, "$U", fmt.Sprint(uid), "$G", fmt.Sprint(gid), "$BWRAP", filepath.Base(s.p.Name))
}

// perform runs the script, and looks at the host before and after it.
func (s *scene) perform() (sighting, error) {
	before := snapshot(s.w)
	seen, err := s.shell(strings.Join(s.c.run, "\n"))
	if err != nil {
		return seen, err
	}
	if left := endChildren(s.c.orphans); len(left) > 0 {
		return seen, fmt.Errorf("left behind, and killed: %s", strings.Join(left, "; "))
	}
	seen.Host = changes(before, snapshot(s.w))
	for _, line := range s.c.after {
		after, err := s.shell(line)
		if err != nil {
			return seen, fmt.Errorf("after %s: %w", line, err)
		}
		seen.Out += after.Out + after.Err
	}
	return seen, nil
}

// preamble makes a word of the program; a function, since its arguments may be several.
const preamble = `bwrap() { "$BWRAP" $BWRAP_ARGS "$@"; }` + "\n"

var errLate = errors.New("it did not end in time, and was killed")

// shell runs a script as the case's user.
func (s *scene) shell(script string) (seen sighting, err error) {
	files, err := s.unlinked(2)
	if err != nil {
		return seen, err
	}
	defer files[0].Close()
	defer files[1].Close()
	cmd := exec.Command("/bin/sh", "-c", preamble+script)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = s.w, s.environ, s.m.attr()
	cmd.Stdout, cmd.Stderr = files[0], files[1]
	going.Lock()
	err = cmd.Start()
	going.Unlock()
	if err != nil {
		return seen, err
	}
	late := time.AfterFunc(s.patience, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	_ = cmd.Wait() // its status says it
	going.Lock()
	defer going.Unlock()
	if !late.Stop() {
		endChildren(true)
		return seen, fmt.Errorf("%w: %s", errLate, s.patience)
	}
	seen.Status = status(cmd.ProcessState.Sys().(syscall.WaitStatus))
	seen.Out, seen.Err = contents(files[0]), contents(files[1])
	return seen, nil
}

func status(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return "signal " + ws.Signal().String()
	}
	return fmt.Sprint(ws.ExitStatus())
}

// unlinked opens files without a name, which can be read however much is written.
func (s *scene) unlinked(n int) ([]*os.File, error) {
	var files []*os.File
	for range n {
		f, err := os.CreateTemp(s.stage.dir, "out-")
		if err != nil {
			return nil, err
		}
		_ = os.Remove(f.Name())
		files = append(files, f)
	}
	return files, nil
}

func contents(f *os.File) string {
	data, err := io.ReadAll(io.NewSectionReader(f, 0, outputLimit))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// clear removes the scratch directories, even those that their owner has closed.
func (s *scene) clear() {
	base := filepath.Dir(s.w)
	_ = filepath.WalkDir(base, func(path string, d os.DirEntry, _ error) error {
		if d != nil && d.IsDir() && unix.Access(path, unix.R_OK|unix.W_OK|unix.X_OK) != nil {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(base)
}
