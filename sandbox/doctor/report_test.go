package doctor

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
)

// works returns results in which everything works, except for some steps.
func works(failed ...Result) (all []Result) {
	for _, row := range stepRows {
		r := Result{Step: row.step, State: OK}
		if row.step == Setuid {
			r.State = Untried
		}
		for _, f := range failed {
			if f.Step == row.step {
				r = f
			}
		}
		all = append(all, r)
	}
	return all
}

// refused is a machine where nothing beyond the first step could be tried.
func refused(e syscall.Errno, setuid State) []Result {
	return []Result{{Step: UserNS, State: Failed, Errno: e}, {Step: Setuid, State: setuid}}
}

// TestStatus: the mode that would be used, and the status.
func TestStatus(t *testing.T) {
	f := tree(t, "debian12")
	f.Binary.Mode = 0o4755
	for _, c := range []struct {
		name    string
		results []Result
		mode    string
		status  int
	}{
		{"all", works(), "direct", StatusDirect},
		{"some", works(Result{Step: Proc, State: Failed, Errno: eperm}), "direct", StatusDirect},
		{"setuid", refused(eperm, OK), "setuid", StatusSetuid},
		{"nothing", refused(eperm, Failed), "", StatusNothing},
		{"not installed", refused(eperm, Untried), "", StatusNothing},
	} {
		if r := judge(f, c.results, kernelFacts{}); r.Mode != c.mode || r.Status != c.status || r.Why == "" {
			t.Errorf("%s: mode %q (%s), status %d", c.name, r.Mode, r.Why, r.Status)
		}
	}
}

// TestLacking: what will not work, by mode.
func TestLacking(t *testing.T) {
	f := tree(t, "debian12")
	has := func(r *Diagnosis, options string) bool {
		for _, l := range r.lacking {
			if strings.Contains(l.Options, options) && l.Why != "" {
				return true
			}
		}
		return false
	}
	r := judge(f, works(Result{Step: Overlay, State: Failed, Errno: syscall.ENODEV}, Result{Step: Landlock, State: Failed, Errno: enosys}), kernelFacts{})
	if len(r.lacking) != 1 || !has(r, "--tmp-overlay") {
		t.Errorf("without overlays: %+v", r.lacking)
	}
	f.Binary.Mode = 0o4755
	r = judge(f, append(refused(eperm, OK), Result{Step: Proc, State: Failed, Errno: eperm}), kernelFacts{})
	if !has(r, "--overlay") || !has(r, "--cap-add") || !has(r, "--userns-block-fd") || !has(r, "--proc") || has(r, "--unshare-user") {
		t.Errorf("in setuid mode: %+v", r.lacking)
	}
	if r = judge(f, refused(eperm, Failed), kernelFacts{}); len(r.lacking) != 0 {
		t.Errorf("where nothing works: %+v", r.lacking)
	}
}

// TestOneCauseOnce: steps that fail for one reason are explained once, and one of them
// at another place of the machine separately.
func TestOneCauseOnce(t *testing.T) {
	r := judge(tree(t, "debian12"), works(
		Result{Step: PIDNS, State: Failed, Errno: syscall.ENOSPC},
		Result{Step: NetNS, State: Failed, Errno: syscall.ENOSPC},
		Result{Step: Seccomp, State: Failed, Errno: einval},
	), kernelFacts{})
	if len(r.found) != 3 {
		t.Errorf("%d findings", len(r.found))
	}
	r = judge(tree(t, "docker"), []Result{
		{Step: UserNS, State: Failed, Errno: eperm},
		{Step: PIDNS, State: Failed, Errno: eperm},
	}, kernelFacts{})
	if len(r.found) != 1 || len(r.found[0].Steps) != 2 {
		t.Errorf("%+v", r.found)
	}
}

