package helper

import (
	"errors"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stream is what comes out of a pipe.
type stream struct {
	fd    int
	limit int
	cut   bool // what is beyond the limit is dropped, and no error
	data  []byte
	ended bool
}

// drain reads all streams to their ends, which must come in time.
func (p Program) drain(streams []stream) error {
	end := time.Now().Add(p.Patience)
	for {
		left := time.Until(end)
		if left <= 0 {
			return errors.New(p.Path + " did not end within " + p.Patience.String())
		}
		ready, err := wait(streams, left)
		if err != nil {
			return failed("poll: ", err)
		}
		if ready == nil {
			return nil
		}
		for _, s := range ready {
			if err := s.read(); err != nil {
				return failed("reading from "+p.Path+": ", err)
			}
		}
	}
}

// wait returns the streams from which something can be read, or nil where all have
// ended. None are ready if the time is over, or a signal came.
func wait(streams []stream, left time.Duration) ([]*stream, error) {
	var open []*stream
	var fds []unix.PollFd
	for i := range streams {
		if s := &streams[i]; !s.ended {
			open = append(open, s)
			fds = append(fds, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
		}
	}
	if open == nil {
		return nil, nil
	}
	if _, err := unix.Poll(fds, int(left/time.Millisecond)+1); err != nil && !errors.Is(err, syscall.EINTR) {
		return nil, err
	}
	ready := open[:0]
	for i, s := range open {
		if fds[i].Revents != 0 {
			ready = append(ready, s)
		}
	}
	return ready, nil
}

// read takes what is there.
func (s *stream) read() error {
	var buf [4096]byte
	n, err := syscall.Read(s.fd, buf[:])
	switch {
	case errors.Is(err, syscall.EINTR):
		return nil
	case err != nil:
		return failed("", err)
	}
	s.ended = n == 0
	s.data = append(s.data, buf[:n]...)
	if len(s.data) <= s.limit {
		return nil
	}
	s.data = s.data[:s.limit]
	if s.cut {
		return nil
	}
	return errors.New("there are more than " + strconv.Itoa(s.limit) + " bytes")
}

// end waits for a child that has closed its streams: most have done so by ending. One that
// goes on, or whose time is over, is killed.
func end(pid int, inTime bool) (syscall.WaitStatus, error) {
	limit := time.Now().Add(grace)
	for inTime && time.Now().Before(limit) {
		status, done, err := reap(pid, syscall.WNOHANG)
		if done || err != nil {
			return status, err
		}
		time.Sleep(100 * time.Microsecond)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	status, _, err := reap(pid, 0)
	return status, err
}

func reap(pid, options int) (status syscall.WaitStatus, done bool, err error) {
	for {
		got, err := syscall.Wait4(pid, &status, options, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return 0, false, failed("waiting for a helper: ", err)
		}
		return status, got == pid, nil
	}
}

// pipes makes pipes, all or none.
func pipes(ends ...*[2]int) error {
	for i, p := range ends {
		if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
			for _, made := range ends[:i] {
				closeAll(made[0], made[1])
			}
			return failed("can't make a pipe: ", err)
		}
	}
	return nil
}

func closeAll(fds ...int) {
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
}

// Isolate keeps programs started from here from inheriting the caller's descriptors. Call it
// in the launcher's front end, which has copies of them; the other processes have their own.
// Do not call it in another Go program, where descriptors are inherited on purpose.
func Isolate() error {
	if unix.CloseRange(3, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	// Before 5.11, or refused by a filter.
	if err := hideOneByOne("/proc/self/fd"); err != nil {
		return failed("can't list the open descriptors in /proc/self/fd: ", err)
	}
	return nil
}

func hideOneByOne(list string) error {
	dir, err := syscall.Open(list, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(dir) }()
	buf := make([]byte, 8192)
	for {
		n, err := syscall.ReadDirent(dir, buf)
		if err != nil || n == 0 {
			return err
		}
		_, _, names := syscall.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
				syscall.CloseOnExec(fd)
			}
		}
	}
}
