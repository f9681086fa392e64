package profile

import (
	"fmt"
	"strings"
	"testing"
)

// wrap is a profile with one rule.
func wrap(rule string) string {
	return `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + rule + `]}`
}

// refusals are texts that are not profiles.
var refusals = []struct{ name, text, want string }{
	{"empty", "", "the profile is empty"},
	{"blank", " \n\t", "the profile is empty"},
	{"cut short", `{"defaultAction": "SCMP_ACT_ALLOW", "sysc`, "the profile is cut off"},
	{"cut between", `{"defaultAction": "SCMP_ACT_ALLOW",`, "the profile is cut off"},
	{"no JSON", "\n\ndefault: allow", "line 3: not JSON: invalid character 'd'"},
	{"a filter", "\x20\x00\x00\x00\x04\x00\x00\x00", "line 1: not JSON"},
	{"a list", "[]", "the profile is not a JSON object, but: array"},
	{"a string", `"SCMP_ACT_ALLOW"`, "the profile is not a JSON object"},
	{"nothing in it", "{}", "defaultAction is missing"},
	{"null", "null", "defaultAction is missing"},
	{"more behind", wrap("") + "\n{}", "line 2: there is more after the profile"},
	{"rubbish behind", wrap("") + "x", "there is more after the profile"},
	{"a string for syscalls", `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": "x"}`, "line 1: syscalls: string, where a list is wanted"},
	{"a number for names", wrap(`{"names": 5}`), "syscalls.names: number, where a list is wanted"},
	{"too large", strings.Repeat(" ", MaxSize+1), "the profile is larger than 1048576 bytes"},
	{"deep", wrap(`{"comment": ` + strings.Repeat("[", 20000)), "exceeded max depth"},

	{"unknown default action", `{"defaultAction": "SCMP_ACT_DENY"}`, `defaultAction: unknown action "SCMP_ACT_DENY"`},
	{"the kernel's name", `{"defaultAction": "allow"}`, `defaultAction: unknown action "allow"`},
	{"notify by default", `{"defaultAction": "SCMP_ACT_NOTIFY"}`, "defaultAction: SCMP_ACT_NOTIFY is not supported: it asks a process outside"},
	{"default number too large", `{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4095}`, "defaultAction: errnoRet 4095: at most 4094"},
	{"default number for another action", `{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}`, "defaultAction: SCMP_ACT_ALLOW does not take errnoRet"},
	{"unknown default error", `{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOTHING"}`, `defaultErrno: unknown name "ENOTHING"`},
	{"unknown architecture", `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]}`, `unknown architecture "SCMP_ARCH_Z80"`},
	{"Go's architecture", `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["amd64"]}`, `unknown architecture "amd64"`},
	{"unknown in the map", `{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_6502"]}]}`, `unknown architecture "SCMP_ARCH_6502"`},
	{"both lists", `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]}`, "architectures and archMap cannot be combined"},

	{"no name", wrap(`{"action": "SCMP_ACT_ALLOW"}`), "syscalls[0]: a call without a name"},
	{"no names", wrap(`{"names": [], "action": "SCMP_ACT_ALLOW"}`), "syscalls[0]: a call without a name"},
	{"an empty name", wrap(`{"names": ["read", ""], "action": "SCMP_ACT_ALLOW"}`), "syscalls[0]: a call without a name"},
	{"name and names", wrap(`{"name": "read", "names": ["write"], "action": "SCMP_ACT_ALLOW"}`), "name and names cannot be combined"},
	{"no action", wrap(`{"names": ["read"]}`), "syscalls[0]: action is missing"},
	{"the second's action", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW"}, {"names": ["read"], "action": "SCMP_ACT_X"}`), `syscalls[1]: action: unknown action "SCMP_ACT_X"`},
	{"a rule that does not count", wrap(`{"names": ["read"], "action": "SCMP_ACT_X", "includes": {"arches": ["s390x"]}}`), `unknown action "SCMP_ACT_X"`},
	{"notify", wrap(`{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}`), "action: SCMP_ACT_NOTIFY is not supported: it asks"},
	{"error 5000", wrap(`{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5000}`), "syscalls[0]: action: errnoRet 5000: at most 4094"},
	{"error -1", wrap(`{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": -1}`), "syscalls.errnoRet: number -1, where a number from 0 to 2^64-1 is wanted"},
	{"error 2^64", wrap(`{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 18446744073709551616}`), "number 18446744073709551616"},
	{"trace with 65536", wrap(`{"names": ["read"], "action": "SCMP_ACT_TRACE", "errnoRet": 65536}`), "errnoRet 65536: at most 65535"},
	{"an error to allow", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}`), "SCMP_ACT_ALLOW does not take errnoRet"},
	{"an unknown error", wrap(`{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "eperm"}`), `syscalls[0]: errno: unknown name "eperm"`},
	{"argument 6", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "op": "SCMP_CMP_EQ"}]}`), "syscalls[0]: args[0]: index 6: a call has the arguments 0 to 5"},
	{"argument -1", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": -1, "op": "SCMP_CMP_EQ"}]}`), "syscalls.args.index: number -1"},
	{"no operator", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0}]}`), `args[0]: unknown operator ""`},
	{"an unknown operator", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}, {"index": 1, "op": "=="}]}`), `args[1]: unknown operator "=="`},
	{"a value of 65 bits", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]}`), "syscalls.args.value: number 18446744073709551616"},
	{"a value in words", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": "0x1", "op": "SCMP_CMP_EQ"}]}`), "syscalls.args.value: string, where a number"},
	{"a kernel of one number", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4"}}`), `minKernel: "4" is not a kernel version`},
	{"a kernel of three", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8.1"}}`), `minKernel: "4.8.1" is more than two numbers`},
	{"a kernel's number", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": 4.8}}`), "minKernel: 4.8 is not a string"},
	{"a kernel of words", wrap(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "new"}}`), `minKernel: "new" is not a kernel version`},
}

func TestRefusals(t *testing.T) {
	for _, c := range refusals {
		p, err := Parse("", []byte(c.text))
		if err == nil || p != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if _, err := Parse("x.json", []byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), "x.json: ") {
			t.Errorf("%s: %v: the file's name is not in front", c.name, err)
		}
	}
}

// TestNotForHere: profiles that are none for a target.
func TestNotForHere(t *testing.T) {
	s390 := `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_S390X", "SCMP_ARCH_S390"]}`
	p, err := Parse("p", []byte(s390))
	if err != nil {
		t.Fatal(err)
	}
	const want = "p: the profile is for other architectures than SCMP_ARCH_X86_64: [SCMP_ARCH_S390X SCMP_ARCH_S390]"
	if _, err := Compile(Target{Arch: "amd64"}, p); err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
	if _, err := p.Notes(Target{Arch: "amd64"}); err == nil || err.Error() != want {
		t.Errorf("notes: %v, want %q", err, want)
	}
	for _, arch := range []string{"", "386", "s390x", "x86_64"} {
		if _, err := Compile(Target{Arch: arch}, parseFile(t, "../builtin/no-userns.json")); err == nil || !strings.Contains(err.Error(), "no filters are made for") {
			t.Errorf("%q: %v", arch, err)
		}
	}
}

// TestTooLong: a profile that is valid and needs more instructions than a filter has.
func TestTooLong(t *testing.T) {
	var rules []string
	for i := range 1000 {
		rules = append(rules, fmt.Sprintf(`{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": %d, "value": %d, "op": "SCMP_CMP_EQ"}]}`, 1+i%5, i*i+1))
	}
	p, err := Parse("", []byte(wrap(strings.Join(rules, ","))))
	if err != nil {
		t.Fatal(err)
	}
	if code, err := Compile(Target{Arch: "amd64"}, p, p, p, p, p); err == nil || !strings.Contains(err.Error(), "more than 4096 instructions") {
		t.Errorf("%d instructions: %v", len(code)/8, err)
	}
}
