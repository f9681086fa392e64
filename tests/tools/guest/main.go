// Command guest is the first process of an emulated machine. It makes a small system of
// itself and of the launcher, runs the cases that the archive has, and writes a line with
// the result of each. It is also the command that the cases run inside.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Case is a command line, for an ordinary user or for root.
type Case struct {
	UID  uint32
	Args []string
}

// Result is what came of it.
type Result struct {
	Status int
	Output string
}

func main() {
	if os.Getpid() != 1 || len(os.Args) > 1 {
		inside(os.Args[1:])
		return
	}
	if err := system(); err != nil {
		fmt.Println("FAILED", err)
	} else if err := cases(); err != nil {
		fmt.Println("FAILED", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// system leaves the initramfs, which pivot_root does not work on, for a tmpfs.
func system() error {
	mount := func(source, target, kind string) error {
		return errors.Join(os.MkdirAll(target, 0o755), unix.Mount(source, target, kind, 0, ""))
	}
	if err := mount("tmpfs", "/new", "tmpfs"); err != nil {
		return err
	}
	for name, mode := range map[string]os.FileMode{"bin/guest": 0o755, "bin/gobwrap": 0o755, "bin/gobwrap-setuid": 0o755 | os.ModeSetuid} {
		source := map[bool]string{true: "/init", false: "/gobwrap"}[name == "bin/guest"]
		if err := install(source, "/new/"+name, mode); err != nil {
			return err
		}
	}
	return errors.Join(
		os.Chmod("/new", 0o755), os.MkdirAll("/new/tmp", 0o755), os.Chmod("/new/tmp", 0o1777),
		mount("proc", "/new/proc", "proc"), mount("sysfs", "/new/sys", "sysfs"), mount("devtmpfs", "/new/dev", "devtmpfs"),
		mount("devpts", "/new/dev/pts", "devpts"), install("/cases", "/new/cases", 0o644),
		unix.Chdir("/new"), unix.Mount(".", "/", "", unix.MS_MOVE, ""), unix.Chroot("."), unix.Chdir("/"),
	)
}

func install(source, target string, mode os.FileMode) error {
	data, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(target[:strings.LastIndexByte(target, '/')], 0o755), os.WriteFile(target, data, 0o755), os.Chmod(target, mode))
}

func cases() error {
	data, err := os.ReadFile("/cases")
	if err != nil {
		return err
	}
	var all []Case
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	for _, c := range all {
		line, err := json.Marshal(c.run())
		if err != nil {
			return err
		}
		fmt.Printf("RESULT %s\n", line)
	}
	fmt.Println("END")
	return nil
}

// run runs the command, or writes to a file: "> FILE TEXT".
func (c *Case) run() Result {
	if c.Args[0] == ">" {
		err := os.WriteFile(c.Args[1], []byte(c.Args[2]), 0o644)
		return Result{Output: fmt.Sprint(err)}
	}
	cmd := exec.Command("/bin/"+c.Args[0], c.Args[1:]...)
	cmd.Env = []string{"PATH=/bin"}
	cmd.Dir = "/"
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.UID, Gid: c.UID}}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return Result{Status: -1, Output: err.Error()}
	}
	return Result{Status: cmd.ProcessState.ExitCode(), Output: string(out)}
}

// inside is the command.
func inside(args []string) {
	say := func(v ...any) { _, _ = io.WriteString(os.Stdout, fmt.Sprintln(v...)) }
	switch args[0] {
	case "ids":
		say(os.Getuid(), os.Getgid())
	case "pid":
		say(os.Getpid())
	case "host":
		name, _ := os.Hostname()
		say(name)
	case "write":
		say(os.WriteFile(args[1], nil, 0o600))
	case "list":
		entries, err := os.ReadDir(args[1])
		for _, e := range entries {
			info, _ := e.Info()
			say(info.Mode(), e.Name())
		}
		say(err)
	case "userns":
		say(unix.Unshare(unix.CLONE_NEWUSER)) // EINVAL: it has threads, and got past the filter
	case "network":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			_, err = net.Dial("tcp", l.Addr().String())
		}
		all, _ := net.Interfaces()
		say(len(all), err)
	case "status":
		text, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "CapEff") || strings.HasPrefix(line, "NoNewPrivs") {
				say(strings.Join(strings.Fields(line), " "))
			}
		}
	case "exit":
		n, _ := strconv.Atoi(args[1])
		os.Exit(n)
	case "signal":
		n, _ := strconv.Atoi(args[1])
		_ = unix.Kill(os.Getpid(), unix.Signal(n))
		time.Sleep(time.Minute)
	}
}
