package profile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/seccomp/bpf"
	"golang.org/x/sys/unix"
)

var here = Target{Arch: "amd64", Kernel: Kernel{6, 1}}

// compiled compiles JSON texts into one filter for t.
func compiled(t *testing.T, target Target, texts ...string) bpf.Program {
	t.Helper()
	profiles := make([]*Profile, 0, len(texts))
	for i, text := range texts {
		p, err := Parse(fmt.Sprintf("profile %d", i), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		profiles = append(profiles, p)
	}
	code, err := Compile(target, profiles...)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, code)
}

// asked is the answer to a 64-bit call.
func asked(p bpf.Program, nr int32, args ...uint64) string {
	d := bpf.Data{NR: nr, Arch: bpf.X86_64.Audit}
	copy(d.Args[:], args)
	return bpf.Answer(p.Run(d))
}

func TestActions(t *testing.T) {
	for _, c := range []struct{ action, want string }{
		{`"SCMP_ACT_ALLOW"`, "allow"},
		{`"SCMP_ACT_LOG"`, "log"},
		{`"SCMP_ACT_TRAP"`, "trap"},
		{`"SCMP_ACT_KILL"`, "kill_thread"},
		{`"SCMP_ACT_KILL_THREAD"`, "kill_thread"},
		{`"SCMP_ACT_KILL_PROCESS"`, "kill_process"},
		{`"SCMP_ACT_ERRNO"`, "errno EPERM"},
		{`"SCMP_ACT_ERRNO", "errnoRet": 0`, "errno 0"},
		{`"SCMP_ACT_ERRNO", "errnoRet": 38`, "errno ENOSYS"},
		{`"SCMP_ACT_ERRNO", "errnoRet": 4094`, "errno 4094"},
		{`"SCMP_ACT_ERRNO", "errno": "EACCES"`, "errno EACCES"},
		{`"SCMP_ACT_ERRNO", "errno": "38"`, "errno ENOSYS"},
		{`"SCMP_ACT_ERRNO", "errno": "EACCES", "errnoRet": 38`, "errno EACCES"}, // podman: the word
		{`"SCMP_ACT_TRACE"`, "trace 1"},
		{`"SCMP_ACT_TRACE", "errnoRet": 40000`, "trace 40000"}, // no sign in sixteen bits
	} {
		p := compiled(t, here, `{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 77, "syscalls": [{"names": ["write"], "action": `+c.action+`}]}`)
		if got := asked(p, unix.SYS_WRITE); got != c.want {
			t.Errorf("%s: %s", c.action, got)
		}
		if got := asked(p, unix.SYS_READ); got != "errno EBADFD" {
			t.Errorf("%s: the default is %s", c.action, got)
		}
		text := `{"syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "EBADFD"}], "defaultAction": ` + strings.NewReplacer("errno", "defaultErrno", "errnoRet", "defaultErrnoRet").Replace(c.action) + `}`
		if got := asked(compiled(t, here, text), unix.SYS_WRITE); got != c.want {
			t.Errorf("by default %s: %s", c.action, got)
		}
	}
}