// TestMoves: how to get to setuid mode and back, where a package manager would undo
// a chmod and where not.
func TestMoves(t *testing.T) {
	f := tree(t, "ubuntu2404")
	for path, want := range map[string][2]string{
		"/usr/bin/gobwrap":    {"dpkg-statoverride --update --add root root 4755 /usr/bin/gobwrap", "dpkg-statoverride --remove /usr/bin/gobwrap && chmod 0755 /usr/bin/gobwrap"},
		"/opt/my tools/bwrap": {"chown root:root '/opt/my tools/bwrap' && chmod 4755 '/opt/my tools/bwrap'", "chmod 0755 '/opt/my tools/bwrap'"},
	} {
		f.Binary.Path = path
		if have := [2]string{toSetuid(f), toDirect(f)}; have != want {
			t.Errorf("%s: %q", path, have)
		}
	}
	files := f.Files.(recorded)
	files["/usr/share/doc/gobwrap/copyright"], files["/usr/share/doc/gobwrap-setuid/copyright"] = "", ""
	f.Binary.Path = "/usr/bin/gobwrap"
	if to, back := toSetuid(f), toDirect(f); to != "apt install gobwrap-setuid" || back != "apt remove gobwrap-setuid" {
		t.Errorf("with Debian's packages: %q, %q", to, back)
	}
	f.Binary.Path = "/opt/bwrap"
	if notes := judge(f, refused(eacces, Untried), kernelFacts{}).notes; len(notes) != 1 || !strings.Contains(notes[0], "chmod 4755") {
		t.Errorf("notes where nothing works: %q", notes)
	}
	f.Binary.Mode = 0o4755
	if notes := judge(f, works(), kernelFacts{}).notes; len(notes) != 1 || !strings.Contains(notes[0], "is not needed: chmod 0755") {
		t.Errorf("notes where the bit is not needed: %q", notes)
	}
	f.Binary.Mode = 0o2755
	if notes := judge(f, works(), kernelFacts{}).notes; len(notes) != 1 || !strings.Contains(notes[0], "unsupported combination") {
		t.Errorf("notes on a set-group-id binary: %q", notes)
	}
}

// TestSwap: where our packages exclude each other, one is put in the place of the other; a
// binary that is in none of them is changed itself.
func TestSwap(t *testing.T) {
	for release, want := range map[string][2]string{
		"ID=fedora\n": {"dnf swap gobwrap gobwrap-setuid", "dnf swap gobwrap-setuid gobwrap"},
		"ID=rocky\nID_LIKE=\"rhel centos fedora\"\n":          {"dnf swap gobwrap gobwrap-setuid", "dnf swap gobwrap-setuid gobwrap"},
		"ID=opensuse-tumbleweed\nID_LIKE=\"opensuse suse\"\n": {"zypper install gobwrap-setuid -gobwrap", "zypper install gobwrap -gobwrap-setuid"},
		"ID=alpine\n":                {"apk del gobwrap && apk add gobwrap-setuid", "apk del gobwrap-setuid && apk add gobwrap"},
		"ID=manjaro\nID_LIKE=arch\n": {"pacman -S gobwrap-setuid", "pacman -S gobwrap"},
		"ID=gentoo\n":                {"chown root:root /usr/bin/gobwrap && chmod 4755 /usr/bin/gobwrap", "chmod 0755 /usr/bin/gobwrap"},
	} {
		f := &facts{Files: recorded{"/etc/os-release": release, "/usr/share/gobwrap/apparmor/gobwrap": ""}, Binary: binary{Path: "/usr/bin/gobwrap"}}
		if have := [2]string{toSetuid(f), toDirect(f)}; have != want {
			t.Errorf("%q: %q", release, have)
		}
		f.Binary.Path = "/usr/local/bin/gobwrap"
		if have := toSetuid(f); !strings.HasPrefix(have, "chown root:root /usr/local") {
			t.Errorf("%q, without a package: %q", release, have)
		}
	}
}

