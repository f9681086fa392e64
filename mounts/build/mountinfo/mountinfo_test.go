package mountinfo_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/mounts/build/mountinfo"
	"golang.org/x/sys/unix"
)

// file returns a descriptor from which text can be read.
func file(t testing.TB, text string) int {
	t.Helper()
	fd, err := unix.MemfdCreate("mountinfo", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	for b := []byte(text); len(b) > 0; {
		n, err := unix.Write(fd, b)
		if err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		t.Fatal(err)
	}
	return fd
}

const plain = "36 35 98:0 /mnt1 /mnt/parent rw,noatime shared:1 - ext3 /dev/root rw,errors=continue\n"

func TestMountLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want mountinfo.HookLine
	}{
		{plain, mountinfo.HookLine{36, 35, 0, "/mnt/parent"}},
		{"1 2 0:1 / / ro - t s rw\n", mountinfo.HookLine{1, 2, unix.MS_RDONLY, "/"}},
		{"1 2 0:1 / / rw,nosuid,nodev,noexec,relatime - t s ro\n", mountinfo.HookLine{1, 2, unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "/"}},
		{"1 2 0:1 / / ro,nosymfollow,nodiratime - t s\n", mountinfo.HookLine{1, 2, unix.MS_RDONLY | unix.MS_NOSYMFOLLOW, "/"}},
		{"1 2 0:1 / / roo,nosuidx,xnodev,nod,noexe,r,,ro2 - t s\n", mountinfo.HookLine{1, 2, 0, "/"}},
		{"1 2 0:1 / / rw,ro\n", mountinfo.HookLine{1, 2, unix.MS_RDONLY, "/"}},
		{"4294967296 18446744073709551615 0:1 / / rw x\n", mountinfo.HookLine{1 << 32, 1<<64 - 1, 0, "/"}},
		{`1 2 0:1 /a\040b /c\040d\011e\012f\134g rw - t s` + "\n", mountinfo.HookLine{1, 2, 0, "/c d\te\nf\\g"}},
		{`1 2 0:1 / /\134040 rw - t s` + "\n", mountinfo.HookLine{1, 2, 0, `/\040`}},
		{`1 2 0:1 / /a\ rw - t s` + "\n", mountinfo.HookLine{1, 2, 0, `/a\`}},
		{`1 2 0:1 / /a\0 rw - t s` + "\n", mountinfo.HookLine{1, 2, 0, `/a\0`}},
		{`1 2 0:1 / /a\04 rw - t s` + "\n", mountinfo.HookLine{1, 2, 0, `/a\04`}},
		{`1 2 0:1 / /a\048\08\800 rw - t s` + "\n", mountinfo.HookLine{1, 2, 0, `/a\048\08\800`}},
		{`1 2 0:1 / /a\\040 rw - t s` + "\n", mountinfo.HookLine{1, 2, 0, `/a\ `}},
		{`1 2 0:1 / /ä\303\244 rw - t s` + "\n", mountinfo.HookLine{1, 2, 0, "/ää"}},
		{"1 2 0:1 / /#x\\043 rw - t s\n", mountinfo.HookLine{1, 2, 0, "/#x#"}},
	} {
		lines, e := mountinfo.ReadAll(file(t, c.line))
		if e != 0 || len(lines) != 1 || lines[0] != c.want {
			t.Errorf("%q: %+v, errno %d; want %+v", c.line, lines, e, c.want)
		}
	}
}

// TestMountLineBroken: what is not a line of mountinfo is an error, never a mount that is
// passed over.
func TestMountLineBroken(t *testing.T) {
	for _, line := range []string{
		"\n", " \n", "x\n", "36\n", "36 \n", "36 35\n", "36 35 \n", "36 35 98:0\n", "36 35 98:0 /\n", "36 35 98:0 / /\n",
		"a 35 98:0 / / rw\n", "36 b 98:0 / / rw\n", "-1 35 98:0 / / rw\n", "0x1 35 98:0 / / rw\n", " 36 35 98:0 / / rw\n",
		"36  35 98:0 / / rw\n", "\x0036 35 98:0 / / rw\n",
	} {
		if lines, e := mountinfo.ReadAll(file(t, plain+line+plain)); e != unix.EBADMSG || len(lines) != 1 {
			t.Errorf("%q: errno %d after %d lines", line, e, len(lines))
		}
	}
	if _, e := mountinfo.ReadAll(-1); e != unix.EBADF {
		t.Errorf("no file: errno %d", e)
	}
	// A file that ends inside of a line has lost mounts.
	for n := 1; n < len(plain); n++ {
		if lines, e := mountinfo.ReadAll(file(t, plain+plain[:n])); e != unix.EBADMSG {
			t.Errorf("cut after %q: errno %d, %d lines", plain[:n], e, len(lines))
			break
		}
	}
	if lines, e := mountinfo.ReadAll(file(t, "")); e != 0 || len(lines) != 0 {
		t.Errorf("an empty file: errno %d, %d lines", e, len(lines))
	}
}

// TestMountinfoLong: files longer than the buffer, lines across its border, lines that
// just fit and that do not.
func TestMountinfoLong(t *testing.T) {
	var text strings.Builder
	const n = 5000
	for i := range n {
		fmt.Fprintf(&text, "%d %d 0:1 / /m%s\\040%d rw,nodev - t s rw\n", i, i+1, strings.Repeat("x", i%200), i)
	}
	lines, e := mountinfo.ReadAll(file(t, text.String()))
	if e != 0 || len(lines) != n {
		t.Fatalf("%d lines of %d, errno %d", len(lines), n, e)
	}
	for i, l := range lines {
		want := mountinfo.HookLine{uintptr(i), uintptr(i + 1), unix.MS_NODEV, "/m" + strings.Repeat("x", i%200) + " " + strconv.Itoa(i)}
		if l != want {
			t.Fatalf("line %d is %+v, want %+v", i, l, want)
		}
	}
	for _, c := range []struct {
		length int
		ok     bool
	}{{mountinfo.Longest - 1, true}, {mountinfo.Longest, true}, {mountinfo.Longest + 1, false}, {3 * mountinfo.Longest, false}} {
		head, tail := "7 8 0:1 / /", " ro - t s\n"
		line := head + strings.Repeat("y", c.length-len(head)-len(tail)) + tail
		lines, e := mountinfo.ReadAll(file(t, plain+line+plain))
		if c.ok && (e != 0 || len(lines) != 3 || len(lines[1].Point) != c.length-len(head)-len(tail)+1) {
			t.Errorf("a line of %d bytes: errno %d, %d lines", c.length, e, len(lines))
		}
		if !c.ok && (e != unix.EBADMSG || len(lines) != 1) {
			t.Errorf("a line of %d bytes: errno %d, %d lines", c.length, e, len(lines))
		}
	}
}

// reference parses mountinfo the comfortable way. ok is false for what it would not
// take, without saying that the parser must refuse it.
func reference(text string) (out []mountinfo.HookLine, ok bool) {
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if !strings.HasSuffix(line, "\n") || len(f) < 6 || len(f) == 6 && f[5] == "" || strings.ContainsRune(line, 0) {
			return out, false
		}
		id, err1 := strconv.ParseUint(f[0], 10, 64)
		parent, err2 := strconv.ParseUint(f[1], 10, 64)
		if err1 != nil || err2 != nil {
			return out, false
		}
		var point strings.Builder
		for i := 0; i < len(f[4]); i++ {
			if f[4][i] == '\\' && i+3 < len(f[4]) {
				if n, err := strconv.ParseUint(f[4][i+1:i+4], 8, 16); err == nil {
					if n == 0 || n > 255 {
						return out, false
					}
					point.WriteByte(byte(n))
					i += 3
					continue
				}
			}
			point.WriteByte(f[4][i])
		}
		flags := uintptr(0)
		for option := range strings.SplitSeq(f[5], ",") {
			flags |= map[string]uintptr{
				"ro": unix.MS_RDONLY, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC, "nosymfollow": unix.MS_NOSYMFOLLOW,
			}[option]
		}
		out = append(out, mountinfo.HookLine{uintptr(id), uintptr(parent), flags, point.String()})
	}
	return out, true
}

// TestMountinfoReal reads this machine's own, and compares.
func TestMountinfoReal(t *testing.T) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, string(text))
}

func compare(t *testing.T, text string) {
	t.Helper()
	rest := mountinfo.Rest()
	got, e := mountinfo.ReadAll(file(t, text))
	if mountinfo.Rest() != rest {
		t.Fatal("the parser wrote outside of its buffer")
	}
	want, ok := reference(text)
	if !ok {
		return
	}
	if e == unix.EBADMSG {
		for line := range strings.Lines(text) {
			if len(line) > mountinfo.Longest {
				return
			}
		}
	}
	if e != 0 || len(got) != len(want) {
		t.Fatalf("errno %d, %d lines of %d", e, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("line %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

// FuzzMountinfo: the parser agrees with the comfortable one on what that one takes,
// and stays in its buffer on everything else.
func FuzzMountinfo(f *testing.F) {
	f.Add(plain)
	f.Add(plain + `1 2 0:1 /a\040b /c\040d\011e\012f\134g ro,nosuid,nodev,noexec,nosymfollow - t s` + "\n")
	f.Add("1 2 0:1 / /\\ rw\n")
	f.Add("1 2 0:1 / / \n\n")
	f.Fuzz(func(t *testing.T, text string) { compare(t, text) })
}

func TestMountID(t *testing.T) {
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(proc) }()
	for _, path := range []string{"/", "/proc", "/proc/self", "/dev/null"} {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "mnt_id:\t")
		want, _, _ := strings.Cut(rest, "\n")
		got, e := mountinfo.IDOf(uintptr(proc), uintptr(fd))
		if e != 0 || strconv.Itoa(int(got)) != want {
			t.Errorf("%s: mount id %d, errno %d, want %s", path, got, e, want)
		}
		_ = unix.Close(fd)
		if _, e := mountinfo.IDOf(uintptr(proc), uintptr(fd)); e != unix.ENOENT {
			t.Errorf("closed fd: errno %d", e)
		}
	}
}
