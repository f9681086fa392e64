package doctor

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwrap/gobwrap/sandbox"
)

// recorded is a machine's files: a text in which "-- PATH --" begins a file, as in txtar.
// What stands before the first one describes the machine.
type recorded map[string]string

func (r recorded) Read(path string) (string, error) {
	text, ok := r[path]
	if !ok {
		return "", fs.ErrNotExist
	}
	return text, nil
}

func (r recorded) Exists(path string) bool {
	_, ok := r[path]
	return ok
}

func tree(t *testing.T, name string) *facts {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	files, path := recorded{}, ""
	for line := range strings.Lines(string(data)) {
		if inner, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(inner, " --\n") {
			path = strings.TrimSuffix(inner, " --\n")
			files[path] = ""
		} else if path != "" {
			files[path] += line
		}
	}
	return &facts{Files: files, UID: 1000, Binary: binary{Path: "/usr/local/bin/gobwrap", Mode: 0o755, Mount: "/"}}
}

// report is the verdict on a tree where one step has failed.
func report(f *facts, s Step, e syscall.Errno) *Diagnosis {
	return judge(f, []Result{{Step: s, State: Failed, Errno: e}}, kernelFacts{})
}

// TestTrees: what a step's failure means on machines that we have not, and what is to be
// typed there.
func TestTrees(t *testing.T) {
	const profile = "/usr/local/bin/gobwrap --doctor=apparmor > /etc/apparmor.d/gobwrap && apparmor_parser -r /etc/apparmor.d/gobwrap"
	for _, c := range []struct {
		tree  string
		step  Step
		errno syscall.Errno
		cause string
		typed string // the commands of the first fix, or a part of its note
	}{
		{"ubuntu2404", IDMaps, eacces, "apparmor-userns", profile},
		{"ubuntu2404", IDMaps, eperm, "apparmor-userns", profile},
		{"ubuntu2404", UserNS, eacces, "apparmor-userns", profile},
		{"ubuntu2404", Loopback, eperm, "apparmor-userns", profile},
		{"ubuntu2404", Slave, eacces, "apparmor-userns", profile},
		{"ubuntu2504-below-bwrap", Nested, eperm, "apparmor-below-bwrap", "Start it outside of bwrap"},
		{"alt", UserNS, eperm, "alt-userns-restrict", "sysctl -w kernel.userns_restrict=0"},
		{"rhel7", UserNS, einval, "rhel7", `grubby --args="user_namespace.enable=1 namespace.unpriv_enable=1" --update-kernel=ALL`},
		{"rhel7", MountNS, eperm, "rhel7", "grubby"},
		{"rhel7", UserNS, syscall.ENOSPC, "max-namespaces", "sysctl -w user.max_user_namespaces=15000"},
		{"secureblue", UserNS, eacces, "selinux-userns", "ujust set-unconfined-userns on"},
		{"fedora-enforcing", UserNS, eacces, "selinux-userns", "ausearch -m avc -c gobwrap --raw | audit2allow -M gobwrap && semodule -i gobwrap.pp"},
		{"docker", UserNS, eperm, "seccomp-container", "docker run --security-opt seccomp=unconfined"},
		{"docker", UserNS, enosys, "seccomp-container", "docker run --security-opt seccomp=unconfined"},
		{"docker", Slave, eacces, "apparmor-container", "docker run --security-opt apparmor=unconfined"},
		{"docker", Proc, eperm, "proc-masked", "docker run --security-opt systempaths=unconfined IMAGE"},
		{"docker", Proc, eacces, "apparmor-container", "docker run --security-opt apparmor=unconfined"},
		{"docker", Limit, syscall.EROFS, "proc-sys", "docker run --security-opt systempaths=unconfined IMAGE"},
		{"podman", Proc, eperm, "proc-masked", "podman run --security-opt unmask=ALL IMAGE"},
		{"podman", Tmpfs, eacces, "selinux-container", "podman run --security-opt label=disable IMAGE"},
		{"kubernetes", UserNS, eperm, "seccomp-container", "securityContext.seccompProfile.type: Unconfined"},
		{"kubernetes", Setuid, 0, "setuid-no-new-privs", "allowPrivilegeEscalation: true"},
		{"systemd", UserNS, eperm, "systemd-namespaces", `mkdir -p /etc/systemd/system/build@7.service.d && printf '[Service]\nRestrictNamespaces=no\n' > /etc/systemd/system/build@7.service.d/gobwrap.conf && systemctl daemon-reload && systemctl restart build@7.service`},
		{"systemd-user", UserNS, eperm, "systemd-namespaces", "mkdir -p ~/.config/systemd/user/build.service.d"},
		{"systemd", Proc, eperm, "systemd-proc", "mkdir -p /etc/systemd/system/build@7.service.d && printf '[Service]\\nProtectKernelTunables=no\\n'"},
		{"systemd", Setuid, 0, "setuid-no-new-privs", "mkdir -p /etc/systemd/system/build@7.service.d && printf '[Service]\\nNoNewPrivileges=no\\n'"},
		{"wsl1", UserNS, einval, "wsl1", `wsl.exe --set-version "$WSL_DISTRO_NAME" 2`},
		{"gvisor", UserNS, eperm, "gvisor", "docker run --runtime=runc IMAGE"},
		{"gentoo", UserNS, einval, "kernel-without-namespace", "Set CONFIG_USER_NS=y"},
		{"gentoo", NetNS, einval, "kernel-without-namespace", "Set CONFIG_NET_NS=y"},
		{"gentoo", Seccomp, einval, "kernel-without-seccomp", "CONFIG_SECCOMP_FILTER=y"},
		{"gentoo", Overlay, eperm, "overlay-old", "newer kernel"},
		{"gentoo", Overlay, syscall.ENODEV, "overlay-module", "modprobe overlay"},
		{"gentoo", Landlock, syscall.EOPNOTSUPP, "landlock-off", "lsm="},
		{"gentoo", IDMaps, syscall.EROFS, "proc-read-only", "start the outer one with --proc /proc"},
		{"systemd", IDMaps, syscall.EROFS, "proc-read-only", `[Service]\nReadWritePaths=/proc\n`},
		{"debian12", Ranges, 0, "newuidmap-missing", "apt install uidmap"},
		{"fedora-enforcing", Ranges, 0, "newuidmap-missing", "dnf install shadow-utils"},
		{"gentoo", Ranges, 0, "newuidmap-missing", "the package that has newuidmap(1)"},
		{"chroot", UserNS, eperm, "chroot", "pivot_root . ."},
		{"chroot", Slave, einval, "chroot", "pivot_root . ."},
		{"debian12", UserNS, eperm, "refused", "dmesg"},
		{"debian12", PIDNS, syscall.ENOSPC, "max-namespaces", "sysctl -w user.max_pid_namespaces=15000"},
		{"debian12", Setuid, eperm, "setuid-privilege", "CAP_SYS_ADMIN"},
	} {
		t.Run(c.tree+"-"+string(c.step)+"-"+errnoName(c.errno), func(t *testing.T) {
			r := report(tree(t, c.tree), c.step, c.errno)
			if len(r.found) != 1 || r.found[0].Cause.ID != c.cause {
				t.Fatalf("want the cause %s, but %+v", c.cause, r.found)
			}
			first := r.found[0].Fixes[0]
			if have := strings.Join(first.Now, " && ") + first.Note; !strings.Contains(have, c.typed) {
				t.Errorf("what fixes it is %q, want %q in it", have, c.typed)
			}
			if r.Status != StatusNothing {
				t.Errorf("status %d", r.Status)
			}
		})
	}
}

