package resolve_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"golang.org/x/sys/unix"
)

// tree is a directory with a new root in it, and things beside the new root that
// nothing may reach.
type tree struct {
	t    *testing.T
	base string // …/base, with newroot, secret
	root int    // newroot, opened
	fd   int    // base, opened
}

func newTree(t *testing.T) *tree {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tr := &tree{t: t, base: base}
	for _, dir := range []string{"newroot/a/b/c", "newroot/etc", "secret/dir"} {
		tr.must(os.MkdirAll(filepath.Join(base, dir), 0o755))
	}
	for _, file := range []string{"newroot/file", "newroot/a/file", "secret/file"} {
		tr.must(os.WriteFile(filepath.Join(base, file), []byte("old"), 0o644))
	}
	for name, target := range map[string]string{
		"abs": "/a/b", "rel": "a/b", "up": "../../../../../../etc", "out": "../secret", "host": base + "/secret",
		"loop1": "loop2", "loop2": "loop1", "self": "self", "selfdir": "selfdir/x", "dangling": "nowhere", "deepdangling": "/no/where",
		"tofile": "file", "slash": "a/", "dots": "./a/./b/..", "root": "/", "dot": ".", "dotdot": "..", "a/back": "../a/back2", "a/back2": "b",
		"linklink": "abs", "a/abs": "/etc", "newfile": "a/made", "outfile": "../../secret/made", "fileslash": "file/",
	} {
		tr.must(os.Symlink(target, filepath.Join(base, "newroot", name)))
	}
	for i := range 41 {
		target := "chain" + strconv.Itoa(i+1)
		if i == 40 {
			target = "a"
		}
		tr.must(os.Symlink(target, filepath.Join(base, "newroot", "chain"+strconv.Itoa(i))))
	}
	tr.root = tr.open(filepath.Join(base, "newroot"))
	tr.fd = tr.open(base)
	return tr
}

