package resolve_test

import (
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/mounts/build/resolve"
	"golang.org/x/sys/unix"
)

// TestWalkDeep: a path may have more directories than a walk keeps open, also where the
// limit on descriptors is low. It climbs as far back as they are open.
func TestWalkDeep(t *testing.T) {
	tr := newTree(t)
	before := fds(t)
	up := func(n int) string { return strings.Repeat("/..", n) }
	check := func(path string, want unix.Errno, place string) {
		t.Helper()
		fd, e, _ := resolve.HookWalk(tr.root, path, resolve.MakeDir, 0o755, 0o755)
		if e != want {
			t.Errorf("%d bytes, ending in %s: errno %d, want %d", len(path), path[len(path)-4:], e, want)
		}
		if e == 0 {
			if got := tr.where(fd); got != place {
				t.Errorf("%d bytes: %d bytes of %.40s", len(path), len(got), got)
			}
		}
	}
	for _, depth := range []int{resolve.MaxDepth, resolve.MaxDepth + 1, resolve.MaxDepth + 2, 2000} {
		path := strings.Repeat("/d", depth)
		check(path, 0, path)
		check(path+up(resolve.MaxDepth-1)+"/e", 0, strings.Repeat("/d", depth-resolve.MaxDepth+1)+"/e")
	}
	all := strings.Repeat("/d", resolve.MaxDepth)
	check(all+up(resolve.MaxDepth+1)+"/e", 0, "/e")
	check(all+"/d"+up(resolve.MaxDepth)+"/e", unix.ENAMETOOLONG, "")

	var limit unix.Rlimit
	tr.must(unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &limit))
	low := limit
	low.Cur = 40
	tr.must(unix.Prlimit(0, unix.RLIMIT_NOFILE, &low, nil))
	check(strings.Repeat("/l", 300), 0, strings.Repeat("/l", 300))
	check(strings.Repeat("/l", 300), 0, strings.Repeat("/l", 300))
	tr.must(unix.Prlimit(0, unix.RLIMIT_NOFILE, &limit, nil))
	if after := fds(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