// TestNoCause: where the facts do not say, nothing is said.
func TestNoCause(t *testing.T) {
	for _, c := range []struct {
		tree  string
		step  Step
		errno syscall.Errno
	}{
		{"debian12", Proc, eperm},
		{"debian12", Bind, syscall.ENOENT},
		{"debian12", Overlay, einval},
		{"wsl2", Proc, eperm},
	} {
		if r := report(tree(t, c.tree), c.step, c.errno); len(r.found) != 0 {
			t.Errorf("%s, %s, %v: %+v", c.tree, c.step, c.errno, r.found[0])
		}
	}
}

// TestFacts: what is read from where.
func TestFacts(t *testing.T) {
	f := tree(t, "debian12")
	if o := f.os(); o != (osRelease{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)"}) {
		t.Errorf("OS %+v", o)
	}
	if f.inUserNS() || f.filtered() || f.noNewPrivs() || f.container() != "" || f.chrooted() || len(f.masks()) != 0 || f.el7() || f.wsl1() || f.gvisor() {
		t.Errorf("a plain Debian is taken for something else: masks %q", f.masks())
	}
	if m := f.mountOf("/media/my disk/x"); m != "/media/my disk" {
		t.Errorf("mount %q", m)
	}
	if m := f.mountOf("/tmpfile"); m != "/" {
		t.Errorf("mount %q", m)
	}
	if !f.before("6.2") || f.before("6.1") || f.before("5.11") {
		t.Error("6.1.0 is older than 6.2 only")
	}
	d := tree(t, "docker")
	if want := []string{"/proc/bus", "/proc/sys", "/proc/acpi"}; !slices.Equal(d.masks(), want) || d.container() != "docker" || d.label() != "docker-default" {
		t.Errorf("docker: masks %q, container %q, label %q", d.masks(), d.container(), d.label())
	}
	u := tree(t, "ubuntu2404")
	if unit, _ := u.unit(); unit != "" {
		t.Errorf("a terminal is taken for the service %q", unit)
	}
	if !slices.Equal(u.places(), []string{"ubuntu", "debian"}) {
		t.Errorf("places %q", u.places())
	}
	if empty := (&facts{Files: recorded{}}); empty.os().Name != "an unknown distribution" || empty.chrooted() || empty.before("9.9") || empty.inUserNS() {
		t.Error("facts out of nothing")
	}
}

