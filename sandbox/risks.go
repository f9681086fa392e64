package sandbox

import (
	"strings"

	"github.com/gobwrap/gobwrap/internal/tree"
	"github.com/gobwrap/gobwrap/mounts"
)

// doors are sockets that lead out of a sandbox, by the ends of their names or by parts.
//
//nolint:gochecknoglobals // read-only table
var doors = []struct{ part, end, what string }{
	{end: "system_bus_socket", what: "the system's D-Bus: the services behind it act for the caller"},
	{end: "/bus", what: "the session's D-Bus: the services behind it start programs outside"},
	{part: "/.X11-unix", what: "X11: the other windows can be read and typed into"},
	{part: "/wayland-", what: "Wayland: what the compositor permits"},
	{end: "docker.sock", what: "Docker: root outside"},
	{end: "podman.sock", what: "Podman: containers outside"},
	{end: "/systemd/private", what: "systemd: programs outside"},
	{part: "/S.gpg-agent", what: "the GnuPG agent: signs and decrypts"},
	{end: "/gnupg", what: "the GnuPG agent: signs and decrypts"},
	{part: "/tmp/ssh-", what: "an SSH agent, perhaps: logs in elsewhere"},
}

// programs are where files are that only look like doors: /sys/bus, wayland-scanner.
//
//nolint:gochecknoglobals // read-only table
var programs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/sys", "/opt"}

// secrets are where keys, passwords and tokens lie in a home: of SSH, GnuPG, clouds, package
// registries, git, browsers, keyrings.
//
//nolint:gochecknoglobals // read-only table
var secrets = []string{
	".ssh", ".gnupg", ".aws", ".azure", ".config/gcloud", ".kube", ".docker", ".netrc", ".git-credentials", ".npmrc", ".pypirc",
	".cargo/credentials.toml", ".password-store", ".local/share/keyrings", ".mozilla", ".config/google-chrome", ".config/chromium",
}

// socketDirs are where most doors are. /var/run is a link to the first.
//
//nolint:gochecknoglobals // read-only table
var socketDirs = []string{"/run", "/tmp"}

// risks are those that stay, and what takes them away.
func (d *describer) risks() {
	for i := range d.s.files {
		d.bindRisks(i)
	}
	n := &d.s.Namespaces
	d.risk(!n.Net.isNew() && !n.JoinNet.Given(), "the network is shared, with services on the loopback and abstract sockets (--unshare-net)")
	d.risk(!n.PID.isNew() && !n.JoinPID.Given(), "processes outside can be seen, and signalled where the user may (--unshare-pid)")
	d.risk(n.PID.isNew() && d.h.Unscoped && !d.s.Session.New.isNew(), "the caller's process group can be signalled: this kernel has no Landlock scopes (--new-session)")
	d.risk(!n.PID.isNew() && d.h.Setuid && !wantsUser(d.s, d.h), "in setuid mode without a user namespace, on a kernel without Landlock, they can be traced, too (--unshare-user)")
	d.risk(!d.s.Session.New.isNew(), "input may be pushed into the caller's terminal, if there is one, unless dev.tty.legacy_tiocsti is 0 (--new-session)")
	d.risk(wantedCaps(d.s, d.h) != 0 && !wantsUser(d.s, d.h) && !n.JoinUser.Given() && !d.h.Setuid, "root keeps capabilities, which lead out (--unshare-user, --cap-drop ALL)")
	d.risk(d.h.StdinFile, "standard input is a file, which the command can open for writing through /proc/self/fd/0, whatever is mounted read-only (cat FILE |)")
	d.risk(d.s.Lockdown.Forgive, "mounts below a bind may stay writable (--not-a-security-boundary)")
	d.risk(d.s.ProcFallback == mounts.BindOuter && d.hasProc() && (n.PID.isNew() || n.JoinPID.Given()),
		"where the kernel refuses a new proc, processes outside can be seen (--fallback-proc=none)")
}

func (d *describer) risk(on bool, text string) {
	if on {
		d.lines = append(d.lines, "risk: "+text)
	}
}

func (d *describer) hasProc() bool {
	for i := range d.s.files {
		if d.s.files[i].Kind == tree.Proc {
			return true
		}
	}
	return false
}

// bindRisks are those of one bind, if it is to be seen at all.
func (d *describer) bindRisks(i int) {
	op := &d.s.files[i]
	source, dest := tree.BoxPath(op.Source), tree.BoxPath(op.Dest)
	if op.Kind == tree.Overlay {
		for _, layer := range op.Layers {
			d.secretRisk(i, tree.BoxPath(layer), dest)
		}
	}
	if op.Kind != tree.Bind || d.hidden(dest, i) {
		return
	}
	d.risk(d.door(source) != "", op.Source+" is "+d.door(source))
	home, _ := get(d.h.Env, "HOME") // outside: what is called so inside starts nothing later
	d.risk(op.Access != tree.ReadOnly && (source == "/" || home != "" && lies(tree.BoxPath(home), source)),
		op.Source+" is writable as a whole: start-up files there run outside later")
	d.secretRisk(i, source, dest)
	if rest, ok := strings.CutPrefix(source, "/var/run"); ok {
		source = "/run" + rest
	}
	var open []string
	if lies(source, "/run/user") && strings.Count(source, "/") <= 3 { // of one user, or of all
		open = append(open, dest)
	}
	for _, dir := range socketDirs {
		where := tree.BoxPath(dest + "/" + strings.TrimPrefix(dir, source))
		if lies(dir, source) && !d.hidden(where, i) {
			open = append(open, where)
		}
	}
	d.risk(len(open) > 0, "sockets in "+strings.Join(open, ", ")+" lead to services outside, read-only or not (--tmpfs)")
}

// secretRisk names the caller's keys and passwords that the i-th operation lets the command
// read by showing source at dest, and that nothing later covers.
func (d *describer) secretRisk(i int, source, dest string) {
	home, _ := get(d.h.Env, "HOME")
	if home = tree.BoxPath(home); home == "/" {
		return
	}
	inside := func(path string) string { return tree.BoxPath(dest + "/" + strings.TrimPrefix(path, source)) }
	var open []string
	for _, name := range secrets {
		path := home + "/" + name
		switch {
		case lies(source, path): // the secret itself, or a part of it
			path = dest
		case lies(path, source):
			path = inside(path)
		default:
			continue
		}
		if !d.hidden(path, i) {
			open = append(open, path)
		}
	}
	remedy := dest
	if lies(home, source) {
		remedy = inside(home)
	}
	more := ""
	if len(open) > 3 {
		open, more = open[:3], " and others"
	}
	d.risk(len(open) > 0, "keys and passwords can be read, where there are any: "+strings.Join(open, ", ")+more+" (--tmpfs "+remedy+")")
}

// door is what a source leads to; "" for nothing that is known.
func (d *describer) door(source string) string {
	for _, dir := range programs {
		if lies(source, dir) {
			return ""
		}
	}
	if agent, ok := get(d.h.Env, "SSH_AUTH_SOCK"); ok && agent != "" && tree.BoxPath(agent) == source {
		return "the SSH agent: logs in elsewhere"
	}
	for _, door := range doors {
		if door.part != "" && strings.Contains(source, door.part) || door.end != "" && strings.HasSuffix(source, door.end) {
			return door.what
		}
	}
	return ""
}