func TestOperators(t *testing.T) {
	const big = 1 << 40
	for _, c := range []struct {
		op         string
		value, two uint64
		yes, no    []uint64
	}{
		{"SCMP_CMP_EQ", big + 5, 0, []uint64{big + 5}, []uint64{5, big, big + 6}},
		{"SCMP_CMP_NE", big + 5, 0, []uint64{5, big, 2*big + 5}, []uint64{big + 5}},
		{"SCMP_CMP_LT", big, 0, []uint64{0, big - 1, 0xffffffff}, []uint64{big, big + 1, 2 * big}},
		{"SCMP_CMP_LE", big, 0, []uint64{0, big - 1, big}, []uint64{big + 1, 2 * big, 1 << 63}},
		{"SCMP_CMP_GT", big, 0, []uint64{big + 1, 1 << 63}, []uint64{big, 0, 0xffffffff}},
		{"SCMP_CMP_GE", big, 0, []uint64{big, big + 1, 1 << 63}, []uint64{big - 1, 0xffffffff}},
		{"SCMP_CMP_MASKED_EQ", 0xff0, 0x120, []uint64{0x120, 0x12f, big + 0x7125}, []uint64{0x130, 0x12}},
		{"SCMP_CMP_MASKED_EQ", big | 1, big, []uint64{big, big + 2, 3 * big}, []uint64{0, 1, big + 1}},
	} {
		for index := range 6 {
			p := compiled(t, here, wrap(fmt.Sprintf(`{"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": %d, "op": %q, "value": %d, "valueTwo": %d}]}`, index, c.op, c.value, c.two)))
			for _, v := range append(c.yes, c.no...) {
				args := make([]uint64, 6)
				for i := range args {
					args[i] = ^v // whatever is looked at instead
				}
				args[index] = v
				want := "errno EPERM"
				for _, y := range c.yes {
					if y == v {
						want = "allow"
					}
				}
				if got := asked(p, unix.SYS_WRITE, args...); got != want {
					t.Errorf("%s %#x %#x on argument %d, %#x: %s, want %s", c.op, c.value, c.two, index, v, got, want)
				}
			}
		}
	}
}

// TestSeveralConditions: on different arguments all must hold, on the same one any.
func TestSeveralConditions(t *testing.T) {
	both := compiled(t, here, wrap(`{"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 9, "op": "SCMP_CMP_LT"}]}`))
	any := compiled(t, here, wrap(`{"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 9, "op": "SCMP_CMP_GT"}]}`))
	for _, c := range []struct {
		p    bpf.Program
		args []uint64
		want string
	}{
		{both, []uint64{1, 0, 8}, "allow"},
		{both, []uint64{1, 0, 9}, "errno EPERM"},
		{both, []uint64{2, 0, 8}, "errno EPERM"},
		{any, []uint64{1}, "allow"},
		{any, []uint64{10}, "allow"},
		{any, []uint64{5}, "errno EPERM"},
	} {
		if got := asked(c.p, unix.SYS_WRITE, c.args...); got != c.want {
			t.Errorf("%v: %s, want %s", c.args, got, c.want)
		}
	}
}

// TestOrder: which of several rules for a call counts.
func TestOrder(t *testing.T) {
	const allow, refuse = `{"names": ["write"], "action": "SCMP_ACT_ALLOW"}`, `{"names": ["write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}`
	const some = `{"names": ["write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7, "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_EQ"}]}`
	for _, c := range []struct {
		rules []string
		want  string // for write(3)
	}{
		{[]string{allow, refuse}, "allow"},
		{[]string{refuse, allow}, "errno EIO"},
		{[]string{some, allow}, "allow"},
		{[]string{allow, some}, "allow"},
		{[]string{some}, "errno E2BIG"},
		{[]string{`{"names": ["write"], "action": "SCMP_ACT_ERRNO"}`, allow}, "allow"}, // the first is the default action
	} {
		if got := asked(compiled(t, here, wrap(strings.Join(c.rules, ","))), unix.SYS_WRITE, 3); got != c.want {
			t.Errorf("%v: %s, want %s", c.rules, got, c.want)
		}
	}
}

