package doctor

import (
	"strings"
	"syscall"
	"testing"
)

// TestHint: a launch that failed is fixed by what the table says about its stage, and
// where that knows nothing there is no hint.
func TestHint(t *testing.T) {
	for _, c := range []struct {
		tree, stage, path string
		errno             syscall.Errno
		want              string // "": none
	}{
		{"ubuntu2404", "idmap", "", eacces, "As root: /usr/local/bin/gobwrap --doctor=apparmor > /etc/apparmor.d/gobwrap && apparmor_parser -r /etc/apparmor.d/gobwrap"},
		{"ubuntu2404", "loopback", "", eperm, "--doctor=apparmor"},
		{"alt", "launch", "", eperm, "sysctl -w kernel.userns_restrict=0"},
		{"rhel7", "launch", "", syscall.ENOSPC, "sysctl -w user.max_user_namespaces=15000"},
		{"rhel7", "launch", "", einval, ""}, // which namespace, a clone does not say, and all of them are there
		{"docker", "launch", "", eperm, "seccomp=unconfined"},
		{"docker", "proc", "/proc", eperm, "systempaths=unconfined"},
		{"docker", "limit-userns", "", syscall.EROFS, "systempaths=unconfined"},
		{"docker", "mount", "/dev/pts", eacces, "apparmor=unconfined"},
		{"docker", "mount", "/t", eacces, "apparmor=unconfined"},
		{"systemd", "launch", "", eperm, "RestrictNamespaces=no"},
		{"chroot", "slave", "", einval, "chroot"},
		{"secureblue", "launch", "", eacces, "ujust set-unconfined-userns on"},
		{"debian12", "launch", "", eperm, ""},
		{"debian12", "exec", "", syscall.ENOENT, ""},
		{"ubuntu2404", "bind", "/x", eacces, ""},
	} {
		f := tree(t, c.tree)
		for _, kind := range []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"} {
			f.Files.(recorded)["/proc/self/ns/"+kind] = ""
		}
		have := hint(f, c.stage, c.path, c.errno)
		if c.want == "" && have != "" || !strings.Contains(have, c.want) || strings.Contains(have, "\n") {
			t.Errorf("%s, %s, %v: %q, want %q in it", c.tree, c.stage, c.errno, have, c.want)
		}
	}
}

// TestSuspect: which namespace was one too many.
func TestSuspect(t *testing.T) {
	f := tree(t, "debian12")
	files := f.Files.(recorded)
	files["/proc/sys/user/max_net_namespaces"] = "0\n"
	if s := f.suspect(syscall.ENOSPC); s != NetNS {
		t.Errorf("ENOSPC with no network namespaces: %s", s)
	}
	if s := f.suspect(einval); s != UserNS {
		t.Errorf("EINVAL without any file of namespaces: %s", s)
	}
	if s := f.suspect(eperm); s != UserNS {
		t.Errorf("EPERM: %s", s)
	}
}

// TestAppArmor: the profile is for this binary wherever it lies.
func TestAppArmor(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/bin/gobwrap":   "\nprofile gobwrap /usr/bin/gobwrap flags=(attach_disconnected, mediate_deleted) {\n  userns,\n",
		"/opt/a b/gobwrap":   "\nprofile gobwrap \"/opt/a b/gobwrap\" flags=(attach_disconnected, mediate_deleted) {\n",
		"/opt/{a,b}*/g[o]?":  "\nprofile gobwrap \"/opt/\\{a,b\\}\\*/g\\[o\\]\\?\" flags=(attach_disconnected, mediate_deleted) {\n",
		`/opt/"q"/@{HOME}^\`: "\nprofile gobwrap /opt/\\\"q\\\"/\\@\\{HOME\\}\\^\\\\ flags=(attach_disconnected, mediate_deleted) {\n",
	} {
		text := appArmor(path)
		if !strings.Contains(text, want) || !strings.Contains(text, "\nabi <abi/4.0>,\n") || !strings.HasSuffix(text, "}\n") ||
			!strings.Contains(text, "#   "+quoteShell(path)+" --doctor=apparmor > /etc/apparmor.d/gobwrap\n#   apparmor_parser -r /etc/apparmor.d/gobwrap\n") {
			t.Errorf("%s:\n%s", path, text)
		}
	}
}

// TestQuoteShell: a path is one word, whatever is in it.
func TestQuoteShell(t *testing.T) {
	for in, want := range map[string]string{"/usr/bin/x-1": "/usr/bin/x-1", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "~": "'~'"} {
		if have := quoteShell(in); have != want {
			t.Errorf("%q becomes %s", in, have)
		}
	}
}
