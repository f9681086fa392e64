package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
)

// mode is how the program is started.
type mode string

// The modes: as an ordinary user, as one through a copy that is set-user-id root, and as
// root.
const (
	asUser   mode = "user"
	asSetuid mode = "setuid"
	asRoot   mode = "root"
)

var modes = []mode{asUser, asSetuid, asRoot}

func parseModes(text string) ([]mode, error) {
	var list []mode
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if word == "all" {
			return modes, nil
		}
		if !slices.Contains(modes, mode(word)) {
			return nil, fmt.Errorf("invalid mode %q (want user, setuid or root)", word)
		}
		list = append(list, mode(word))
	}
	if list == nil {
		return nil, fmt.Errorf("no mode is named")
	}
	return list, nil
}

// ordinary is the user of the modes user and setuid, when root runs the suite. It needs
// no entry in passwd.
const ordinary = 12345

// ids says who runs a case.
func (m mode) ids() (uid, gid int) {
	switch {
	case os.Geteuid() != 0:
		return os.Getuid(), os.Getgid()
	case m == asRoot:
		return 0, 0
	}
	return ordinary, ordinary
}

// attr makes a child that user, in a session of its own.
func (m mode) attr() *syscall.SysProcAttr {
	sys := &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		uid, gid := m.ids()
		sys.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{uint32(gid)}}
	}
	return sys
}
