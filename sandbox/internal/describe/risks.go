package describe

import (
	"strings"

	"github.com/gobwrap/gobwrap/internal/tree"
)

// services are sockets that lead out of a sandbox, by the ends of their paths or by parts.
//
//nolint:gochecknoglobals // read-only table
var services = []struct{ part, end, what string }{
	// /run/dbus/system_bus_socket
	{end: "system_bus_socket", what: "the system's D-Bus: services act for the command as for the caller"},
	// /run/user/UID/bus
	{end: "/bus", what: "the session's D-Bus: services can start programs outside"},
	// /tmp/.X11-unix/X0: X11 does not separate its clients from each other.
	{part: "/.X11-unix", what: "X11: the command can read and type into other windows"},
	{part: "/wayland-", what: "Wayland: the command can do what the compositor permits"},
	// Its group is as good as root.
	{end: "docker.sock", what: "Docker: the command can become root outside"},
	{end: "podman.sock", what: "Podman: the command can start containers outside"},
	// The user's service manager.
	{end: "/systemd/private", what: "systemd: the command can start programs outside"},
	{part: "/S.gpg-agent", what: "the GnuPG agent: the command can sign and decrypt"},
	{end: "/gnupg", what: "the GnuPG agent: the command can sign and decrypt"},
	// As ssh-agent(1) names its directory there.
	{part: "/tmp/ssh-", what: "perhaps an SSH agent: the command can log in elsewhere"},
}

// programs are directories with files that only look like such sockets: /sys/bus,
// wayland-scanner.
//
//nolint:gochecknoglobals // read-only table
var programs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/sys", "/opt"}

// Secrets are where keys, passwords and tokens lie in a home: of SSH, GnuPG, clouds, package
// registries, git, browsers, keyrings.
//
//nolint:gochecknoglobals // read-only table
var Secrets = []string{
	".ssh", ".gnupg", ".aws", ".azure", ".config/gcloud", ".kube", ".docker", ".netrc", ".git-credentials", ".npmrc", ".pypirc",
	".cargo/credentials.toml", ".password-store", ".local/share/keyrings", ".mozilla", ".config/google-chrome", ".config/chromium",
}

// socketDirs are where most sockets are. /var/run is a link to the first.
//
//nolint:gochecknoglobals // read-only table
var socketDirs = []string{"/run", "/tmp"}

// risks lists the risks that remain, each with the option that removes it.
func (d *describer) risks() {
	for i := range d.Files {
		d.bindRisks(i)
		op := &d.Files[i]
		// The user believes such a file to be safe, so this is
		// named even though it is a mistake and not a choice.
		if tree.Denies(op.Kind) {
			d.risk(d.hidden(tree.BoxPath(op.Dest), i), op.Dest+" is neither masked nor protected: a later option covers it (put --mask and --protect behind)")
		}
	}
	// Without the scope, a process can be signalled that is seen, or that is in the same process group.
	network, processes := "services on the loopback device and abstract sockets", ", and signal the user's own"
	if d.Scopes.Abstract == Certain {
		network = "services on the loopback device"
	}
	if d.Scopes.Signals == Certain {
		processes = ""
	}
	// Services on the loopback device often trust every process that reaches them.
	d.risk(d.Net == Shared, "the network is shared: the command reaches "+network+" (use --unshare-net)")
	d.risk(d.Processes == Shared, "the command can see processes outside"+processes+" (use --unshare-pid)")
	d.risk(d.Processes == New && d.Unscoped && !d.NewSession && !d.Foreground, "the command can signal the caller's process group, since this kernel has no Landlock scopes (use --new-session)")
	// setpriority(2) with PRIO_PGRP and 0 reaches the whole process group, in whatever PID namespaces
	// its members are.
	d.risk(!d.NewSession && !d.Foreground, "the command can change the priorities of the caller's process group (use --new-session or --foreground)")
	d.risk(d.Processes != New && d.Setuid && !d.NewUser, "in setuid mode without a user namespace, on a kernel without Landlock, it can also trace them (use --unshare-user)")
	// TIOCSTI (CVE-2017-5226); the sysctl exists since Linux 6.2.
	d.risk(!d.NewSession, "the command may type into the caller's terminal, unless dev.tty.legacy_tiocsti is 0 (use --new-session)")
	// Root without a user namespace has its capabilities on the host.
	d.risk(d.Caps != NoCaps && !d.NewUser && d.User == Shared && !d.Setuid, "root keeps capabilities, with which the command can leave the sandbox (use --unshare-user or --cap-drop ALL)")
	// The link opens the file anew, by the mount that the caller had it from.
	d.risk(d.StdinFile, "standard input is a file, which the command can open for writing through /proc/self/fd/0, even below a read-only mount (use a pipe: cat FILE |)")
	d.risk(d.Forgive, "mounts below a bind may stay writable (because of --not-a-security-boundary)")
	d.risk(d.OuterProc && d.hasProc() && d.Processes != Shared,
		"if the kernel refuses a new proc, the command can see processes outside (use --fallback-proc=none)")
}

