package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/policy"
)

// set is a set of options.
func set(options ...string) (s policy.Set) {
	for _, option := range options {
		s.Add(cmdline.Lookup([]byte(option)))
	}
	return s
}

// TestRead: what a file can say, to a caller in the groups 0, 100 and 2³²-2.
func TestRead(t *testing.T) {
	limited, member := policy.Policy{Limited: true}, policy.Policy{Limited: true, Member: true}
	for text, want := range map[string]policy.Policy{
		"":                           {},
		"\n \n\t\n# off\n#":          {},
		"# NUL \x00 and \xff":        {},
		"groups 5":                   limited,
		"groups 5 # 100":             limited,
		"groups 5\t100":              member,
		"groups 5\ngroups 0":         member,
		"groups 00000000000000100":   member,
		"groups 4294967294":          member,
		"refuse --bind":              {Refused: set("--bind")},
		"  refuse --bind --proc  #x": {Refused: set("--bind", "--proc")},
		"require --bind\nrefuse --close-fds": {
			Required: set("--bind"), Refused: set("--close-fds"),
		},
		"require " + strings.Join(policy.Options(), " "): {Required: set(policy.Options()...)},
	} {
		var got policy.Policy
		if line := got.Read([]byte(text), []uint32{0, 100, 1<<32 - 2}); line != 0 || got != want {
			t.Errorf("%.60q: %+v, line %d; want %+v", text, got, line, want)
		}
	}
}

// TestReadRefuses: a line that is not understood is named by its number.
func TestReadRefuses(t *testing.T) {
	for _, text := range []string{
		"on", "off", "\x00", "\r", "refuse", "refuse ", "refuse #--bind", "refuse bind", "refuse --bindd", "refuse --bin", "refuse --Bind",
		"refuse --bind,", "refuse --bind\r", "refuse --bind --no", "refuses --bind", "Refuse --bind", "refuse--bind", "refuse --unshare-user",
		"refuse --ro-bind", "refuse --mask-try", "refuse --help", "refuse -h", "require", "require --share-net", "requires --proc", "groups", "groups #1", "groups -1", "groups +1", "groups 1,2",
		"groups users", "groups 4294967295", "groups 18446744073709551716", "groups 100 x", "groups ٣", "group 100", "groups 100\x00", "--bind",
	} {
		for lines := range 3 {
			for _, after := range []string{"", "\n", "\nnonsense"} {
				before := strings.Repeat("# fine\n", lines)
				var p policy.Policy
				if line := p.Read([]byte(before+text+after), []uint32{100}); line != uint32(lines+1) {
					t.Errorf("%q: line %d, want %d", before+text+after, line, lines+1)
				}
			}
		}
	}
}

// FuzzRead: whatever the file holds, it is read to its end or to a line that it has.
func FuzzRead(f *testing.F) {
	f.Add("# only these\ngroups 100 1001\nrefuse --bind\nrequire --unshare-net --new-session\n")
	f.Add("groups 4294967295")
	f.Fuzz(func(t *testing.T, text string) {
		var p, again policy.Policy
		line := p.Read([]byte(text), []uint32{100})
		if int(line) > strings.Count(text, "\n")+1 {
			t.Fatalf("line %d", line)
		}
		if line == 0 && (again.Read([]byte("\n"+text+"\n#"), []uint32{100}) != 0 || again != p) {
			t.Fatalf("%+v, and between other lines %+v", p, again)
		}
	})
}

// TestSet: each option has a bit of its own.
func TestSet(t *testing.T) {
	for i := range cmdline.Options {
		var s policy.Set
		s.Add(i)
		for k := range cmdline.Options {
			if s.Has(k) != (k == i) {
				t.Errorf("%s: %s", cmdline.Options[i].Name, cmdline.Options[k].Name)
			}
		}
	}
}

// TestOptions: settings and flags of the plan can be named without a word
// about them, and what must be there for others to be named is there.
func TestOptions(t *testing.T) {
	for _, option := range []string{"--rlimit", "--nice", "--oom-score-adj", "--cpu-affinity", "--usage", "--foreground", "--forward-signals", "--not-a-security-boundary"} {
		if o := &cmdline.Options[cmdline.Lookup([]byte(option))]; o.Trace.By != cmdline.Unseen || !slices.Contains(policy.Options(), option) {
			t.Errorf("%s: %+v", option, o.Trace)
		}
	}
	for i := range cmdline.Options {
		if o := &cmdline.Options[i]; o.InPlan().By != cmdline.Unseen != slices.Contains(policy.Options(), o.Name) {
			t.Errorf("%s: %+v", o.Name, o.InPlan())
		}
	}
}
