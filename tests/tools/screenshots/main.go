// Command screenshots draws the terminal sessions that README.md shows. It types commands
// into a shell on a terminal, as a user without privilege, and draws what appears as SVG.
//
//	screenshots DIR     # writes DIR/session.svg and so on, as make screenshots does
//
// What differs between machines is replaced: paths, the kernel's release, Landlock's version.
// A test compares the files in docs/images with what is drawn now.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: screenshots DIR")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// write makes all pictures anew.
func write(dir string) (err error) {
	m, err := newMachine()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.remove()) }()
	for _, s := range sessions {
		text, err := m.record(s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, s.name+".svg"), []byte(draw(s.title, text)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// session is what one picture shows.
type session struct {
	name, title string
	refuses     bool // the kernel refuses user namespaces
	typed       []string
}

var sessions = []session{
	{
		name: "session", title: "A sandbox at work", typed: []string{
			`gobwrap --unshare-all --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --tmpfs /run \`,
			`--bind "$PWD" "$PWD" -- bash`,
			"touch ~/.bashrc",
			"echo done >result.txt",
			"echo >/dev/tcp/192.0.2.1/80",
			"ps -e -o pid,comm",
			"exit",
			"cat result.txt",
		},
	},
	{
		name: "doctor", title: "A kernel that refuses user namespaces", refuses: true, typed: []string{
			"gobwrap --ro-bind / / -- true",
			"gobwrap --doctor",
		},
	},
	{
		name: "error", title: "Errors with their hints", typed: []string{
			"gobwrap --ro-bnd / / -- true",
			"gobwrap --ro-bind / / --dir /srv/new/place -- true",
		},
	},
}
