package compat

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/testcmd"
)

// side is one run: one case, one program, one identity, one scratch directory.
type side struct {
	program string
	who     identity
	scratch string
}

// result is everything that is observed of a run, normalised.
type result struct {
	status string
	stdout string
	stderr string
	fds    string
	tree   string
	after  string
}

func newSide(program string, who identity) (*side, error) {
	dir, err := os.MkdirTemp(base, "w-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	return &side{program, who, dir}, os.Lchown(dir, int(who.uid), int(who.gid))
}

// expand puts values in place of $W and the like.
func (s *side) expand(text string) string {
	return strings.NewReplacer(
		"$W", s.scratch,
		"$NS", namespaces(),
		"$V", victim,
		"$P", s.program,
		"$B", "--ro-bind "+victim+" /v",
		"$S", "--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64",
	).Replace(text)
}

func (s *side) words(text string) ([]string, error) {
	return splitWords(s.expand(text))
}

// attr makes the child the case's identity, in a session of its own.
func (s *side) attr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setsid:     true,
		Credential: &syscall.Credential{Uid: s.who.uid, Gid: s.who.gid, Groups: s.who.groups},
	}
}

// shell runs a line of set-up on the host as the case's identity.
func (s *side) shell(line string) (string, error) {
	cmd := exec.Command("/bin/sh", "-ec", s.expand(line))
	cmd.Dir = s.scratch
	cmd.Env = environment
	cmd.SysProcAttr = s.attr()
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", line, err, out)
	}
	return string(out), err
}

// execute runs a case on this side, from its set-up to what is left of it.
func (c *testCase) execute(s *side) (result, error) {
	for _, line := range c.setup {
		if _, err := s.shell(line); err != nil {
			return result{}, fmt.Errorf("setup: %w", err)
		}
	}
	args, err := s.words(c.run)
	if err != nil {
		return result{}, err
	}
	r, err := c.launch(s, args)
	if err != nil {
		return result{}, err
	}
	for _, line := range c.after {
		out, err := s.shell(line)
		if err != nil {
			return result{}, fmt.Errorf("after: %w", err)
		}
		r.after += s.normalise(out)
	}
	r.tree, err = s.snapshot()
	return r, err
}

func (c *testCase) launch(s *side, args []string) (result, error) {
	files, err := c.openAll(s)
	if err != nil {
		return result{}, err
	}
	defer files.release()
	stdout, err := unlinked("", 0)
	if err != nil {
		return result{}, err
	}
	defer stdout.file.Close()
	stderr, err := unlinked("", 0)
	if err != nil {
		return result{}, err
	}
	defer stderr.file.Close()
	files.fallback(1, stdout.file)
	files.fallback(2, stderr.file)
	status, err := c.start(s, args, files)
	if err != nil {
		return result{}, err
	}
	r := result{status: status}
	r.fds = s.normalise(files.collect())
	r.stdout = s.normalise(contents(stdout.file))
	r.stderr = s.normalise(contents(stderr.file))
	return r, nil
}

func (c *testCase) start(s *side, args []string, files *fileTable) (string, error) {
	program, err := c.nameProgram(s)
	if err != nil {
		return "", err
	}
	argv := append([]string{program}, args...)
	if !c.unforced {
		argv = s.forced(argv)
	}
	if c.wrap != "" {
		argv = append([]string{"/bin/sh", "-c", s.expand(c.wrap) + "\n" + `exec "$@"`, "sh"}, argv...)
	}
	env := make([]string, len(c.env))
	for i, word := range c.env {
		env[i] = s.expand(word)
	}
	sys := s.attr()
	if c.host == "" {
		argv = s.disguise(argv, sys)
	} else {
		sys.Credential = nil
		argv = append([]string{"/usr/bin/unshare", "-m", "sh", "-ec", s.expand(c.host) + "\n" + `exec "$@"`, "sh"}, s.fromRoot(argv)...)
	}
	process, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Dir: s.expand(c.cwd), Env: env, Files: files.list, Sys: sys,
	})
	if err != nil {
		return "", err
	}
	files.started()
	return wait(process)
}

// nameProgram gives the program another name, when the case asks for one.
func (c *testCase) nameProgram(s *side) (string, error) {
	if c.argv0 == "" {
		return s.program, nil
	}
	dir, err := os.MkdirTemp(base, "name-")
	if err != nil {
		return "", err
	}
	link := filepath.Join(dir, c.argv0)
	return link, errors.Join(os.Chmod(dir, 0o755), os.Symlink(s.program, link))
}

