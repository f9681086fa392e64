package sandbox

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox/internal/describe"
)

func rwBind(src, dst string) mounts.Op {
	return mounts.ReadWrite(src).At(dst)
}

// described are command lines as people write them; testdata/explain-NAME.golden is what
// --explain says to them.
var described = []struct {
	name string
	host facts
	spec Spec
}{
	{"nothing", user(), Spec{}},
	{"root", root(), Spec{Identity: Identity{KeepCaps: true}, Files: []mounts.Op{rwBind("/", "/")}}},
	// A build that may write to its own directory and nowhere else.
	{"build", user(), Spec{
		Namespaces: Namespaces{User: Try, IPC: Want, PID: Want, Net: Want, UTS: Want, Cgroup: Try},
		Files: []mounts.Op{
			roBind("/", "/"), mounts.Dev("/dev"), mounts.Proc("/proc"), mounts.Tmpfs("/tmp"),
			rwBind("/home/u/project", "/home/u/project"),
		},
		Session: Session{DieWithParent: true},
	}},
	// An application as Flatpak starts it: its runtime, its data, filtered and unfiltered
	// sockets, parts of /sys.
	{"flatpak", user(), Spec{
		Namespaces: Namespaces{PID: Want, Cgroup: Try, User: Want, DisableUsers: true},
		Files: []mounts.Op{
			roBind("/var/lib/flatpak/runtime/files", "/usr"), roBind("/var/lib/flatpak/app/files", "/app"),
			mounts.Proc("/proc"), mounts.Dir("/tmp"), mounts.Dev("/dev"), rwBind("/dev/shm", "/dev/shm"),
			roBind("/sys/block", "/sys/block"), roBind("/sys/bus", "/sys/bus"), roBind("/sys/class", "/sys/class"),
			mounts.Symlink("usr/lib", "/lib"),
			mounts.ReadOnlyData("/etc/passwd", mounts.SetFD(20)),
			rwBind("/home/u/.var/app/org.example.App", "/home/u/.var/app/org.example.App"),
			roBind("/run/user/1000/.dbus-proxy/session-bus-proxy-X", "/run/flatpak/bus"),
			roBind("/run/user/1000/wayland-0", "/run/user/1000/wayland-0"),
			roBind("/tmp/.X11-unix/X0", "/tmp/.X11-unix/X0"),
			roBind("/run/user/1000/bus", "/run/user/1000/bus"),
		},
		Lockdown: Lockdown{Filters: []Filter{{BPF: allow(1)}}},
	}},
	// Everything that --explain has a line for.
	{"all-kinds", root(), Spec{
		Namespaces: Namespaces{JoinUser: SetFD(3), JoinPID: SetFD(4), JoinNet: SetFD(5), Cgroup: Want},
		Identity:   Identity{Caps: []CapEdit{{Drop: true, Caps: idmap.AllCaps}, {Caps: 1 << 13}}},
		Files: []mounts.Op{
			mounts.Devices("/dev/dri").At("dev//dri"),
			mounts.ReadWriteFD(mounts.SetFD(9), "/fd"),
			mounts.Overlay("/o1", "/low", "/high"),
			mounts.TmpOverlay("/o2", "/low"),
			mounts.WritableOverlay("/o3", "/up", "/wk", "/low"),
			mounts.File("/f", SetFD(7)),
			mounts.Mqueue("/mq"),
			mounts.Chmod("/f", 0o600),
			mounts.RemountReadOnly("/o3"), mounts.Proc("/proc"),
		},
		ProcFallback: mounts.BindOuter,
		Lockdown:     Lockdown{Forgive: true},
		Session:      Session{New: Want},
	}},
	// Everything out of reach, but one socket; and all of it.
	{"scopes", user(), Spec{
		Files: []mounts.Op{roBind("/", "/")},
		Lockdown: Lockdown{
			Scopes: Scopes{Signals: Want, AbstractSockets: Want, Sockets: Try}, AllowSockets: []string{"/run/bus"},
		},
	}},
	{"scopes-all", user(), Spec{
		Files:    []mounts.Op{roBind("/", "/"), roBind("/run/docker.sock", "/run/docker.sock")},
		Lockdown: Lockdown{Scopes: Scopes{Signals: Want, AbstractSockets: Want, Sockets: Want}},
	}},
	// An agent's own project, with what it must not read, and what would run outside later.
	{"denials", user(), Spec{
		Namespaces: Namespaces{User: Try, PID: Want, Net: Want},
		Files: []mounts.Op{
			roBind("/", "/"), mounts.Mask("/home/u/.ssh"), rwBind("/home/u/project", "/home/u/project"),
			mounts.Mask("/home/u/project/.env").Try(), mounts.Mask("/home/u/project/**/*.pem").Glob(),
			mounts.Protect("/home/u/project/.git/hooks"), mounts.Protect("/home/u/project/*.lock").Glob().Try(),
			mounts.Protect("/srv/x"), mounts.Tmpfs("/srv"),
		},
	}},
	// What is created below a writable bind is the host's, unless a tmpfs lies between.
	{"outlives", user(), Spec{
		Files: []mounts.Op{
			roBind("/usr", "/usr"), mounts.Dir("/d"), rwBind("/home/u", "/home/u"), mounts.Dir("/home/u/d"),
			mounts.Symlink("x", "/home/u/link"), mounts.Tmpfs("/home/u/t"), mounts.Dir("/home/u/t/d"),
		},
	}},
	{"setuid", func() facts { h := user(); h.Setuid = true; return h }(), Spec{Mode: Setuid, Files: []mounts.Op{roBind("/", "/")}}},
}