// TestConditionsOnTheTarget: which rules count where.
func TestConditionsOnTheTarget(t *testing.T) {
	for _, c := range []struct {
		rule   string
		target Target
		want   bool
	}{
		{`"includes": {}`, Target{}, true},
		{`"includes": {"arches": ["amd64"]}`, Target{}, true},
		{`"includes": {"arches": ["arm64", "x86"]}`, Target{}, false},
		{`"excludes": {"arches": ["amd64"]}`, Target{}, false},
		{`"excludes": {"arches": ["arm64"]}`, Target{}, true},
		{`"includes": {"caps": ["CAP_SYS_ADMIN"]}`, Target{}, false},
		{`"includes": {"caps": ["CAP_SYS_ADMIN"]}`, Target{Caps: []string{"CAP_CHOWN", "CAP_SYS_ADMIN"}}, true},
		{`"includes": {"caps": ["CAP_SYS_ADMIN"]}`, Target{Caps: []string{"ALL"}}, true},
		{`"includes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}`, Target{Caps: []string{"CAP_BPF"}}, false}, // all of them
		{`"excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}`, Target{Caps: []string{"CAP_BPF"}}, false}, // one is enough
		{`"excludes": {"caps": ["CAP_SYS_ADMIN"]}`, Target{}, true},
		{`"includes": {"minKernel": "4.8"}`, Target{Kernel: Kernel{4, 8}}, true},
		{`"includes": {"minKernel": "4.8"}`, Target{Kernel: Kernel{4, 7}}, false},
		{`"includes": {"minKernel": "4.8"}`, Target{Kernel: Kernel{4, 10}}, true}, // no decimal fraction
		{`"includes": {"minKernel": "4.8"}`, Target{Kernel: Kernel{3, 18}}, false},
		{`"includes": {"minKernel": "4.8"}`, Target{Kernel: Kernel{6, 1}}, true},
		{`"includes": {"minKernel": ""}`, Target{}, true},
		{`"excludes": {"minKernel": "4.8"}`, Target{Kernel: Kernel{4, 8}}, false},
		{`"excludes": {"minKernel": "4.8"}`, Target{Kernel: Kernel{4, 7}}, true},
		{`"includes": {"arches": ["amd64"], "caps": ["CAP_BPF"]}`, Target{}, false},
		{`"includes": {"arches": ["amd64"]}, "excludes": {"caps": ["CAP_BPF"]}`, Target{Caps: []string{"CAP_BPF"}}, false},
	} {
		c.target.Arch = "amd64"
		p := compiled(t, c.target, wrap(`{"names": ["write"], "action": "SCMP_ACT_ALLOW", `+c.rule+`}`))
		if got := asked(p, unix.SYS_WRITE); (got == "allow") != c.want {
			t.Errorf("%s for %v: %s", c.rule, c.target, got)
		}
	}
}

// TestArchitectures: which entry points a profile opens.
func TestArchitectures(t *testing.T) {
	const all, native, with32 = "x86_64 x86 x32", "x86_64", "x86_64 x86"
	for _, c := range []struct{ list, arch, want string }{
		{``, "amd64", native},
		{`"architectures": [],`, "amd64", native},
		{`"architectures": ["SCMP_ARCH_X86_64"],`, "amd64", native},
		{`"architectures": ["SCMP_ARCH_NATIVE"],`, "amd64", native},
		{`"architectures": ["SCMP_ARCH_X86"],`, "amd64", with32}, // the kernel's own always
		{`"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X86"],`, "amd64", with32},
		{`"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],`, "amd64", all},
		{`"architectures": ["SCMP_ARCH_S390X", "SCMP_ARCH_X32"],`, "amd64", "x86_64 x32"},
		{`"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],`, "arm64", "aarch64"},
		{`"archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}, {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],`, "amd64", with32},
		{`"archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}, {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],`, "arm64", "aarch64 arm"},
		{`"archMap": [{"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null}],`, "amd64", native},
		{`"archMap": [{"architecture": "SCMP_ARCH_X86_64"}],`, "amd64", native},
	} {
		p := compiled(t, Target{Arch: c.arch}, `{`+c.list+`"defaultAction": "SCMP_ACT_ALLOW"}`)
		var open []string
		for _, a := range []bpf.Arch{bpf.X86_64, bpf.X86, bpf.X32, bpf.AArch64, bpf.ARM} {
			nr, err := Number(a, "write")
			if err != nil {
				t.Fatal(err)
			}
			switch got := bpf.Answer(p.Run(bpf.Data{NR: nr, Arch: a.Audit})); got {
			case "allow":
				open = append(open, a.Name)
			case "kill_process":
			default:
				t.Errorf("%s: %s", c.list, got)
			}
		}
		if got := strings.Join(open, " "); got != c.want {
			t.Errorf("%s for %s: %s, want %s", c.list, c.arch, got, c.want)
		}
	}
}

