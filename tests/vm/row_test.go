//go:build vm

package vm_test

import (
	"fmt"
	"strings"
)

// The names in testdata/matrix.sh and testdata/rows.sh.
var (
	worlds   = []string{"default", cloneOff, maxZero, "ubuntu", "strict", "eperm", "eacces"}
	binaries = []string{"0755", "4755", "root"}
	lines    = []string{"minimal", "full", "bind", "user"}
)

const (
	cloneOff = "unprivileged_userns_clone=0"
	maxZero  = "max_user_namespaces=0"
)

// A row is one launch.
type row struct {
	world, binary, line string

	said   map[string]string // by the command inside, and about the file that it made
	stderr []string
	status string
}

// works reports whether the launch has to work.
func (r row) works() bool {
	switch {
	case r.world == "default":
		return true
	case r.binary == "0755":
		return false
	case r.line == "user": // --unshare-user: only where root may
		return r.world == cloneOff || r.world == "ubuntu"
	}
	return true
}

// problems lists what is not as it should be. host is the user namespace outside.
func (r row) problems(host string) []string {
	if !r.works() {
		return r.refusalProblems()
	}
	if r.status != "0" || len(r.stderr) > 0 {
		return []string{fmt.Sprintf("it has to work, but status %s, standard error %q", r.status, r.stderr)}
	}
	var list []string
	for name, want := range r.identity(host) {
		if got := r.said[name]; got != want {
			list = append(list, fmt.Sprintf("%s is %q, want %q", name, got, want))
		}
	}
	return list
}

// refusalProblems: status 1, nothing run, one sentence, and a hint for who could do
// something about it.
func (r row) refusalProblems() (list []string) {
	if r.status != "1" || len(r.said) > 0 {
		list = append(list, fmt.Sprintf("it has to be refused with status 1, but status %s, output %q", r.status, r.said))
	}
	sentences, hints := 0, 0
	for _, text := range r.stderr {
		switch {
		case strings.HasPrefix(text, "gobwrap: hint: "):
			hints++
		case strings.HasPrefix(text, "gobwrap: "):
			sentences++
		default:
			list = append(list, fmt.Sprintf("standard error has %q", text))
		}
	}
	if sentences != 1 || hints > 1 || r.binary == "0755" && hints == 0 {
		list = append(list, fmt.Sprintf("want one sentence and a hint, but standard error is %q", r.stderr))
	}
	return list
}

// identity is what the command has to find out about itself: the caller's ids, no
// capability unless the caller is root, and files that are the caller's.
func (r row) identity(host string) map[string]string {
	id, groups := "12345", "12345 20001 20002"
	if r.said["ns"] != host { // a user namespace knows one group of hers
		groups = "12345 65534 65534"
	}
	if r.binary == "root" {
		id, groups = "0", r.said["Groups"]
	}
	four := strings.Join([]string{id, id, id, id}, "\t")
	want := map[string]string{"Uid": four, "Gid": four, "Groups": groups, "NoNewPrivs": "1"}
	if r.binary != "root" {
		for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
			want[set] = "0000000000000000"
		}
	}
	owner := id + ":" + id
	switch r.line {
	case "full":
		want["made"] = owner
	case "bind":
		want["made"], want["outside"] = owner, owner
	case "user":
		if r.said["ns"] == host {
			want["ns"] = "a user namespace of its own"
		}
	}
	return want
}

// summary is the standard error, short enough for a table.
func (r row) summary() string {
	if len(r.stderr) == 0 {
		return ""
	}
	text := strings.TrimPrefix(r.stderr[0], "gobwrap: ")
	if runes := []rune(text); len(runes) > 72 {
		text = string(runes[:71]) + "…"
	}
	if len(r.stderr) > 1 {
		text += " (hint)"
	}
	return text
}
