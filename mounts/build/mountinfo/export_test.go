package mountinfo

import (
	"strings"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
	"golang.org/x/sys/unix"
)

// Hooks for the tests, which lie in another package. There is one buffer, so only one test may use
// it at a time.

// Longest is the longest line that is read.
const Longest = longest

// HookLine is what a line of mountinfo says.
type HookLine struct {
	ID, Parent, Flags uintptr
	Point             string
}

// ReadAll reads mountinfo from fd to its end.
func ReadAll(fd int) (lines []HookLine, e unix.Errno) {
	m := Reader{FD: uintptr(fd)}
	var line Line
	for {
		more, e := m.Next(&line)
		if e != 0 || !more {
			return lines, e
		}
		p := line.Point()
		lines = append(lines, HookLine{line.ID, line.Parent, line.Flags, strings.Clone(unsafe.String((*byte)(p), raw.Strlen(p)))})
	}
}

// Rest is what lies on either side of the text: the parser must not touch that.
func Rest() string {
	whole := unsafe.Slice((*byte)(unsafe.Pointer(&buffers)), unsafe.Sizeof(buffers))
	at := unsafe.Offsetof(buffers.text)
	return string(whole[:at]) + string(whole[at+uintptr(len(buffers.text)):])
}