func TestNamesThatMeanNothing(t *testing.T) {
	p := compiled(t, here, wrap(`{"names": ["no_such_call", "write", "s390_runtime_instr"], "action": "SCMP_ACT_ALLOW"}, {"name": "read", "action": "SCMP_ACT_ALLOW"}`))
	for nr, want := range map[int32]string{unix.SYS_WRITE: "allow", unix.SYS_READ: "allow", unix.SYS_OPEN: "errno EPERM"} {
		if got := asked(p, nr); got != want {
			t.Errorf("%d: %s, want %s", nr, got, want)
		}
	}
}

// TestChain: the first answer counts that is not to allow.
func TestChain(t *testing.T) {
	first := `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}, {"names": ["open"], "action": "SCMP_ACT_KILL"}]}`
	second := wrap(`{"names": ["write", "read"], "action": "SCMP_ACT_ALLOW"}, {"names": ["close"], "action": "SCMP_ACT_LOG"}`)
	p := compiled(t, here, first, second)
	for nr, want := range map[int32]string{
		unix.SYS_WRITE: "errno EIO", unix.SYS_READ: "allow", unix.SYS_OPEN: "kill_thread", unix.SYS_CLOSE: "log",
		unix.SYS_STAT: "errno EPERM", 514: "errno ENOSYS",
	} {
		if got := asked(p, nr); got != want {
			t.Errorf("%d: %s, want %s", nr, got, want)
		}
	}
	for _, action := range []string{"SCMP_ACT_LOG", "SCMP_ACT_TRACE"} {
		lets, err := Parse("lets", []byte(`{"defaultAction": "`+action+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Compile(here, lets, lets); err == nil || !strings.Contains(err.Error(), "lets: SCMP_ACT_LOG and SCMP_ACT_TRACE let a call pass: this profile must come last") {
			t.Errorf("%s: %v", action, err)
		}
		if _, err := Compile(here, lets); err != nil {
			t.Errorf("%s alone: %v", action, err)
		}
	}
}

// TestSameEverywhere: neither the run nor the machine makes a difference to the bytes.
func TestSameEverywhere(t *testing.T) {
	p := parseFile(t, "../builtin/default.json")
	first, err := Compile(here, p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Compile(here, parseFile(t, "../builtin/default.json"))
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second run: %d and %d bytes, %v", len(first), len(again), err)
	}
	if n := len(first) / seccomp.Size; n < 500 || n > 2000 {
		t.Errorf("%d instructions", n)
	}
}

func TestNumbersAndNames(t *testing.T) {
	for _, c := range []struct {
		a    bpf.Arch
		name string
		nr   int32
	}{
		{bpf.X86_64, "read", 0},
		{bpf.X86, "read", 3},
		{bpf.X32, "read", bpf.X32Bit},
		{bpf.X32, "ioctl", bpf.X32Bit | 514},
		{bpf.AArch64, "read", 63},
		{bpf.ARM, "read", 3},
		{bpf.X86_64, "clone3", 435},
		{bpf.AArch64, "clone3", 435},
	} {
		if nr, err := Number(c.a, c.name); err != nil || nr != c.nr {
			t.Errorf("%s of %s: %d, %v", c.name, c.a.Name, nr, err)
		}
		if name := Name(c.a, uint32(c.nr)); name != c.name {
			t.Errorf("%d of %s: %q", c.nr, c.a.Name, name)
		}
	}
	for a, name := range map[bpf.Arch]string{bpf.X86_64: "waitpid", bpf.AArch64: "open", bpf.X86: "socket", bpf.X32: "no_such_call", {}: "read"} {
		if nr, err := Number(a, name); err == nil {
			t.Errorf("%s of %s: %d", name, a.Name, nr)
		}
	}
	if name := Name(bpf.X86_64, 5000) + Name(bpf.Arch{}, 0); name != "" {
		t.Errorf("a name for nothing: %s", name)
	}
}
