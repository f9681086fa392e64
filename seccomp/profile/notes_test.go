package profile

import (
	"slices"
	"strings"
	"testing"
)

// TestNotes: each kind of note, by a profile that has it, and none where nothing is
// worth one.
func TestNotes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "comment": "x"}`), ""},
		{"a key", `{"defaultAction": "SCMP_ACT_ALLOW", "x-note": 1}`, `"x-note": ignored: unknown`},
		{"a key below", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_NE", "values": 3}]}`), `"syscalls[0].args[0].values": ignored: unknown`},
		{"a key in a condition", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"capabilities": []}}`), `"syscalls[0].includes.capabilities": ignored: unknown`},
		{"another case", `{"DEFAULTACTION": "SCMP_ACT_ALLOW"}`, ""},
		{"a flag", `{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}`, `flags: ignored: "SECCOMP_FILTER_FLAG_LOG" says how`},
		{"a listener", `{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"}`, "listenerPath, listenerMetadata: ignored: nobody listens"},
		{"another machine", `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_PPC"]}`, "architectures: ignored: SCMP_ARCH_PPC is not one of SCMP_ARCH_X86_64's"},
		{"unknown calls", wrap(`{"names": ["read", "no_such_call", "write", "nor_this"], "action": "SCMP_ACT_ALLOW"}`), `syscalls[0]: unknown to libseccomp ` + Library() + `, left out: "no_such_call" "nor_this"`},
		{"for others", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}}`), "syscalls[0]: left out: only on s390x: read"},
		{"not for us", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["amd64"]}}`), "syscalls[0]: left out: excluded on amd64: read"},
		{"a capability", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}}`), "left out: only with CAP_BPF: read"},
		{"too old", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "6.2"}}`), "left out: only from Linux 6.2 on: read"},
		{"too new", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "6.1"}}`), "left out: excluded from Linux 6.1 on: read"},
		{"the default", wrap(`{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}`), "syscalls[0]: left out: that is the default action: read"},
		{"many calls", wrap(`{"names": ["read", "write", "open", "close", "stat", "fstat", "lstat", "poll"], "action": "SCMP_ACT_ERRNO"}`), "read write open close stat fstat and 2 more"},
		{"the second", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW"}, {"names": ["read"], "action": "SCMP_ACT_LOG"}`), "syscalls[1]: left out: syscalls[0] has read without a condition"},
		{"the one with a condition", wrap(`{"names": ["read"], "action": "SCMP_ACT_LOG", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}]}, {"names": ["read"], "action": "SCMP_ACT_ALLOW"}`), "syscalls[0]: left out: syscalls[1] has read without a condition"},
		{"the same argument", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}`), "syscalls[0]: two conditions are on the same argument, so each counts alone: read"},
		{"wide, permitted", wrap(`{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]}`), "syscalls[0].args[0]: SCMP_CMP_NE compares 64 bits"},
		{"wide, refused", `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 21522, "op": "SCMP_CMP_EQ"}]}]}`, "syscalls[0].args[0]: SCMP_CMP_EQ compares 64 bits"},
		{"narrow, permitted", wrap(`{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_EQ"}]}`), ""},
		{"narrow, refused", `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 4294967295, "valueTwo": 21522, "op": "SCMP_CMP_MASKED_EQ"}]}]}`, ""},
	} {
		p, err := Parse("", []byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, err := p.Notes(here)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.want == "" && len(got) > 0 || c.want != "" && !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestBuiltinsHaveNoNotes: our own profiles have nothing in them that does not count;
// in strict, one rule says what the default says anyway.
func TestBuiltinsHaveNoNotes(t *testing.T) {
	for file, most := range map[string]int{"no-tty-injection": 0, "no-unix-sockets": 0, "no-userns": 0, "strict": 1} {
		for _, arch := range []string{"amd64", "arm64"} {
			notes, err := parseFile(t, "../builtin/"+file+".json").Notes(Target{Arch: arch, Kernel: Kernel{6, 1}})
			notes = slices.DeleteFunc(notes, func(s string) bool { return strings.HasPrefix(s, "architectures: ignored") })
			if err != nil || len(notes) > most {
				t.Errorf("%s for %s: %q, %v", file, arch, notes, err)
			}
		}
	}
}

// FuzzParse: no text makes the parser or the compiler panic, and what they make is a
// filter that the kernel takes.
func FuzzParse(f *testing.F) {
	for _, c := range refusals {
		if len(c.text) < 1000 {
			f.Add([]byte(c.text), "amd64")
		}
	}
	f.Add([]byte(wrap(`{"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 3, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}], "includes": {"minKernel": "4.8", "caps": ["CAP_BPF"]}}`)), "amd64")
	f.Add([]byte(`{"defaultAction": "SCMP_ACT_LOG", "archMap": [{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}]}`), "arm64")
	f.Fuzz(func(t *testing.T, text []byte, arch string) {
		p, err := Parse("", text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		target := Target{Arch: arch, Kernel: Kernel{6, 1}}
		code, err := Compile(target, p)
		if _, err2 := p.Notes(target); (err == nil) && err2 != nil {
			t.Fatalf("compiled, but no notes: %v", err2)
		}
		if err == nil {
			load(t, code)
		}
	})
}
