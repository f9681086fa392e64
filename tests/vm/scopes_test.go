//go:build vm

package vm_test

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

//go:embed testdata/scopes.sh
var scopesScript string

// landlockABIs are the versions of Landlock's interface that the kernels have: 6.1 has no scopes,
// 6.12 those of signals and abstract sockets, and 7 those of sockets with a path as well.
var landlockABIs = map[string]int{"6.1": 2, "6.12": 6, "7": 9}

// TestScopes: what the inside reaches by signals and sockets is what the kernel's Landlock can keep
// it from, and what it cannot is refused where it was asked for.
func TestScopes(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		program := os.Getenv("GOBWRAP_TEST_PROGRAM")
		if program == "" {
			program = "../../bin/gobwrap"
		}
		result := boot(t, vm.Machine{Kernel: kernel, Script: scopesScript, Files: map[string]string{
			"gobwrap": program, "reach": "../lib/testbin/testdata/reach.c",
		}})
		if result.Status != 0 || !strings.HasSuffix(result.Output, "\nend\n") {
			t.Fatalf("the script ended with %d:\n%s", result.Status, result.Output)
		}
		have := map[string]string{}
		name := ""
		for line := range strings.Lines(strings.ReplaceAll(result.Output, "\r", "")) {
			if rest, ok := strings.CutPrefix(line, "case "); ok {
				name = strings.TrimSuffix(rest, "\n")
				continue
			}
			have[name] += line
		}
		for _, mode := range []string{"plain", "setuid", "root"} {
			for name, want := range scopeCases(mode, landlockABIs[kernel]) {
				if got := have[mode+" "+name]; !strings.Contains(got, want) {
					t.Errorf("%s, %s: %q, want %q", mode, name, got, want)
				}
			}
		}
	})
}

// scopeCases are the cases of scopes.sh, and a part of what is said in each.
func scopeCases(mode string, abi int) map[string]string {
	dir := "/tmp/" + mode
	killed, survived := "status 137\n", "survived\nstatus 0\n"
	lacks := "by Landlock: Operation not supported\n"
	reached := func(bus, other, abstract string) string {
		return "connect " + dir + "/own: ok\nconnect @own: ok\nrename " + dir + "/b/file: ok\nrename " + dir + "/a/file: ok\n" +
			fmt.Sprintf("connect %[1]s/run/bus: %[2]s\nconnect %[1]s/link: %[2]s\nconnect /proc/self/root%[1]s/run/bus: %[2]s\nconnect %[1]s/other: %[3]s\nsend %[1]s/log: %[3]s\nconnect @x11: %[4]s\nstatus 0\n", dir, bus, other, abstract)
	}
	no := "connect %s: EPERM\n"
	cases := map[string]string{
		"group --unshare-pid":   killed,
		"group --unshare-ipc":   killed,
		"group --scope signals": "(--scope signals) " + lacks,

		"sockets ":                         reached("ok", "ok", "ok"),
		"sockets --scope abstract-sockets": "(--scope abstract-sockets) " + lacks,
		"sockets --scope sockets":          "(--scope sockets) " + lacks,
		"sockets --scope all":              "--seccomp-profile no-unix-sockets forbids",
		"sockets --scope all --allow-socket " + dir + "/run": "(--scope all) " + lacks,
		"sockets --scope-try all":                            reached("ok", "ok", "ok"),
		"sockets --seccomp-profile no-unix-sockets":          fmt.Sprintf(no, dir+"/run/bus"),
		"no such socket":                                     "connect " + dir + "/run/bus: ok\n",
		"job control":                                        "=148 3\n",
	}
	if abi >= 6 {
		cases["group --unshare-pid"], cases["group --scope signals"] = survived, survived
		cases["sockets --scope abstract-sockets"] = reached("ok", "ok", "EPERM")
		cases["sockets --scope-try all"] = reached("ok", "ok", "EPERM")
	}
	if abi >= 9 {
		cases["sockets --scope sockets"] = reached("EACCES", "EACCES", "ok")
		cases["sockets --scope all"] = reached("EACCES", "EACCES", "EPERM")
		cases["sockets --scope-try all"] = reached("EACCES", "EACCES", "EPERM")
		cases["sockets --scope all --allow-socket "+dir+"/run"] = reached("ok", "EACCES", "EPERM")
		cases["no such socket"] = "Can't leave socket " + dir + "/none within reach: No such file or directory\n"
	}
	return cases
}
