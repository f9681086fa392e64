package suid_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// status is what Linux 6.18 writes about a user's thread; the parts that nobody looks at
// are cut.
const status = `Name:	bash
Umask:	0022
State:	S (sleeping)
Tgid:	17
Uid:	1000	1000	1000	1000
Gid:	100	100	100	100
Groups:	100 1001
Threads:	1
CapInh:	0000000000000000
CapPrm:	0000000000000000
CapEff:	0000000000000000
CapBnd:	000001ffffffffff
CapAmb:	0000000000000000
NoNewPrivs:	0
`

// TestPowerless: recorded texts, with what is left of each kind.
func TestPowerless(t *testing.T) {
	replace := func(old, by string) string {
		if strings.Count(status, old) != 1 {
			t.Fatalf("the text has no %q, or several", old)
		}
		return strings.Replace(status, old, by, 1)
	}
	for name, text := range map[string]string{
		"nothing left":                 status,
		"no last line end":             strings.TrimSuffix(status, "\n"),
		"before Linux 4.3":             replace("CapAmb:\t0000000000000000\n", ""),
		"an empty bounding set":        replace("000001ffffffffff", "0000000000000000"),
		"sets of 32 bits":              strings.ReplaceAll(status, "0000000000000000", "00000000"),
		"a name that looks like a set": replace("Name:\tbash", "Name:\tCapEff:\\t1"),
	} {
		if err := suid.HookPowerless(text, 1000, 100); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := map[string]string{
		"":               "the kernel does not say",
		"Uid:\t1000\n":   "privileges are left: Uid:",
		"no such text\n": "the kernel does not say",
	}
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapAmb"} {
		line := set + ":\t0000000000000000\n"
		for _, value := range []string{
			"0000000000000001", "8000000000000000", "0000008000000000", "000001ffffffffff", "1", "f", "", " 0", "0000000000000000 ", "-0",
		} {
			bad[replace(line, set+":\t"+value+"\n")] = "privileges are left: " + set + ":"
		}
		bad[replace(line, set+":\n")] = "privileges are left: " + set + ":"
		if set != "CapAmb" {
			bad[replace(line, "")] = "the kernel does not say"
			bad[replace(line, set+" 0000000000000000\n")] = "the kernel does not say"
			bad[replace(line, " "+line)] = "the kernel does not say"
		}
	}
	for ids, id := range map[string]string{"Uid:\t1000\t1000\t1000\t1000\n": "1000", "Gid:\t100\t100\t100\t100\n": "100"} {
		key := ids[:4]
		for place := range 4 {
			for _, other := range []string{"0", "1001", "65534", "4294967295", id + "0", ""} {
				words := []string{id, id, id, id}
				words[place] = other
				bad[replace(ids, key+"\t"+strings.Join(words, "\t")+"\n")] = "privileges are left: " + key
			}
		}
		bad[replace(ids, key+"\t"+id+"\n")] = "privileges are left: " + key
		bad[replace(ids, key+"\t"+strings.Join([]string{id, id, id, id, id}, "\t")+"\n")] = "privileges are left: " + key
		bad[replace(ids, "")] = "the kernel does not say"
	}
	for text, want := range bad {
		if err := suid.HookPowerless(text, 1000, 100); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s\n%s", err, want, text)
		}
	}
	// Ids beyond 31 bits, which Go's int has and the file shows without a sign.
	high := strings.ReplaceAll(status, "\t1000", "\t4294967294")
	high = strings.ReplaceAll(high, "\t100", "\t2147483648")
	if err := suid.HookPowerless(high, 1<<32-2, 1<<31); err != nil {
		t.Errorf("high ids: %v", err)
	}
	if err := suid.HookPowerless(high, -2, -1<<31); err != nil {
		t.Errorf("high ids with a sign: %v", err)
	}
}

// situations are processes that prove themselves, in one of their own, with what Prove
// has to say; "" is nothing. Those that need root begin as root.
var situations = []struct {
	name string
	root bool
	uid  uint32 // who starts it; 0: the caller
	caps []uintptr
	want string
}{
	{"plain", false, someone, nil, ""},
	{"threads", false, someone, nil, ""},
	{"other uid", false, someone, nil, "privileges are left: Uid:"},
	{"other gid", false, someone, nil, "privileges are left: Gid:"},
	{"plain", true, 0, nil, "setuid(0) is not refused"},
	{"saved uid", true, 0, nil, "setuid(0) is not refused"},
	{"one thread", true, 0, nil, "privileges are left: Uid:"},
	{"permitted, not effective", true, 0, nil, "privileges are left: CapPrm:"},
	{"plain", true, someone, []uintptr{unix.CAP_NET_BIND_SERVICE}, "privileges are left: CapInh:"},
	{"no proc", true, 0, nil, "can't read /proc/self/task"},
}

const someone = 12345

// TestProve: what a live process has, the kernel says to itself.
func TestProve(t *testing.T) {
	if os.Getuid() != 0 {
		if err := suid.Prove(os.Getuid(), os.Getgid()); err != nil {
			t.Errorf("an ordinary user: %v", err)
		}
	}
	for _, c := range situations {
		if c.root && os.Getuid() != 0 {
			t.Logf("%s: only as root", c.name)
			continue
		}
		// Through /proc, since the directory that the test lies in may be closed to others.
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), proveEnv+"="+c.name)
		if os.Getuid() == 0 && c.uid != 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}, AmbientCaps: c.caps}
		}
		out, err := cmd.Output() // standard error is for what a coverage run complains of
		said := strings.TrimSpace(string(out))
		if err != nil {
			t.Errorf("%s: %v: %s", c.name, err, said)
		} else if c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%s, uid %d: %q, want %q", c.name, c.uid, said, c.want)
		}
	}
}

// proveEnv names a situation to the test's own binary, which then proves itself in it.
const proveEnv = "GOBWRAP_TEST_PROVE"

func TestMain(m *testing.M) {
	if name := os.Getenv(proveEnv); name != "" {
		if err := proveMyself(name); err != nil {
			fmt.Println(err)
		}
		return
	}
	os.Exit(m.Run())
}

// proveMyself brings this process into a situation.
func proveMyself(name string) error {
	runtime.LockOSThread()
	uid, gid := os.Getuid(), os.Getgid()
	err := error(nil)
	switch name {
	case "threads":
		spawn(200) // more than the kernel lists at once
	case "other uid":
		uid++
	case "other gid":
		gid++
	case "saved uid":
		uid = someone
		err = syscall.Setresuid(uid, uid, 0)
	case "one thread": // has nothing: the calling one; the others are root's
		uid = someone
		if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, someone, someone, someone); e != 0 {
			err = e
		}
	case "permitted, not effective":
		uid = someone
		if _, _, e := syscall.AllThreadsSyscall(syscall.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0); e != 0 {
			err = e
		} else {
			err = syscall.Setresuid(uid, uid, uid)
		}
	case "no proc":
		uid = someone
		err = errors.Join(syscall.Chroot("/usr"), syscall.Setresuid(uid, uid, uid))
	}
	if err != nil {
		return errors.New("the situation can't be made: " + err.Error())
	}
	return suid.Prove(uid, gid)
}

// spawn starts n threads that stay.
func spawn(n int) {
	running := make(chan bool)
	for range n {
		go func() {
			runtime.LockOSThread()
			running <- true
			select {}
		}()
	}
	for range n {
		<-running
	}
}
