package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/policy"
)

// TestRead: what a file can say, to a caller in the groups 0, 100 and 2³²-2.
func TestRead(t *testing.T) {
	options := policy.Options()
	bit := func(option string) uint64 { return 1 << slices.Index(options, option) }
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
		"refuse --bind":              {Refused: bit("--bind")},
		"  refuse --bind --proc  #x": {Refused: bit("--bind") | bit("--proc")},
		"require --bind\nrefuse --close-fds": {
			Required: bit("--bind"), Refused: bit("--close-fds"),
		},
		"require " + strings.Join(options, " "): {Required: 1<<len(options) - 1},
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
		"refuse --ro-bind", "require", "require --share-net", "requires --proc", "groups", "groups #1", "groups -1", "groups +1", "groups 1,2",
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

// TestOptions: each option that a line can name is one of the launcher's, and they fit in a set.
func TestOptions(t *testing.T) {
	options := policy.Options()
	for i, option := range options {
		if !slices.ContainsFunc(cmdline.Options[:], func(o cmdline.Option) bool { return o.Name == option }) {
			t.Errorf("%s is not an option", option)
		}
		if slices.Index(options, option) != i {
			t.Errorf("%s is there twice", option)
		}
		for _, v := range []policy.Verdict{policy.Refused, policy.Required} {
			if verdict, named := policy.Unpack(policy.Pack(v, uint32(i))); verdict != v || named != option {
				t.Errorf("%s: %d, %s", option, verdict, named)
			}
		}
	}
	if len(options) > 64 {
		t.Errorf("%d options do not fit", len(options))
	}
	if v, named := policy.Unpack(policy.Pack(policy.Refused, uint32(len(options)))); v != policy.Refused || named != "" {
		t.Errorf("beyond the last: %d, %q", v, named)
	}
}