// TestPolicyNote: policy.conf binds where the launcher alone may make user namespaces, with
// AppArmor on a condition; elsewhere it is advisory.
func TestPolicyNote(t *testing.T) {
	const (
		restrict = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
		apparmor = "/proc/self/attr/apparmor/current"
		selinux  = "/proc/self/attr/current"
		enforce  = "/sys/fs/selinux/enforce"
	)
	for _, c := range []struct {
		files recorded
		want  string
	}{
		{recorded{}, "is advisory here: this user can"},
		{recorded{restrict: "1\n", apparmor: "gobwrap (enforce)\n"}, "binds this user only if"},
		{recorded{restrict: "0\n", apparmor: "gobwrap (enforce)\n"}, "is advisory here: this user can"},
		{recorded{restrict: "1\n", apparmor: "unconfined\n"}, "is advisory here: this user can"},
		{recorded{selinux: "user_u:user_r:gobwrap_t:s0\x00", enforce: "1"}, "binds this user"},
		{recorded{selinux: "user_u:user_r:gobwrap_t:s0\x00", enforce: "0"}, "is advisory here: this user can"},
		{recorded{selinux: "unconfined_u:unconfined_r:unconfined_t:s0\x00", enforce: "1"}, "is advisory here: this user can"},
	} {
		f := &facts{Files: c.files, UID: 1000}
		if note := policyNote(f); !strings.HasPrefix(note, "/etc/gobwrap/policy.conf "+c.want) && !strings.Contains(note, c.want) {
			t.Errorf("%v: %s", c.files, note)
		}
		c.files["/etc/gobwrap/policy.conf"] = ""
		if f.UID = 0; f.policed() {
			t.Error("root is bound")
		}
		if f.UID = 1000; !f.policed() {
			t.Error("a user is not bound")
		}
	}
}

// TestText: the report for people, whole.
func TestText(t *testing.T) {
	for name, r := range map[string]*Diagnosis{
		"ubuntu2404": judge(tree(t, "ubuntu2404"), []Result{
			{Step: UserNS, State: OK},
			{Step: IDMaps, State: Failed, Errno: eacces, Message: "setting up uid map: Permission denied"},
			{Step: MountNS, State: OK},
			{Step: Command},
			{Step: Landlock, State: OK, Detail: "ABI 4"},
			{Step: Setuid, Detail: "this binary is not installed for that"},
		}, kernelFacts{MountEngine: "new"}),
		"docker": judge(tree(t, "docker"), refused(eperm, Untried), kernelFacts{MountEngine: "classic"}),
	} {
		golden := "testdata/" + name + ".golden"
		have := r.Text("1.2.3")
		if *update {
			if err := os.WriteFile(golden, []byte(have), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if have != string(want) {
			t.Errorf("%s: go test ./sandbox/doctor -run TestText -update changes it to\n%s", golden, have)
		}
	}
}

// TestJSON: the report for programs is one object with what the other one says.
func TestJSON(t *testing.T) {
	f := tree(t, "alt")
	f.Binary.Path = "/a \"b\"\\\x01\xff"
	var have struct {
		Version, Why string
		Status, UID  int
		Mode         *string
		OS           struct{ ID, Version, Name string }
		Binary       struct {
			Path, Mode string
			SetuidMode bool `json:"setuid-mode"`
		}
		Steps []struct {
			Step, Result, Cause string
			Errno               int
			ErrnoName           string `json:"errno-name"`
		}
		Causes []struct {
			Cause, Sentence string
			Fixes           []struct {
				Where, Note string
				Now, Boot   []string
			}
		}
		Lacking, Notes []any
	}
	text := judge(f, refused(eperm, Untried), kernelFacts{}).JSON("1.2.3")
	if err := json.Unmarshal([]byte(text), &have); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if have.Version != "1.2.3" || have.Status != 4 || have.Mode != nil || have.Why == "" || have.UID != 1000 || have.OS.ID != "altlinux" ||
		have.Binary.Path != "/a \"b\"\\\x01\ufffd" || have.Binary.Mode != "0755" || have.Binary.SetuidMode {
		t.Errorf("%s", text)
	}
	if len(have.Steps) != 2 || have.Steps[0].Step != "user-namespace" || have.Steps[0].Result != "failed" || have.Steps[0].Errno != 1 ||
		have.Steps[0].ErrnoName != "EPERM" || have.Steps[0].Cause != "alt-userns-restrict" || have.Steps[1].Result != "untried" {
		t.Errorf("steps %+v", have.Steps)
	}
	if len(have.Causes) != 1 || len(have.Causes[0].Fixes) != 1 || have.Causes[0].Fixes[0].Now[0] != "sysctl -w kernel.userns_restrict=0" ||
		have.Causes[0].Fixes[0].Boot[0] != "echo kernel.userns_restrict=0 >> /etc/sysctl.d/90-gobwrap.conf" {
		t.Errorf("causes %+v", have.Causes)
	}
}
