// Package procfs reads the small files in which the kernel and the system say how things
// are, in /proc, /sys and /etc, and takes apart those forms that more than one package
// needs.
package procfs

import (
	"strconv"
	"strings"
	"syscall"
)

// MaxSize bounds what is read of a file, in bytes. No file that is read here comes near it;
// another one in its place must not use up the memory.
const MaxSize = 16 << 20

// Read reads a whole file, or its first MaxSize bytes. The error is an errno.
func Read(path string) (string, error) {
	fd, err := open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = syscall.Close(fd) }()
	var text []byte
	buf := make([]byte, 4096)
	for len(text) < MaxSize {
		n, err := syscall.Read(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return "", err
		}
		if n == 0 {
			break
		}
		text = append(text, buf[:n]...)
	}
	return string(text), nil
}

func open(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// Text returns what Read reads, "" for a file that cannot be read.
func Text(path string) string {
	text, _ := Read(path)
	return text
}

// Word returns a file that holds one word, without the end of the line; "" for one that cannot
// be read.
func Word(path string) string { return strings.TrimSpace(Text(path)) }

// Field returns the value of a field of a text like /proc/PID/status, or "".
func Field(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Mounts calls visit for each mount of a text like /proc/self/mountinfo
// (proc_pid_mountinfo(5)), with its mount point and its options.
func Mounts(text string, visit func(point, options string)) {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 5 {
			visit(unescape(fields[4]), fields[5])
		}
	}
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
