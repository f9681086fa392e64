package sandbox

import (
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/idmap"
	"github.com/gobwrap/gobwrap/mounts"
)

// TestFieldErrors: a field that cannot be as it is, of the Cmd or of its Spec, is an error
// that names it, before anything is started.
func TestFieldErrors(t *testing.T) {
	file := func(op mounts.Op) func(*Cmd) {
		return func(c *Cmd) { c.Spec.Files = []mounts.Op{roBind("/", "/"), op} }
	}
	profile := func(f ...Filter) func(*Cmd) { return func(c *Cmd) { c.Spec.Lockdown.Filters = f } }
	env := func(op EnvOp) func(*Cmd) { return func(c *Cmd) { c.Spec.Env = []EnvOp{{Clear: true}, op} } }
	for _, c := range []struct {
		option, problem string
		change          func(*Cmd)
	}{
		{"Files[1].Source", "must not be empty", file(mounts.ReadOnly("").At("/x"))},
		{"Files[1].Dest", "must not be empty", file(mounts.Tmpfs(""))},
		{"Files[1].FD", "must be given", file(mounts.ReadOnlyData("/x", mounts.FD{}))},
		{"Files[1].FD", "must be given", file(mounts.ReadOnlyFD(mounts.FD{}, "/x"))},
		{"Files[1].FD", "descriptor 3 is neither", file(mounts.File("/x", SetFD(3)))},
		{"Files[1].FD", "descriptor 3 is neither", file(mounts.ReadOnlyFD(SetFD(3), "/x"))},
		{"Files[1]", "is empty", file(mounts.Op{})},
		{"Files[1].Layers", "must have at least one entry", file(mounts.Overlay("/x"))},
		{"Files[1].Layers", "must have at least two entries", file(mounts.Overlay("/x", "/a"))},
		{"Files[1].Size", "is not used by Dir", file(mounts.Dir("/x").Size(1))},
		{"Files[1].Size", "must not be 0", file(mounts.Tmpfs("/x").Size(0))},
		{"Files[1].Try", "is not used by Tmpfs", file(mounts.Tmpfs("/x").Try())},
		{"Files[1].Perms", "010000 is more than 07777", file(mounts.Dir("/x").Perms(1 << 12))},
		{"Files[1].Perms", "is not used by Bind", file(mounts.ReadOnly("/x").Perms(0o700))},
		{"Files[1].Dest", "must not be empty", file(mounts.ReadOnly("relative"))},
		{"Files[1].Dest", "must not be empty", file(mounts.ReadOnly("/x").At(""))},
		{"Files[1].Source", "must not be empty", file(mounts.ReadWrite(os.Getenv("UNSET")).At("/x"))},
		{"Files[1].Target", "must not be empty", file(mounts.Symlink("", "/x"))},
		{"Files[1].FD", "must be given", file(mounts.File("/x", nil))},
		{"Files[1].Upper", "must not be empty", file(mounts.WritableOverlay("/x", "", "/w", "/a"))},
		{"Files[1].Work", "must not be empty", file(mounts.WritableOverlay("/x", "/u", "", "/a"))},
		{"Files[1].Layers[0]", "must not be empty", file(mounts.TmpOverlay("/x", ""))},
		{"Files[1]", "/proc/self/fd/7: descriptor 7 is neither", file(roBind("/proc/self/fd/7", "/x"))},
		{"Files[1]", "//dev/./fd/3/x: descriptor 3 is neither", file(roBind("//dev/./fd/3/x", "/x"))},
		{"Files[2].FD", "descriptor 0 was already used up by Files[1]", func(c *Cmd) {
			one := mounts.File("/x", SetFD(0))
			c.Spec.Files = []mounts.Op{roBind("/", "/"), one, one}
		}},
		{"Limits.Rlimits[0]", `invalid value "rss=1:1" (want a Name of as, core, cpu`, func(c *Cmd) { c.Spec.Limits.Rlimits = []Rlimit{{"rss", 1, 1}} }},
		{"Limits.Rlimits[1]", `invalid value "as=2:1" (want`, func(c *Cmd) { c.Spec.Limits.Rlimits = []Rlimit{{"as", 1, 1}, {"as", 2, 1}} }},
		{"Limits.Rlimits[0]", `invalid value "as=unlimited:1" (want`, func(c *Cmd) { c.Spec.Limits.Rlimits = []Rlimit{{"as", Unlimited, 1}} }},
		{"Limits.OOMScoreAdj", `invalid value "1001" (want -1000 to 1000)`, func(c *Cmd) { c.Spec.Limits.OOMScoreAdj = SetInt(1001) }},
		{"Limits.Timeout", "must be from 0", func(c *Cmd) { c.Spec.Limits.Timeout = -1 }},
		{"Limits.Timeout", "must be from 0", func(c *Cmd) { c.Spec.Limits.Timeout = 50 * 24 * time.Hour }},
		{"Limits.Timeout", "must be from 0", func(c *Cmd) { c.Spec.Limits.Timeout = math.MaxInt64 }},
		{"Limits.Timeout", "must be from 0", func(c *Cmd) { c.Spec.Limits.Timeout, c.Spec.Limits.Grace = 1, math.MaxInt64 }},
		{"Limits.CPUs", `invalid value "0-3-5" (want numbers of CPUs`, func(c *Cmd) { c.Spec.Limits.CPUs = "0-3-5" }},
		{"Limits.Nice", `invalid value "-21" (want -20 to 19)`, func(c *Cmd) { c.Spec.Limits.Nice = SetInt(-21) }},
		{"Mode", "invalid value 77 (want Auto, Direct or Setuid)", func(c *Cmd) { c.Spec.Mode = 77 }},
		{"Mode", "invalid value -1", func(c *Cmd) { c.Spec.Mode = -1 }},
		{"ProcFallback", "invalid value 3", func(c *Cmd) { c.Spec.ProcFallback = mounts.BindOuter + 1 }},
		{"Namespaces.User", "invalid value 77 (want Default, Share, Try or Want)", func(c *Cmd) { c.Spec.Namespaces.User = 77 }},
		{"Namespaces.IPC", "invalid value 4", func(c *Cmd) { c.Spec.Namespaces.IPC = Want + 1 }},
		{"Namespaces.PID", "invalid value 77", func(c *Cmd) { c.Spec.Namespaces.PID = 77 }},
		{"Namespaces.Net", "invalid value -1", func(c *Cmd) { c.Spec.Namespaces.Net = -1 }},
		{"Namespaces.UTS", "invalid value 77", func(c *Cmd) { c.Spec.Namespaces.UTS = 77 }},
		{"Namespaces.Cgroup", "invalid value 77", func(c *Cmd) { c.Spec.Namespaces.Cgroup = 77 }},
		{"Namespaces.Hostname", "contains a NUL byte", func(c *Cmd) { c.Spec.Namespaces.Hostname = SetText("a\x00") }},
		{"Namespaces.JoinNet", "descriptor 5 is neither", func(c *Cmd) { c.Spec.Namespaces.JoinNet = SetFD(5) }},
		{"Namespaces.JoinUser", "-1 cannot be a descriptor", func(c *Cmd) { c.Spec.Namespaces.JoinUser = SetFD(-1) }},
		{"Namespaces.Hostname", "needs a new UTS namespace", func(c *Cmd) {
			c.Spec.Namespaces.Hostname, c.Spec.Namespaces.UTS = SetText("a"), Share
		}},
		{"Identity.UID", "4294967295 is not an id", func(c *Cmd) { c.Spec.Identity.UID = SetID(1<<32 - 1) }},
		{"Identity.GID", "4294967295 is not an id", func(c *Cmd) { c.Spec.Identity.GID = SetID(1<<32 - 1) }},
		{"Identity.Caps[0].Caps", "must name a capability", func(c *Cmd) { c.Spec.Identity.Caps = []CapEdit{{Drop: true}} }},
		{"Identity.UIDMap", "0:5:0 maps no id", func(c *Cmd) { c.Spec.Identity.UIDMap = idmap.Map{{Outside: 5}} }},
		{"Spec.Env[1].Name", `"" is not the name of a variable`, env(EnvOp{Value: "x"})},
		{"Spec.Env[1].Name", `"" is not the name of a variable`, env(EnvOp{})},
		{"Spec.Env[1].Name", `"a=b" is not the name of a variable`, env(EnvOp{Name: "a=b", Unset: true})},
		{"Spec.Env[1].Value", "is not used by Unset", env(EnvOp{Name: "a", Value: "b", Unset: true})},
		{"Spec.Env[1].Value", "contains a NUL byte", env(EnvOp{Name: "a", Value: "\x00"})},
		{"Spec.Env[1].Clear", "cannot be combined with the other fields", env(EnvOp{Name: "a", Clear: true})},
		{"Session.New", "invalid value 9", func(c *Cmd) { c.Spec.Session.New = 9 }},
		{"Session.Locks[0]", "must not be empty", func(c *Cmd) { c.Spec.Session.Locks = []string{""} }},
		{"Session.SyncFDs[0]", "must be given", func(c *Cmd) { c.Spec.Session.SyncFDs = []FD{{}} }},
		{"Session.SyncFDs[1]", "descriptor 9 is neither", func(c *Cmd) { c.Spec.Session.SyncFDs = []FD{SetFD(0), SetFD(9)} }},
		{"Session.BlockFD", "descriptor 9 is neither", func(c *Cmd) { c.Spec.Session.BlockFD = SetFD(9) }},
		{"Report.InfoFD", "descriptor 3 is neither", func(c *Cmd) { c.Spec.Report.InfoFD = SetFD(3) }},
		{"Report.JSONStatusFD", "descriptor 3 is neither", func(c *Cmd) { c.Spec.Report.JSONStatusFD = SetFD(3) }},
		{"Report.UserBlockFD", "needs Report.InfoFD", func(c *Cmd) { c.Spec.Report.UserBlockFD = SetFD(0) }},
		{"Lockdown.Filters[0].BPF", "", profile(Filter{BPF: []byte{1, 2, 3}})},
		{"Lockdown.Filters[1]", "must have BPF or Profile", profile(Filter{BPF: allow(1)}, Filter{})},
		{"Lockdown.Filters[0]", "has both BPF and Profile", profile(Filter{BPF: allow(1), Profile: "strict"})},
		{"Lockdown.Filters[0].BPF", "the seccomp filter does not end with a return", profile(Filter{BPF: make([]byte, 8)})},
		{"Lockdown.Filters[0]", ` none: "none" is not one of the built-in profiles`, profile(Filter{Profile: "none"})},
		{"Lockdown.FileLabel", "the label is longer", func(c *Cmd) { c.Spec.Lockdown.FileLabel = SetText(`a"b`) }},
		{"Command.Chdir", "must not be empty", func(c *Cmd) { c.Spec.Command.Chdir = SetText("") }},
		{"Command.Argv0", "contains a NUL byte", func(c *Cmd) { c.Spec.Command.Argv0 = SetText("\x00") }},
		{"Cmd.Path", "must not be empty", func(c *Cmd) { c.Path, c.Args = "", nil }},
		{"Cmd.Path", "contains a NUL byte", func(c *Cmd) { c.Path = "\x00" }},
		{"Cmd.Args[1]", "contains a NUL byte", func(c *Cmd) { c.Args = append(c.Args, "a\x00b") }},
		{"Cmd.Env[0]", "contains a NUL byte", func(c *Cmd) { c.Env = []string{"A=\x00"} }},
		{"Cmd.Dir", "contains a NUL byte", func(c *Cmd) { c.Dir = "\x00" }},
	} {
		cmd := Command("/bin/true")
		c.change(cmd)
		err := cmd.Start()
		var e *SetupError
		if !errors.As(err, &e) || e.Stage != "options" || e.Field != c.option || !strings.HasPrefix(strings.TrimPrefix(e.Error(), c.option+":"), " "+strings.TrimPrefix(c.problem, " ")) && !strings.HasPrefix(e.Error(), c.option+c.problem) {
			t.Errorf("%s: %+v: %v, want %q", c.option, e, err, c.problem)
		}
		if cmd.Process != nil {
			t.Errorf("%s: something was started", c.option)
		}
		cmd.Describe() // which must not panic
	}
}

