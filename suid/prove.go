package suid

import (
	"errors"
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/procfs"
)

// Prove asks the kernel whether all threads of this process have lost all privilege and cannot get
// root back. It reads /proc/self/task/*/status, and setuid(0) must fail on the calling thread. The front
// end calls it first of all. A launch without one does not: there isDropped in package keeper has
// asked, before the command line was read.
func Prove(uid, gid int) error {
	// Not syscall.Setuid, which changes the ids of all threads.
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETUID, 0, 0, 0); e != syscall.EPERM {
		return errors.New("setuid(0) is not refused after all privileges were given up")
	}
	dir, err := syscall.Open("/proc/self/task", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return errors.New("can't read /proc/self/task to prove that all privileges are gone: " + err.Error())
	}
	defer func() { _ = syscall.Close(dir) }()
	buf := make([]byte, 4096)
	seen := 0
	for {
		n, err := syscall.ReadDirent(dir, buf)
		if err != nil {
			return errors.New("can't read /proc/self/task to prove that all privileges are gone: " + err.Error())
		}
		if n <= 0 {
			break
		}
		_, _, names := syscall.ParseDirent(buf[:n], -1, nil)
		for _, tid := range names {
			text, err := procfs.Read("/proc/self/task/" + tid + "/status")
			if err == nil {
				err = isPowerless(text, uid, gid)
			}
			if err != nil {
				return errors.New("thread " + tid + ": " + err.Error())
			}
			seen++
		}
	}
	if seen == 0 {
		return errors.New("can't read /proc/self/task to prove that all privileges are gone")
	}
	return nil
}

// isPowerless returns an error unless the text of a status file shows the ids and no capability
// (proc_pid_status(5)).
func isPowerless(status string, uid, gid int) error {
	want := map[string]string{
		"Uid:": fourTimes(uid), "Gid:": fourTimes(gid),
		"CapInh:": "", "CapPrm:": "", "CapEff:": "", "CapAmb:": "",
	}
	for line := range strings.SplitSeq(status, "\n") {
		key, value, _ := strings.Cut(line, "\t")
		ids, known := want[key]
		if !known {
			continue
		}
		if ids != "" && value != ids || ids == "" && (value == "" || strings.Trim(value, "0") != "") {
			return errors.New("privileges are left: " + key + " " + value)
		}
		delete(want, key)
	}
	delete(want, "CapAmb:") // since Linux 4.3
	if len(want) > 0 {
		return errors.New("the kernel does not say what privileges are left")
	}
	return nil
}

// fourTimes formats an id as status files show the real, effective, saved and file-system id.
func fourTimes(id int) string {
	one := strconv.FormatUint(uint64(uint32(id)), 10)
	return one + "\t" + one + "\t" + one + "\t" + one
}
