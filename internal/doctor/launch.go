package doctor

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// outcome is what came of a launch.
type outcome struct {
	works   bool
	stage   string
	errno   syscall.Errno
	message string
	killed  bool // set-up was killed
}

// killedMessage is what sandbox.ErrKilled says.
const killedMessage = "killed before the command ran"

// patience is how long a launch may take, in milliseconds: a stuck file system must not
// keep the answers back.
const patience = 10_000

// launchSelf starts this binary, with itself as the command inside. It is for the launcher
// alone: an embedding program started like this would run its main function again.
func (f *Facts) launchSelf(mode string, options []string) outcome {
	if f.noProc() {
		return outcome{stage: "launch", errno: syscall.ENODEV, message: "Can't open /proc: there is no proc on it"}
	}
	args := append([]string{"gobwrap", "--mode", mode, "--json-status-fd", "3", "--ro-bind", f.self(), "/gobwrap"}, options...)
	documents, text, err := output(append(args, "--", "/gobwrap", "--version"))
	if err != nil {
		return outcome{stage: "launch", message: err.Error()}
	}
	return read(documents, text)
}

// self is a path of this binary that a sandbox can bind. In a chroot the link /proc/self/exe
// leads to a mount of another namespace, which cannot be bound.
func (f *Facts) self() string {
	const link = "/proc/self/exe"
	if files, ok := f.Files.(sameFile); ok && f.Binary.Path != "" {
		if same, known := files.SameFile(link, f.Binary.Path); known && same {
			return f.Binary.Path
		}
	}
	return link
}

// read takes what a launch has said: documents of --json-status-fd, which we write
// ourselves and one a line (sandbox.Report). A quote inside a string of theirs has a
// backslash in front, so that a name in quotes is a name. Where the launcher could not
// even start, there are only lines for people.
func read(documents, text string) outcome {
	for line := range strings.Lines(documents) {
		switch {
		case strings.HasPrefix(line, `{ "setup-complete": true`):
			return outcome{works: true}
		case strings.HasPrefix(line, `{ "error": `):
			n, _ := strconv.Atoi(field(line, "errno"))
			o := outcome{stage: field(line, "stage"), errno: syscall.Errno(n), message: field(line, "message")}
			o.killed = o.stage == "launch" && o.message == killedMessage
			return o
		}
	}
	said := "the launch said nothing"
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "gobwrap: hint: ") {
			said = line
		}
	}
	return outcome{stage: "launch", message: said}
}

// field is the value of a string or a number.
func field(document, name string) string {
	_, rest, ok := strings.Cut(document, `"`+name+`": `)
	if !ok {
		return ""
	}
	if rest[0] != '"' {
		return rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	}
	for end := 1; end < len(rest); end++ {
		switch rest[end] {
		case '\\':
			end++
		case '"':
			value, err := strconv.Unquote(rest[:end+1])
			if err != nil {
				value = rest[1:end]
			}
			return value
		}
	}
	return ""
}

// output runs this binary to its end and returns what it said to programs and to people.
// Descriptor 4 holds a seccomp filter that allows everything.
func output(args []string) (documents, text string, err error) {
	var pipes [3]ends // the filter, documents, text
	for i := range pipes {
		if pipes[i], err = pipe(); err != nil {
			return "", "", err
		}
		defer pipes[i].close()
	}
	allow := []byte{unix.BPF_RET | unix.BPF_K, 0, 0, 0, 0, 0, 0xff, 0x7f} // SECCOMP_RET_ALLOW, little-endian
	if _, err := syscall.Write(pipes[0].w, allow); err != nil {
		return "", "", err
	}
	pipes[0].closeWrite()
	filter, status, said := uintptr(pipes[0].r), uintptr(pipes[1].w), uintptr(pipes[2].w)
	pid, err := syscall.ForkExec("/proc/self/exe", args, &syscall.ProcAttr{
		Env:   []string{"PATH=/usr/bin:/bin"},
		Files: []uintptr{filter, said, said, status, filter},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	pipes[1].closeWrite()
	pipes[2].closeWrite()
	if err != nil {
		return "", "", err
	}
	documents, ended := drain(pipes[1].r)
	if ended {
		text, ended = drain(pipes[2].r)
	}
	if !ended {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		text = "it has not ended after " + strconv.Itoa(patience/1000) + " s"
	}
	for {
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != syscall.EINTR {
			return documents, text, nil
		}
	}
}

// drain reads to the end, as long as that comes in time.
func drain(fd int) (text string, ended bool) {
	buf := make([]byte, 4096)
	for {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, patience)
		if err == unix.EINTR {
			continue
		}
		if n == 0 || err != nil {
			return text, false
		}
		n, err = syscall.Read(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return text, true
		}
		text += string(buf[:n])
	}
}

// ends are the two ends of a pipe; -1: closed.
type ends struct{ r, w int }

func pipe() (ends, error) {
	var fds [2]int
	err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC)
	return ends{fds[0], fds[1]}, err
}

func (e *ends) closeWrite() {
	if e.w >= 0 {
		_ = syscall.Close(e.w)
		e.w = -1
	}
}

func (e *ends) close() {
	e.closeWrite()
	_ = syscall.Close(e.r)
}