// TestFieldsHaveChecks: whatever has a type of few values, and whatever may be a
// descriptor, is looked at, also when it is new.
func TestFieldsHaveChecks(t *testing.T) {
	var walk func(name string, s *Spec, v reflect.Value)
	checked := 0
	walk = func(name string, s *Spec, v reflect.Value) {
		switch v.Interface().(type) {
		case Wish, Mode, mounts.Fallback:
			checked++
			v.SetInt(99)
		case FD:
			checked++
			v.Set(reflect.ValueOf(SetFD(-7)))
		case Text:
			checked++
			v.Set(reflect.ValueOf(SetText("\x00")))
		default:
			if v.Kind() == reflect.Struct {
				for i := range v.NumField() {
					if !v.Type().Field(i).IsExported() {
						continue
					}
					walk(name+"."+v.Type().Field(i).Name, s, v.Field(i))
				}
			}
			return
		}
		err := validate(wantedOf(s, nil))
		var e *SetupError
		if !errors.As(err, &e) || "."+e.Field != name {
			t.Errorf("%s: %v", name, err)
		}
		v.SetZero()
	}
	s := &Spec{}
	walk("", s, reflect.ValueOf(s).Elem())
	if checked < 20 {
		t.Errorf("only %d fields", checked)
	}
}

// TestPathsOfDescriptors: a path through a descriptor that the Cmd passes is not an error.
func TestPathsOfDescriptors(t *testing.T) {
	c := Command("/bin/true")
	c.Pass(os.Stdin)
	c.Spec.Files = []mounts.Op{roBind("/proc/self/fd/3", "/x"), roBind("proc/self/fd/9", "/x"), roBind("/proc/self/fd", "/x"), roBind("/dev/fd/x", "/x")}
	if err := c.checkFDs(c.spec()); err != nil {
		t.Error(err)
	}
}
