package seccomp

import (
	"errors"
	"strconv"

	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// MaxInstructions is the kernel's limit for one filter (BPF_MAXINSNS, bpf_common.h).
const MaxInstructions = plan.MaxFilter

// Size is the size of one instruction, struct sock_filter, in bytes.
const Size = 8

// Check refuses what cannot be a filter by its size alone. Whether its instructions
// are valid is the kernel's to say, before the command runs.
func Check(bpf []byte) error {
	switch n := len(bpf) / Size; {
	case len(bpf) == 0:
		return errors.New("the seccomp filter is empty")
	case len(bpf)%Size != 0:
		return errors.New("Invalid seccomp data, must be multiple of 8, but there are " + strconv.Itoa(len(bpf)) + " bytes")
	case n > MaxInstructions:
		return errors.New("the seccomp filter has more than " + strconv.Itoa(MaxInstructions) + " instructions, the kernel's limit")
	}
	return nil
}
