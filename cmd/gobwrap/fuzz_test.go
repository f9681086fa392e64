package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/internal/setting"
	"github.com/gobwrap/gobwrap/sandbox"
	"golang.org/x/sys/unix"
)

// Descriptors of the fuzz target, far from those of the test's own machinery. Every
// number in an input is turned into one of them, so that no other is ever read.
const (
	fuzzArgs   = 900 // holds the second input
	fuzzFilter = 901 // holds the same, at its beginning again
	fuzzEmpty  = 902 // /dev/null
)

func fuzzNumber(word string) string {
	if word == "" || strings.Trim(word, "0123456789") != "" {
		return word
	}
	switch word[len(word)-1] - '0' {
	case 0, 5:
		return strconv.Itoa(fuzzArgs)
	case 1, 6:
		return strconv.Itoa(fuzzFilter)
	case 2, 7:
		return strconv.Itoa(fuzzEmpty)
	case 3, 8:
		return closedFD
	default:
		return word + "0000000000" // as a descriptor: too large
	}
}

func fuzzWords(text string) string {
	list := strings.Split(text, "\x00")
	for i := range list {
		list[i] = fuzzNumber(list[i])
	}
	return strings.Join(list, "\x00")
}

// put makes number n read text from its beginning.
func put(t *testing.T, n int, text string) {
	t.Helper()
	fd, err := unix.MemfdCreate("input", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte(text)); err != nil && text != "" {
		t.Fatal(err)
	}
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup2(fd, n); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(fd); err != nil {
		t.Fatal(err)
	}
}

// FuzzParse: no command line makes the parser or the compiler panic, and what they
// make is a plan that the acting side takes.
func FuzzParse(f *testing.F) {
	null, err := os.Open("/dev/null")
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	f.Add("--ro-bind\x00/\x00/\x00--\x00true", "", uint8(0))
	f.Add("--unshare-all\x00--args\x000\x00--dev\x00/dev\x00--proc\x00/proc\x00sh", "--perms\x000700\x00--tmpfs\x00/tmp\x00--size\x005", uint8(1))
	f.Add("--seccomp\x001\x00--info-fd\x002\x00--overlay-src\x00/a\x00--overlay-src\x00/b\x00--ro-overlay\x00/c\x00x", twoInstructions, uint8(2))
	f.Add("--json-status-fd\x002\x00--setup-exit-status\x0042\x00--unshare-pid\x00--proc\x00/p\x00--fallback-proc=bind\x00--explain\x00x", "", uint8(3))
	f.Fuzz(func(t *testing.T, argv, file string, host uint8) {
		file = fuzzWords(file)
		put(t, fuzzArgs, file)
		put(t, fuzzFilter, file)
		if err := unix.Dup2(int(null.Fd()), fuzzEmpty); err != nil {
			t.Fatal(err)
		}
		_, opts, err := parse(strings.Split("gobwrap\x00"+fuzzWords(argv), "\x00"))
		if opts == nil {
			t.Fatal("no options, not even the prefix for messages")
		}
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		h := front.Facts{
			UID: uint32(host&1) * 1000, Caps: uint64(host&2) << 20, Cwd: "/home", Tty: host&4 != 0,
			Env: []string{"PATH=/bin:", "PWD=/home", "HOME=/root"}, UserNamespaces: host&8 != 0, SELinux: host&16 != 0,
		}
		p, err := compiled(opts, h)
		if err != nil {
			return
		}
		if v := p.Verify(); v != plan.Good {
			t.Fatalf("the plan is refused with %d:\n%s", v, p.Dump(setting.Listed))
		}
		if p.Dump(setting.Listed) == "" {
			t.Fatal("an empty listing")
		}
		if len((&sandbox.Cmd{Spec: opts.spec}).Describe()) < 3 {
			t.Fatal("nothing is said about it")
		}
	})
}
