package e2e_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// newcomers are the calls that an old kernel lacks or a strict filter refuses, for
// which there is another way.
func newcomers() map[string]int {
	return map[string]int{
		"open_tree": unix.SYS_OPEN_TREE, "move_mount": unix.SYS_MOVE_MOUNT, "fsopen": unix.SYS_FSOPEN,
		"fsmount": unix.SYS_FSMOUNT, "fsconfig": unix.SYS_FSCONFIG, "pidfd_open": unix.SYS_PIDFD_OPEN,
		"clone3": unix.SYS_CLONE3, "close_range": unix.SYS_CLOSE_RANGE, "openat2": unix.SYS_OPENAT2,
		"faccessat2": unix.SYS_FACCESSAT2, "mount_setattr": unix.SYS_MOUNT_SETATTR, "fchmodat2": 452,
		"getcpu": unix.SYS_GETCPU, "sched_setaffinity": unix.SYS_SCHED_SETAFFINITY, "pidfd_send_signal": unix.SYS_PIDFD_SEND_SIGNAL,
	}
}

// Each of them may be missing alone, and the launch goes the other way.
func TestEachNewcomerMayBeMissing(t *testing.T) {
	t.Parallel()
	eachWho(t, func(t *testing.T, who identity) {
		for name, nr := range newcomers() {
			for _, errno := range []string{"ENOSYS", "EPERM"} {
				for plan, args := range plans(t, who) {
					wrap := []string{enosys, "-e", errno, "-n", fmt.Sprint(nr), "--"}
					o := launch{who: who, wrap: wrap, args: append(args, "/h/probe", "echo", "in")}
					if plan == "data" {
						continue // its descriptors are of no interest here
					}
					t.Run(fmt.Sprint(name, "-", errno, "-", plan), func(t *testing.T) { o.run(t).OK(t, "in\n") })
				}
			}
		}
	})
}

// All of them, and everything that is new, too: with every kind of operation. Where
// setuid mode is the second way, the first one has used nothing up.
func TestStrictFilters(t *testing.T) {
	t.Parallel()
	each(t, []identity{root, user, setuid, fallback}, func(t *testing.T, who identity) {
		for _, e := range engines(t) {
			for plan, args := range plans(t, who) {
				t.Run(e.Name+"-"+plan, func(t *testing.T) {
					files := append(dataFiles(t)[:1:1], dataFiles(t)...) // from 4 on, as the plan has it
					launch{who: who, wrap: e.Wrap, args: append(args, "/h/probe", "echo", "in"), files: files}.run(t).OK(t, "in\n")
				})
			}
		}
	})
}

// A call that nothing can replace is named in the sentence.
func TestRefusedCallsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rule, errno, sense string
		options                  []string
	}{
		{"mount", fmt.Sprint(unix.SYS_MOUNT), "EPERM", "mount", nil},
		{"pivot_root", fmt.Sprint(unix.SYS_PIVOT_ROOT), "EPERM", "pivot_root", nil},
		{"proc", fmt.Sprintf("%d:3=0xe/0xffff", unix.SYS_MOUNT), "EPERM", "Can't mount proc on /newroot/proc: Operation not permitted", []string{"--proc", "/proc"}},
		{"tmpfs", fmt.Sprintf("%d:3=6/0xffff", unix.SYS_MOUNT), "ENOMEM", "tmpfs", []string{"--tmpfs", "/t"}},
		{"clone", fmt.Sprintf("%d:0=0x20000000/0x20000000", unix.SYS_CLONE), "ENOSPC", "Creating new namespace failed", nil},
		{"clone-forbidden", fmt.Sprintf("%d:0=0x20000000/0x20000000", unix.SYS_CLONE), "EPERM", "No permissions to create a new namespace", nil},
		{"hostname", fmt.Sprint(unix.SYS_SETHOSTNAME), "EPERM", "hostname", []string{"--unshare-uts", "--hostname", "x"}},
		{"ioctl", fmt.Sprintf("%d:1=0x8914", unix.SYS_IOCTL), "EACCES", "loopback", nil},
		{"mkdir", fmt.Sprint(unix.SYS_MKDIRAT), "ENOSPC", "", []string{"--dir", "/a/b"}},
		{"symlink", fmt.Sprint(unix.SYS_SYMLINKAT), "EPERM", "Can't make symlink at /l", []string{"--symlink", "a", "/l"}},
		{"chmod", fmt.Sprint(unix.SYS_FCHMODAT), "EPERM", "chmod", []string{"--chmod", "0700", "/h/../"}},
		{"setsid", fmt.Sprint(unix.SYS_SETSID), "ENOMEM", "setsid", []string{"--new-session"}},
		{"capset", fmt.Sprint(unix.SYS_CAPSET), "EINVAL", "Can't", nil},
		{"bounding", fmt.Sprintf("%d:0=24", unix.SYS_PRCTL), "EPERM", "", nil},
		{"no-new-privs", fmt.Sprintf("%d:0=38", unix.SYS_PRCTL), "EINVAL", "", nil},
		{"umount", fmt.Sprint(unix.SYS_UMOUNT2), "EPERM", "pivot_root", nil},
		{"socketpair", fmt.Sprint(unix.SYS_SOCKETPAIR), "EPERM", "", nil},
		{"execve", fmt.Sprint(unix.SYS_EXECVEAT), "EPERM", "execvp", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wrap := []string{enosys, "-e", c.errno, "-n", c.rule, "--"}
			command := "/h/probe"
			if c.name == "execve" {
				command = "/h"
			}
			eachUser(t, func(t *testing.T, who identity) {
				options := append([]string{"--unshare-user", "--unshare-pid", "--unshare-net"}, c.options...)
				launch{who: who, wrap: wrap, args: append(box(options...), command, "echo", "in")}.run(t).Refused(t, c.sense)
				if who.setuid {
					launch{who: who, wrap: wrap, args: append(box(options[1:]...), command, "echo", "in")}.run(t).Refused(t, c.sense)
				}
			})
		})
	}
}