// TestNamespacesThere: EINVAL of a clone is a kernel without the namespace only where its
// file is missing too.
func TestNamespacesThere(t *testing.T) {
	for filter, want := range map[string]string{"0": "emulated", "2": "filter"} {
		f := tree(t, "gentoo")
		files := f.Files.(recorded)
		files["/proc/self/ns/user"] = ""
		files["/proc/self/status"] = "CapBnd:\t000001ffffffffff\nSeccomp:\t" + filter + "\n"
		if r := report(f, UserNS, einval); len(r.found) != 1 || r.found[0].Cause.ID != want {
			t.Errorf("with the file and Seccomp: %s: %+v, want %s", filter, r.found, want)
		}
		if r := report(f, NetNS, einval); len(r.found) != 1 || r.found[0].Cause.ID != "kernel-without-namespace" {
			t.Errorf("without the file: %+v", r.found)
		}
	}
}

// TestWhoseFilter: a filter is the container's if PID 1 has one too, or if that cannot be
// seen.
func TestWhoseFilter(t *testing.T) {
	for pid1, want := range map[string]string{"": "seccomp-container", "2": "seccomp-container", "0": "filter"} {
		f := tree(t, "docker")
		if pid1 != "" {
			f.Files.(recorded)["/proc/1/status"] = "CapBnd:\t00000000a80425fb\nSeccomp:\t" + pid1 + "\n"
		}
		if r := report(f, UserNS, eperm); len(r.found) != 1 || r.found[0].Cause.ID != want {
			t.Errorf("PID 1 has Seccomp: %q: %+v, want %s", pid1, r.found, want)
		}
	}
}

// TestKilled: what a filter has killed has that cause, whatever the errno or the place.
func TestKilled(t *testing.T) {
	for name, want := range map[string]string{
		"debian12": "Let the filter permit these calls",
		"systemd":  `[Service]\nSystemCallFilter=@mount @process\n`,
		"docker":   "Let the filter permit these calls",
	} {
		f := tree(t, name)
		f.Deadly = []string{"mount", "pivot_root"}
		r := judge(f, []Result{{Step: Command, State: Failed, Killed: true, Message: sandbox.ErrKilled.Error()}}, kernelFacts{})
		if len(r.found) != 1 || !strings.Contains(r.found[0].Says, "these calls: mount, pivot_root.") ||
			!strings.Contains(strings.Join(r.found[0].Fixes[0].Now, " ")+r.found[0].Fixes[0].Note, want) {
			t.Errorf("%s: %+v", name, r.found)
		}
		if notes := strings.Join(r.notes, " "); strings.Contains(notes, "4755") {
			t.Errorf("%s: setuid mode is advised, which is killed too: %s", name, notes)
		}
	}
}