// wait returns how a process ended; one that does not end is killed with its
// whole session's process group.
func wait(process *os.Process) (string, error) {
	late := time.AfterFunc(harness.Patience, func() { _ = syscall.Kill(-process.Pid, syscall.SIGKILL) })
	state, err := process.Wait()
	if err != nil {
		return "", err
	}
	if !late.Stop() {
		return "", fmt.Errorf("still running after %s", harness.Patience)
	}
	return testcmd.Status(state), nil
}

func contents(f *os.File) string {
	data, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// fileTable is the launcher's file descriptors, by number.
type fileTable struct {
	list  []*os.File
	fixed []bool
	all   []opened
	outs  map[int]func() string
}

func (c *testCase) openAll(s *side) (*fileTable, error) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	t := &fileTable{outs: map[int]func() string{}, all: []opened{{file: null}}}
	t.put(0, null)
	t.put(2, nil)
	t.fixed[1], t.fixed[2] = false, false
	for _, spec := range c.fds {
		o, err := spec.open(s)
		if err != nil {
			t.release()
			return nil, fmt.Errorf("fd %d: %w", spec.number, err)
		}
		t.all = append(t.all, o)
		t.put(spec.number, o.file)
		if o.collect != nil {
			t.outs[spec.number] = o.collect
		}
	}
	return t, nil
}

func (t *fileTable) put(n int, f *os.File) {
	for len(t.list) <= n {
		t.list = append(t.list, nil)
		t.fixed = append(t.fixed, false)
	}
	t.list[n], t.fixed[n] = f, true
}

func (t *fileTable) fallback(n int, f *os.File) {
	if !t.fixed[n] {
		t.put(n, f)
	}
}

// started closes our copies, so that the other ends see what the launcher does.
func (t *fileTable) started() {
	for _, o := range t.all {
		if o.file != nil {
			_ = o.file.Close()
		}
	}
}

func (t *fileTable) release() {
	t.started()
	for _, o := range t.all {
		if o.keep != nil {
			_ = o.keep.Close()
		}
	}
}

func (t *fileTable) collect() string {
	var text strings.Builder
	for n := range t.list {
		if collect := t.outs[n]; collect != nil {
			fmt.Fprintf(&text, "fd %d: %q\n", n, collect())
		}
	}
	return text.String()
}

// What differs from run to run and means nothing.
var noise = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(-namespace|child-pid)(\\?"): \d+`), "$1$2: N"},
	{regexp.MustCompile(`/\S*//deleted`), "(deleted)"},
	// Whether the root is all of a tmpfs or a directory in one is nobody's business.
	{regexp.MustCompile(`(?m)^(mount /: tmpfs) /newroot `), "$1 / "},
	{regexp.MustCompile(`(?m)^(mount /: tmpfs .*),mode=755`), "$1"},
	{regexp.MustCompile(`usage: \S+`), "usage: PROGRAM"},
	// By which names the layers of an overlay were given is the launcher's affair.
	{regexp.MustCompile(`(lowerdir|upperdir|workdir)=[^,\s]+`), "$1=DIR"},
}

func (s *side) normalise(text string) string {
	text = strings.ReplaceAll(text, s.scratch, "$W")
	text = strings.ReplaceAll(text, victim, "$V")
	// A table of mounts has paths from the root of the file system, and base lies in one of
	// its own.
	text = strings.ReplaceAll(text, strings.TrimPrefix(s.scratch, filepath.Dir(base)), "$W")
	for _, n := range noise {
		text = n.pattern.ReplaceAllString(text, n.with)
	}
	return text
}

// snapshot describes the scratch directory as the host sees it.
func (s *side) snapshot() (string, error) {
	var text strings.Builder
	err := filepath.WalkDir(s.scratch, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&text, "%s %s %d:%d%s\n", s.normalise(path), info.Mode(), st.Uid, st.Gid, s.describe(path, info))
		return nil
	})
	return text.String(), err
}

func (s *side) describe(path string, info fs.FileInfo) string {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return fmt.Sprint(" -> ", s.normalise(target), err)
	case info.Mode().IsRegular():
		data, err := os.ReadFile(path)
		if len(data) < 80 {
			return fmt.Sprintf(" %q %v", s.normalise(string(data)), err)
		}
		return fmt.Sprintf(" %d bytes %x %v", len(data), sha256.Sum256(data), err)
	}
	return ""
}

func sortLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	sort.Strings(lines)
	return strings.Join(lines, "")
}
