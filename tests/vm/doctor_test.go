//go:build vm

package vm_test

import (
	_ "embed"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

//go:embed testdata/doctor.sh
var doctorScript string

// TestDoctor: on kernels that refuse user namespaces --doctor names the cause, and what
// it prints, typed as it stands, fixes it, now and across reboots.
func TestDoctor(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		program := os.Getenv("GOBWRAP_TEST_PROGRAM")
		if program == "" {
			program = "../../bin/gobwrap"
		}
		result := boot(t, vm.Machine{Kernel: kernel, Script: doctorScript, Files: map[string]string{"gobwrap": program}})
		if result.Status != 0 {
			t.Fatalf("the script ended with %d:\n%s", result.Status, result.Output)
		}
		have := map[string][]string{}
		world := ""
		for line := range strings.Lines(result.Output) {
			line = strings.TrimSuffix(line, "\n")
			if name, ok := strings.CutPrefix(line, "world "); ok {
				world = name
				continue
			}
			have[world] = append(have[world], line)
		}
		for name, want := range doctorWorlds {
			if !agree(have[name], want) {
				t.Errorf("%s:\n  %s\nwant\n  %s", name, strings.Join(have[name], "\n  "), strings.Join(want, "\n  "))
			}
		}
		if len(have) != len(doctorWorlds) {
			t.Errorf("worlds %q", slices.Sorted(maps.Keys(have)))
		}
	})
}

// doctorWorlds are the lines of each world; of a hint, a part.
var doctorWorlds = map[string][]string{
	"kernel.unprivileged_userns_clone=0": knob("userns-clone-off", "kernel.unprivileged_userns_clone=1"),
	"user.max_user_namespaces=0":         knob("max-namespaces", "user.max_user_namespaces=15000"),

	"kernel.unprivileged_userns_clone=0 4755": {"step userns-clone-off", "doctor 3", "launch before 0"},
	"user.max_user_namespaces=0 4755":         {"step max-namespaces", "step max-namespaces", "doctor 3", "launch before 0"},

	"ubuntu":                  {"step apparmor-userns", "doctor 4", "hint /run/plain/gobwrap --doctor=apparmor > /etc/apparmor.d/gobwrap && apparmor_parser -r", "launch before 1"},
	"ubuntu without the stub": {"step apparmor-userns", "doctor 4", "hint /run/plain/gobwrap --doctor=apparmor > /etc/apparmor.d/gobwrap && apparmor_parser -r", "launch before 1"},
	"alt":                     {"step alt-userns-restrict", "doctor 4", "hint sysctl -w kernel.userns_restrict=0", "launch before 1"},
	"secureblue":              {"step selinux-userns", "doctor 4", "hint class user_namespace", "launch before 1"},
}

// knob is a world whose sysctl fixes it.
func knob(cause, setting string) []string {
	return []string{
		"step " + cause, "doctor 4", "hint As root: sysctl -w " + setting, "launch before 1",
		"typed sysctl -w " + setting, "launch after 0",
		"typed echo " + setting + " >> /etc/sysctl.d/90-gobwrap.conf", "launch booted 0",
	}
}

func agree(have, want []string) bool {
	return slices.EqualFunc(have, want, func(h, w string) bool {
		part, isHint := strings.CutPrefix(w, "hint ")
		return h == w || isHint && strings.HasPrefix(h, "hint ") && strings.Contains(h, part)
	})
}
