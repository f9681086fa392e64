package vm

import (
	"errors"
	"testing"
)

// TestEmulatorFault: a machine is booted again only if its kernel met a breakpoint of its own.
func TestEmulatorFault(t *testing.T) {
	for text, want := range map[string]bool{
		"the console's last lines:\n[    2.183939] Oops: int3: 0000 [#2] PREEMPT SMP NOPTI\n[    2.18] Kernel panic - not syncing: Fatal exception": true,
		"the console's last lines:\n[    2.1] Oops: general protection fault: 0000 [#1] PREEMPT SMP\n[    2.2] Kernel panic - not syncing":          false,
		"the machine ended without the script's status": false,
	} {
		if isEmulatorFault(errors.New(text)) != want {
			t.Errorf("%q", text)
		}
	}
}