func (tr *tree) must(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) open(path string) int {
	tr.t.Helper()
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	tr.must(err)
	tr.t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// where is what fd stands for, seen from the new root; fd is closed.
func (tr *tree) where(fd int) string {
	tr.t.Helper()
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	tr.must(err)
	tr.must(unix.Close(fd))
	rest, inside := strings.CutPrefix(path, tr.base+"/newroot")
	if !inside || rest != "" && rest[0] != '/' {
		return "OUTSIDE " + path
	}
	if rest == "" {
		return "/"
	}
	return rest
}

// fds counts this process's descriptors.
func fds(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

var long255, long256 = strings.Repeat("l", 255), strings.Repeat("l", 256)

// TestWalkFinds: where existing paths lead, by the careful way and by the kernel's.
func TestWalkFinds(t *testing.T) {
	tr := newTree(t)
	tr.must(os.Mkdir(filepath.Join(tr.base, "newroot", long255), 0o755))
	before := fds(t)
	for _, c := range []struct {
		path, want string // the place, or an errno's name
	}{
		{"/", "/"},
		{"", "/"},
		{"//", "/"},
		{".", "/"},
		{"/.", "/"},
		{"..", "/"},
		{"/../..", "/"},
		{"/../a", "/a"},
		{"/a", "/a"},
		{"a/b/c", "/a/b/c"},
		{"//a//b///c//", "/a/b/c"},
		{"/a/./b/.", "/a/b"},
		{"/a/b/../b/c/..", "/a/b"},
		{"/a/../../../a", "/a"},
		{"/file", "/file"},
		{"/a/file", "/a/file"},
		{"/tofile", "/file"},
		{"/abs", "/a/b"},
		{"/abs/c", "/a/b/c"},
		{"/rel/c", "/a/b/c"},
		{"/abs/..", "/a"},
		{"/linklink/c", "/a/b/c"},
		{"/abs/../..", "/"},
		{"/up", "/etc"},
		{"/root", "/"},
		{"/root/a", "/a"},
		{"/dot/a", "/a"},
		{"/dotdot/a", "/a"},
		{"/dotdot/dotdot/..", "/"},
		{"/slash/b", "/a/b"},
		{"/dots", "/a"},
		{"/a/back", "/a/b"},
		{"/a/back/c", "/a/b/c"},
		{"/a/abs", "/etc"},
		{"/root/root/root/root/a", "/a"},
		{"/out", "ENOENT"},
		{"/host", "ENOENT"},
		{"/out/file", "ENOENT"},
		{"/host/file", "ENOENT"},
		{"/../secret", "ENOENT"},
		{"/a/../../secret/file", "ENOENT"},
		{"/loop1", "ELOOP"},
		{"/loop1/x", "ELOOP"},
		{"/self", "ELOOP"},
		{"/selfdir", "ELOOP"},
		{"/dangling", "ENOENT"},
		{"/dangling/x", "ENOENT"},
		{"/file/x", "ENOTDIR"},
		{"/file/.", "ENOTDIR"},
		{"/file/..", "ENOTDIR"},
		{"/tofile/x", "ENOTDIR"},
		{"/nowhere/..", "ENOENT"},
		{"/chain1", "/a"},
		{"/chain0", "ELOOP"},
		{"/chain1/b", "/a/b"},
		{"/" + long255, "/" + long255},
		{"/" + long256, "ENAMETOOLONG"},
		{"/a/" + long256 + "/x", "ENAMETOOLONG"},
		{"/a" + strings.Repeat("/.", 2000) + "/b", "/a/b"},
		{strings.Repeat("/..", 1300) + "/a", "/a"},
		{strings.Repeat("/a/..", 800) + "/file", "/file"},
	} {
		fd, e, _ := resolve.HookWalk(tr.root, c.path, resolve.FindOnly, 0, 0)
		got := unix.ErrnoName(e)
		if e == 0 {
			got = tr.where(fd)
		}
		if got != c.want {
			t.Errorf("%.60q: %s, want %s", c.path, got, c.want)
		}
		fd, e, _ = resolve.HookInRoot(tr.root, c.path)
		kernel := unix.ErrnoName(e)
		if e == 0 {
			kernel = tr.where(fd)
		}
		// The kernel may count links twice, when it starts over (out of RCU mode), and gives
		// up when mounts or names change meanwhile, anywhere.
		if kernel != "EAGAIN" && kernel != c.want && c.path != "" && !strings.HasPrefix(c.path, "/chain") {
			t.Errorf("%.60q: the kernel says %s, this test %s", c.path, kernel, c.want)
		}
		if after := fds(t); after != before {
			t.Fatalf("%.60q: %d descriptors, %d before", c.path, after, before)
		}
	}
	// The one thing that is kinder than the kernel: a slash at the end changes nothing.
	for path, want := range map[string]string{"/file/": "/file", "/tofile/": "/file", "/fileslash": "/file", "/abs/": "/a/b"} {
		fd, e, _ := resolve.HookWalk(tr.root, path, resolve.FindOnly, 0, 0)
		if e != 0 || tr.where(fd) != want {
			t.Errorf("%s: errno %d", path, e)
		}
	}
	if _, e, _ := resolve.HookWalk(tr.root, strings.Repeat("/", resolve.MaxPath), resolve.FindOnly, 0, 0); e != unix.ENAMETOOLONG {
		t.Errorf("a path that fills the buffer: errno %d", e)
	}
}

// TestWalkLikeKernel: on random paths the careful way and openat2 agree.
func TestWalkLikeKernel(t *testing.T) {
	tr := newTree(t)
	parts := []string{
		"a", "b", "c", "etc", "file", "..", "..", ".", "", "abs", "rel", "up", "out", "host", "loop1", "self", "selfdir", "dangling", "tofile",
		"slash", "dots", "root", "dot", "dotdot", "back", "linklink", "nowhere", "chain38", long255, long256,
	}
	random := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 20000 {
		var path strings.Builder
		for range 1 + random.IntN(8) {
			path.WriteString("/" + parts[random.IntN(len(parts))])
		}
		p := path.String()
		a, e1, _ := resolve.HookWalk(tr.root, p, resolve.FindOnly, 0, 0)
		b, e2, _ := resolve.HookInRoot(tr.root, p)
		if e1 == 0 && e2 == unix.ENOTDIR && strings.HasSuffix(p, "/") {
			tr.where(a) // the slash at the end
			continue
		}
		if e1 != e2 && !strings.Contains(p, "chain") { // see above
			t.Fatalf("%q: errno %s, the kernel says %s", p, unix.ErrnoName(e1), unix.ErrnoName(e2))
		}
		if e1 != 0 || e2 != 0 {
			continue
		}
		found++
		if x, y := tr.where(a), tr.where(b); x != y {
			t.Fatalf("%q: %s, the kernel says %s", p, x, y)
		}
	}
	if found < 2000 {
		t.Errorf("only %d of the random paths exist", found)
	}
}

// outside lists all that lies beside the new root, with contents.
func (tr *tree) outside() string {
	tr.t.Helper()
	var out strings.Builder
	for _, dir := range []string{".", "secret", "secret/dir"} {
		list, err := os.ReadDir(filepath.Join(tr.base, dir))
		tr.must(err)
		for _, entry := range list {
			out.WriteString(dir + "/" + entry.Name() + "\n")
		}
	}
	text, err := os.ReadFile(filepath.Join(tr.base, "secret/file"))
	tr.must(err)
	return out.String() + string(text)
}

// TestDestMakes: what is made, where, with which mode and by whom it is reported; by
// both engines.
func TestDestMakes(t *testing.T) {
	const parents = "d710 "
	for _, c := range []struct {
		path string
		want int
		is   string // the place and the modes of what was made; or the errno and the part
	}{
		{"/a/b", resolve.MakeDir, "/a/b"},
		{"/n", resolve.MakeDir, "/n d701"},
		{"/n/m/o", resolve.MakeDir, "/n/m/o " + parents + parents + "d701"},
		{"/n/m/../o", resolve.MakeDir, "/n/o d701"},
		{"/n/f", resolve.MakeFile, "/n/f d710 -701"},
		{"/n/f", resolve.OpenFile, "/n/f d710 -701"},
		{"/a/file", resolve.MakeFile, "/a/file"},
		{"/a/file", resolve.OpenFile, "/a/file"},
		{"/newfile", resolve.MakeFile, "/a/made"},
		{"/newfile", resolve.OpenFile, "/a/made"},
		{"/dangling", resolve.MakeDir, "/nowhere d701"},
		{"/deepdangling", resolve.MakeFile, "/no/where"},
		{"/dangling/x", resolve.MakeDir, "/nowhere/x d710 d701"},
		{"/out/x", resolve.MakeDir, "/secret/x d710 d701"},
		{"/outfile", resolve.MakeFile, "/secret/made"},
		{"/outfile", resolve.OpenFile, "/secret/made"},
		{"/host/x", resolve.OpenFile, "BASE/secret/x"},
		{"/../../x", resolve.MakeDir, "/x d701"},
		{"/abs/../../x", resolve.MakeFile, "/x -701"},
		{"/n/", resolve.MakeDir, "/n d701"},
		{"/n/", resolve.MakeFile, "/n -701"},
		{"/n/.", resolve.MakeDir, "/n d710"},
		{"/", resolve.MakeDir, "/"},
		{"/", resolve.OpenFile, "EISDIR makefile"},
		{"/a/..", resolve.OpenFile, "EISDIR makefile"},
		{"/a", resolve.OpenFile, "EISDIR makefile"},
		{"/file/x", resolve.MakeDir, "ENOTDIR parents"},
		{"/loop1", resolve.MakeDir, "ELOOP parents"},
		{"/loop1/x", resolve.MakeFile, "ELOOP parents"},
		{"/self", resolve.OpenFile, "ELOOP parents"},
		{"/" + long256, resolve.MakeDir, "ENAMETOOLONG parents"},
		{"/n/" + long255, resolve.MakeDir, "/n/" + long255 + " d710 d701"},
		{"/nothing", resolve.FindOnly, "ENOENT main"},
		{"/file", resolve.FindOnly, "/file"},
	} {
		for _, modern := range []bool{false, true} {
			tr := newTree(t)
			outside, before := tr.outside(), fds(t)
			fd, e, part := resolve.HookDest(tr.fd, modern, c.path, c.want, 0o701, 0o710)
			got := ""
			if e != 0 {
				got = unix.ErrnoName(e) + " " + map[plan.Sub]string{
					plan.SubMain: "main", plan.SubParents: "parents", plan.SubMakeDir: "makedir", plan.SubMakeFile: "makefile",
				}[part]
			} else {
				got = tr.where(fd)
				got = strings.Replace(got, tr.base, "BASE", 1)
			}
			want, modes, _ := strings.Cut(c.is, " ")
			if e != 0 {
				want, modes = c.is, ""
			}
			if got != want {
				t.Errorf("%.40q, want %d, modern %v: %q, want %q", c.path, c.want, modern, got, want)
			} else if modes != "" {
				tr.checkModes(c.path, got, modes)
			}
			if now := tr.outside(); now != outside {
				t.Errorf("%q changed what lies outside:\n%s", c.path, now)
			}
			if after := fds(t); after != before {
				t.Errorf("%q: %d descriptors, %d before", c.path, after, before)
			}
		}
	}
}

// checkModes compares the modes of the last components of a path.
func (tr *tree) checkModes(what, path, modes string) {
	tr.t.Helper()
	list := strings.Fields(modes)
	for _, want := range slices.Backward(list) {
		info, err := os.Lstat(filepath.Join(tr.base, "newroot", path))
		tr.must(err)
		kind := "-"
		if info.IsDir() {
			kind = "d"
		}
		if got := kind + strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != want {
			tr.t.Errorf("%q: %s is %s, want %s", what, path, got, want)
		}
		path = filepath.Dir(path)
	}
}

// TestWalkAbove: the parent is opened, its parents are made, the name is left, and the
// name itself is not looked at.
func TestWalkAbove(t *testing.T) {
	tr := newTree(t)
	for _, c := range []struct{ path, dir, name string }{
		{"/x", "/", "x"},
		{"/a/x", "/a", "x"},
		{"/a/loop1", "/a", "loop1"},
		{"/loop1", "/", "loop1"},
		{"/abs", "/", "abs"},
		{"/abs/x", "/a/b", "x"},
		{"/n/m/x", "/n/m", "x"},
		{"/a/x/", "/a", "x"},
		{"/out/x", "/secret", "x"},
		{"/", "/", ""},
		{"/a/..", "/", ""},
		{"/a/.", "/a", ""},
		{"/a/" + long255, "/a", long255},
	} {
		fd, e, _ := resolve.HookWalk(tr.root, c.path, resolve.StayAbove, 0, 0o755)
		if e != 0 {
			t.Errorf("%.40q: errno %d", c.path, e)
			continue
		}
		if name, dir := resolve.HookLast(), tr.where(fd); dir != c.dir || name != c.name {
			t.Errorf("%.40q: %q in %s, want %q in %s", c.path, name, dir, c.name, c.dir)
		}
	}
}

// TestWalkMagicLinks: the links of /proc that lead anywhere are refused; the plain
// ones are not.
func TestWalkMagicLinks(t *testing.T) {
	base := t.TempDir()
	tr := &tree{t: t, base: base}
	tr.must(os.Symlink("/", filepath.Join(base, "newroot")))
	baseFD := tr.open(base)
	null, err := os.Open("/dev/null")
	tr.must(err)
	defer func() { _ = null.Close() }()
	fdLink := "/proc/self/fd/" + strconv.Itoa(int(null.Fd()))
	for _, path := range []string{
		"/proc/self/root", "/proc/self/root/etc", "/proc/self/cwd", "/proc/self/cwd/x", "/proc/self/exe", "/proc/self/ns/mnt", fdLink,
		"/proc/1/../self/root", "/proc/thread-self/root",
	} {
		for _, want := range []int{resolve.FindOnly, resolve.MakeDir, resolve.MakeFile, resolve.OpenFile} {
			if strings.HasSuffix(path, "/x") && want == resolve.FindOnly {
				continue
			}
			for _, modern := range []bool{false, true} {
				_, e, part := resolve.HookDest(baseFD, modern, path, want, 0o755, 0o755)
				if e != unix.ELOOP || part != plan.SubMagicLink {
					t.Errorf("%s, want %d, modern %v: errno %s, part %d", path, want, modern, unix.ErrnoName(e), part)
				}
			}
		}
	}
	for _, path := range []string{"/proc/self/status", "/proc/mounts", "/proc/net/dev", "/proc/thread-self/stat"} {
		fd, e, _ := resolve.HookDest(baseFD, false, path, resolve.FindOnly, 0, 0)
		if e != 0 {
			t.Errorf("%s: errno %s", path, unix.ErrnoName(e))
			continue
		}
		tr.must(unix.Close(fd))
	}
}

// TestWalkRace: directories are moved out of the new root while a path with ".." is walked.
// What is found, or made, lies in the new root.
func TestWalkRace(t *testing.T) {
	tr := newTree(t)
	inside, outside := filepath.Join(tr.base, "newroot/x/y"), filepath.Join(tr.base, "secret/dir/y")
	tr.must(os.MkdirAll(inside+"/z", 0o755))
	for _, place := range []string{"newroot/marker", "newroot/x/marker", "secret/marker", "secret/dir/marker", "marker"} {
		tr.must(os.Mkdir(filepath.Join(tr.base, place), 0o755))
	}
	var stop atomic.Bool
	done := make(chan int)
	go func() {
		moves := 0
		for !stop.Load() {
			if os.Rename(inside, outside) == nil && os.Rename(outside, inside) == nil {
				moves++
			}
		}
		done <- moves
	}()
	found, lost := 0, 0
	for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); {
		for _, path := range []string{"/x/y/z/../../../marker", "/x/y/../marker", "/x/y/z/../../../../marker"} {
			fd, e, _ := resolve.HookWalk(tr.root, path, resolve.FindOnly, 0, 0)
			if e != 0 {
				lost++
				continue
			}
			found++
			if got := tr.where(fd); got != "/marker" && got != "/x/marker" {
				t.Fatalf("%s led to %s", path, got)
			}
		}
	}
	stop.Store(true)
	moves := <-done
	if found == 0 || moves < 10 {
		t.Errorf("%d paths found, %d lost, %d moves: no race", found, lost, moves)
	}
}
