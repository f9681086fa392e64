//go:build vm

package seccomp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

// x32Kernel is Debian's kernel for PCs, which has the x32 entry point, unlike the one for
// clouds that tests/vm uses. scripts/vm-setup.sh fetches both.
const x32Kernel = "6.1-pc"

// TestAnswersByX32 makes the calls of the table on a kernel that has the x32 entry point,
// which the kernel at hand may not have.
//
//	go test -tags vm ./tests/seccomp -run X32
func TestAnswersByX32(t *testing.T) {
	byProfile := map[string][]row{}
	for _, r := range rows(t) {
		if slices.Contains(seccomp.Builtins(), r.profile) {
			byProfile[r.profile] = append(byProfile[r.profile], r)
		}
	}
	var script strings.Builder
	script.WriteString("exec 2>&1\ncd /\n/run/vm/calls x32:1073741863 32:20 64:39 </dev/null\n")
	for _, name := range seccomp.Builtins() {
		for _, option := range []string{"", "--seccomp-profile " + name} {
			fmt.Fprintf(&script, "/run/vm/gobwrap --ro-bind / / --dev /dev --unshare-user %s -- /run/vm/calls", option)
			for _, r := range byProfile[name] {
				script.WriteString(" " + r.call)
			}
			script.WriteString(" </dev/null\n")
		}
	}
	r, err := vm.Boot(t.Context(), vm.Machine{
		Kernel: x32Kernel, Params: "syscall.x32=y", Script: script.String(),
		Files: map[string]string{"gobwrap": gobwrap, "calls": calls},
	})
	if err != nil {
		t.Fatal(err)
	}
	said := lines(r.Output)
	if len(said) < 3 || !slices.Equal(said[:3], []string{"ok", "ok", "ok"}) {
		t.Fatalf("the entry points: %q", said)
	}
	said = said[3:]
	for _, name := range seccomp.Builtins() {
		rows := byProfile[name]
		if len(said) < 2*len(rows) {
			t.Fatalf("%s: only %q", name, said)
		}
		compare(t, rows, said[:len(rows)], said[len(rows):2*len(rows)])
		said = said[2*len(rows):]
	}
	if len(said) > 0 {
		t.Errorf("and %q", said)
	}
}

// TestWithoutCompatEntry: what the table's test takes for a kernel without the 32-bit entry
// point is one.
//
//	go test -tags vm ./tests/seccomp -run CompatEntry
func TestWithoutCompatEntry(t *testing.T) {
	for params, want := range map[string]string{"ia32_emulation=0": noEntry, "ia32_emulation=1": "ok"} {
		r, err := vm.Boot(t.Context(), vm.Machine{
			Kernel: "6.12", Params: params, Script: "exec 2>&1\n/run/vm/calls 32:20 64:39 </dev/null\n",
			Files: map[string]string{"calls": calls},
		})
		if err != nil {
			t.Fatal(err)
		}
		if said := lines(r.Output); !slices.Equal(said, []string{want, "ok"}) {
			t.Errorf("%s: %q", params, said)
		}
	}
}