// TestDescribe: the whole text. After a change that is meant:
//
//	go test ./sandbox -run TestDescribe -update
func TestDescribe(t *testing.T) {
	for _, c := range described {
		lines := linesOf(wantedOf(&c.spec, nil), c.host)
		for _, line := range lines {
			if what, list, ok := strings.Cut(line, ": "); !ok || what == "" || list == "" || strings.Contains(line, "\n") {
				t.Errorf("%s: %q is not of the form what: list", c.name, line)
			}
		}
		compareFile(t, filepath.Join("testdata", "explain-"+c.name+".golden"), strings.Join(lines, "\n")+"\n")
	}
}

// TestDescribeAgreesWithCompile: what is called new is what the plan makes new.
func TestDescribeAgreesWithCompile(t *testing.T) {
	for _, c := range golden {
		p, err := planOf(&c.spec, c.host)
		if err != nil {
			t.Fatal(err)
		}
		own := ""
		for _, line := range linesOf(wantedOf(&c.spec, nil), c.host) {
			if list, ok := strings.CutPrefix(line, "new namespaces: "); ok {
				own = list
			}
		}
		names := map[string]string{"user": "user", "mnt": "mount", "pid": "processes", "net": "network", "ipc": "IPC", "uts": "host name", "cgroup": "cgroup"}
		var want []string
		for name := range strings.SplitSeq(plan.Namespaces(p.Header().Clone), ",") {
			want = append(want, names[name])
		}
		have := strings.Split(own, ", ")
		slices.Sort(want)
		slices.Sort(have)
		if !slices.Equal(have, want) {
			t.Errorf("%s: described as %q, compiled to %q", c.name, have, want)
		}
	}
}

// covers puts a tmpfs on every place of a home where secrets are.
func covers(home string) (ops []mounts.Op) {
	for _, name := range describe.Secrets {
		ops = append(ops, mounts.Tmpfs(home+"/"+name))
	}
	return ops
}