// risk adds the line of a risk, if on is true.
func (d *describer) risk(on bool, text string) {
	if on {
		d.lines = append(d.lines, "risk: "+text)
	}
}

// scoped reports whether a scope is certain, and has no exceptions.
func (d *describer) scoped(s Scope) bool { return s == Certain && len(d.AllowSockets) == 0 }

// hasProc reports whether the sandbox has a proc.
func (d *describer) hasProc() bool {
	for i := range d.Files {
		if d.Files[i].Kind == tree.Proc {
			return true
		}
	}
	return false
}

// bindRisks lists the risks of one bind, unless a later operation hides it.
func (d *describer) bindRisks(i int) {
	op := &d.Files[i]
	source, dest := tree.BoxPath(op.Source), tree.BoxPath(op.Dest)
	if op.Kind == tree.Overlay {
		// A layer shows files as a bind does.
		for _, layer := range op.Layers {
			d.secretRisk(i, tree.BoxPath(layer), dest)
		}
	}
	if op.Kind != tree.Bind || d.hidden(dest, i) {
		return
	}
	d.risk(d.service(source) != "" && !d.scoped(d.Scopes.Sockets), op.Source+" is "+d.service(source))
	home := d.Home // outside: what is called so inside starts nothing later
	d.risk(op.Access != tree.ReadOnly && (source == "/" || home != "" && tree.Lies(tree.BoxPath(home), source)),
		op.Source+" is writable: the command can change files that run outside later, such as .bashrc")
	d.secretRisk(i, source, dest)
	// A link to /run on nearly every system.
	if rest, ok := strings.CutPrefix(source, "/var/run"); ok {
		source = "/run" + rest
	}
	var open []string
	if tree.Lies(source, "/run/user") && strings.Count(source, "/") <= 3 { // of one user, or of all
		open = append(open, dest)
	}
	// A bind of the root, say, has both, unless a tmpfs lies on one of them.
	for _, dir := range socketDirs {
		where := tree.BoxPath(dest + "/" + strings.TrimPrefix(dir, source))
		if tree.Lies(dir, source) && !d.hidden(where, i) {
			open = append(open, where)
		}
	}
	d.risk(len(open) > 0 && !d.scoped(d.Scopes.Sockets), "the command can connect to sockets in "+strings.Join(open, ", ")+", even on a read-only mount (use --tmpfs)")
}

// secretRisk names the caller's keys and passwords that the i-th operation lets the command
// read by showing source at dest, and that nothing later covers.
func (d *describer) secretRisk(i int, source, dest string) {
	home := d.Home
	// Without a home, or with the root as one, every path would be a secret.
	if home = tree.BoxPath(home); home == "/" {
		return
	}
	inside := func(path string) string { return tree.BoxPath(dest + "/" + strings.TrimPrefix(path, source)) }
	var open []string
	for _, name := range Secrets {
		path := home + "/" + name
		switch {
		case tree.Lies(source, path): // the secret itself, or a part of it
			path = dest
		// The secret lies below what is shown.
		case tree.Lies(path, source):
			path = inside(path)
		default:
			continue
		}
		if !d.hidden(path, i) {
			open = append(open, path)
		}
	}
	// One tmpfs that covers them all: on the home, or on what is shown of it.
	remedy := dest
	if tree.Lies(home, source) {
		remedy = inside(home)
	}
	more := ""
	// Three are enough to see what is meant.
	if len(open) > 3 {
		open, more = open[:3], " and others"
	}
	d.risk(len(open) > 0, "the command can read keys and passwords, if there are any: "+strings.Join(open, ", ")+more+" (use --tmpfs "+remedy+")")
}

// service returns the service that a source leads to, or "".
func (d *describer) service(source string) string {
	// Before the parts of names below: files there only look like sockets.
	for _, dir := range programs {
		if tree.Lies(source, dir) {
			return ""
		}
	}
	// By its very path, since its name follows no rule.
	if agent := d.SSHAgent; agent != "" && tree.BoxPath(agent) == source {
		return "the SSH agent: the command can log in elsewhere"
	}
	for _, s := range services {
		if s.part != "" && strings.Contains(source, s.part) || s.end != "" && strings.HasSuffix(source, s.end) {
			return s.what
		}
	}
	return ""
}