// TestRisks: each risk is named where it is, and not where it is not.
func TestRisks(t *testing.T) {
	home, agent, homeless := user(), user(), user()
	homeless.Env = []string{"HOME=/"}
	agent.Env = append(slices.Clone(agent.Env), "SSH_AUTH_SOCK=/home/u/.cache/agent")
	var tight Spec
	tight.Namespaces = Namespaces{User: Want, IPC: Want, PID: Want, Net: Want, UTS: Want, Cgroup: Want}
	tight.Session.New = Want
	for _, c := range []struct {
		name string
		host facts
		ops  []mounts.Op
		want string // a part of the only risk; "" for none
	}{
		{"nothing", home, nil, ""},
		{"system bus", home, []mounts.Op{roBind("/run/dbus/system_bus_socket", "/b")}, "/run/dbus/system_bus_socket is the system's D-Bus"},
		{"session bus", home, []mounts.Op{roBind("/run/user/1000/bus", "/b")}, "the session's D-Bus"},
		{"X11", home, []mounts.Op{roBind("/tmp/.X11-unix", "/tmp/.X11-unix")}, "X11"},
		{"Wayland", home, []mounts.Op{roBind("/run/user/1000/wayland-1", "/w")}, "Wayland"},
		{"docker", home, []mounts.Op{rwBind("/var/run/docker.sock", "/d")}, "Docker: the command can become root outside"},
		{"podman", home, []mounts.Op{rwBind("/run/podman/podman.sock", "/d")}, "Podman"},
		{"systemd", home, []mounts.Op{rwBind("/run/user/1000/systemd/private", "/d")}, "systemd"},
		{"gpg", home, []mounts.Op{rwBind("/run/user/1000/gnupg/S.gpg-agent", "/d")}, "GnuPG"},
		{"gpg directory", home, []mounts.Op{rwBind("/run/user/1000/gnupg", "/d")}, "GnuPG"},
		{"ssh", home, []mounts.Op{rwBind("/tmp/ssh-abc/agent.1", "/d")}, "perhaps an SSH agent"},
		{"ssh by variable", agent, []mounts.Op{rwBind("/home/u/.cache/agent", "/d")}, "the SSH agent"},
		{"hidden socket", home, []mounts.Op{roBind("/run/user/1000/bus", "/a/b"), mounts.Tmpfs("/a")}, ""},
		{"socket below a file", home, []mounts.Op{roBind("/run/user/1000/bus", "/a/b"), mounts.Tmpfs("/a/bc")}, "D-Bus"},
		{"replaced, if there is one", home, []mounts.Op{roBind("/run/user/1000/bus", "/b"), mounts.ReadOnly("/x").At("/b").Try()}, "D-Bus"},
		{"no sockets", home, []mounts.Op{roBind("/sys/bus", "/sys/bus"), roBind("/usr/bin/wayland-scanner", "/w"), roBind("/usr/lib/gnupg", "/g"), roBind("/etc/ssh", "/s")}, ""},

		{"all of the host", homeless, []mounts.Op{roBind("/", "/")}, "sockets in /run, /tmp, even"},
		{"elsewhere", homeless, []mounts.Op{roBind("/", "/host")}, "sockets in /host/run, /host/tmp, even"},
		{"without /run", homeless, []mounts.Op{roBind("/", "/"), mounts.Tmpfs("/run")}, "sockets in /tmp, even"},
		{"without both", homeless, []mounts.Op{roBind("/", "/"), mounts.Tmpfs("/run"), mounts.Tmpfs("/tmp")}, ""},
		{"another /run", homeless, []mounts.Op{mounts.Tmpfs("/run"), mounts.Tmpfs("/tmp"), roBind("/", "/")}, "sockets in /run, /tmp, even"},
		{"/run", homeless, []mounts.Op{roBind("/run", "/r")}, "sockets in /r, even"},
		{"/var/run", homeless, []mounts.Op{roBind("/var/run/", "/r")}, "sockets in /r, even"},
		{"a user's", home, []mounts.Op{roBind("/run/user/1000", "/r")}, "sockets in /r, even"},
		{"a directory of a user's", home, []mounts.Op{roBind("/run/user/1000/app", "/r")}, ""},

		{"home", home, append([]mounts.Op{rwBind("/home/u/", "/h")}, covers("/h")...), "/home/u/ is writable: "},
		{"above home", home, append([]mounts.Op{rwBind("/home", "/h")}, covers("/h/u")...), "/home is writable: "},
		{"in home", home, []mounts.Op{rwBind("/home/u/src", "/h")}, ""},
		{"beside home", home, []mounts.Op{rwBind("/home/user", "/h")}, ""},
		{"with devices", home, append([]mounts.Op{mounts.Devices("/home/u").At("/h")}, covers("/h")...), "is writable"},

		{"home to read", home, []mounts.Op{roBind("/home/u", "/h")}, "the command can read keys and passwords, if there are any: /h/.ssh, /h/.gnupg, /h/.aws and others (use --tmpfs /h)"},
		{"homes to read", home, []mounts.Op{roBind("/home", "/home")}, "/home/u/.ssh, /home/u/.gnupg, /home/u/.aws and others (use --tmpfs /home/u)"},
		{"home below an overlay", home, []mounts.Op{mounts.TmpOverlay("/h", "/usr", "/home/u")}, "/h/.ssh, /h/.gnupg, /h/.aws and others (use --tmpfs /h)"},
		{"home, covered", home, []mounts.Op{roBind("/home", "/home"), mounts.Tmpfs("/home/u")}, ""},
		{"home, except for some", home, append([]mounts.Op{roBind("/home/u", "/h")}, covers("/h")[1:]...), "if there are any: /h/.ssh (use --tmpfs /h)"},
		{"keys", home, []mounts.Op{roBind("/home/u/.ssh", "/k")}, "if there are any: /k (use --tmpfs /k)"},
		{"a key", home, []mounts.Op{roBind("/home/u/.ssh/id_rsa", "/k")}, "if there are any: /k (use --tmpfs /k)"},
		{"settings", home, []mounts.Op{roBind("/home/u/.config", "/c")}, "/c/gcloud, /c/google-chrome, /c/chromium (use --tmpfs /c)"},
		{"a project", home, []mounts.Op{roBind("/home/u/src", "/c")}, ""},
		{"another user's home", home, []mounts.Op{roBind("/home/v", "/h")}, ""},
	} {
		s := tight
		s.Files = c.ops
		s.Env = []EnvOp{{Name: "HOME", Value: "/inside"}} // says nothing about the home outside
		var have []string
		for _, line := range linesOf(wantedOf(&s, nil), c.host) {
			if risk, ok := strings.CutPrefix(line, "risk: "); ok {
				have = append(have, risk)
			}
		}
		if text := strings.Join(have, "\n"); len(have) > 1 || !strings.Contains(text, c.want) || c.want == "" && text != "" {
			t.Errorf("%s: %q, want %q", c.name, have, c.want)
		}
	}
	wide := Spec{Identity: Identity{KeepCaps: true}}
	for _, part := range []string{"--unshare-net", "--unshare-pid", "--new-session", "--cap-drop ALL"} {
		for _, c := range []struct {
			spec *Spec
			want bool
		}{{&wide, true}, {&tight, false}} {
			if have := strings.Contains(strings.Join(linesOf(wantedOf(c.spec, nil), root()), "\n"), part); have != c.want {
				t.Errorf("%s is named as a remedy: %v, want %v", part, have, c.want)
			}
		}
	}
}
