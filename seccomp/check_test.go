package seccomp_test

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/seccomp"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

func TestConstants(t *testing.T) {
	if seccomp.Size != unsafe.Sizeof(unix.SockFilter{}) {
		t.Errorf("an instruction has %d bytes, not %d", unsafe.Sizeof(unix.SockFilter{}), seccomp.Size)
	}
	for _, limit := range []int{seccomp.MaxInstructions, plan.MaxFilter} {
		if limit != unix.BPF_MAXINSNS {
			t.Errorf("a limit of %d instructions, the kernel's is %d", limit, unix.BPF_MAXINSNS)
		}
	}
}

func TestCheckSize(t *testing.T) {
	allow := []byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}
	for _, c := range []struct {
		bytes int
		want  string // part of the error; "" for none
	}{
		{0, "empty"},
		{1, "must be multiple of 8"},
		{7, "must be multiple of 8"},
		{8, ""},
		{12, "must be multiple of 8"},
		{16, ""},
		{8 * 4096, ""},
		{8*4096 + 1, "must be multiple of 8"},
		{8 * 4097, "more than 4096 instructions"},
		{8 * 65536, "more than 4096 instructions"}, // the count that wraps to 0 in 16 bits
		{8 * 65537, "more than 4096 instructions"},
	} {
		err := seccomp.Check(bytes.Repeat(allow, c.bytes/8+1)[:c.bytes])
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%d bytes: %v, want %q", c.bytes, err, c.want)
		}
	}
}

// FuzzCheck: what Check takes is what a plan takes, with the same bytes in it.
func FuzzCheck(f *testing.F) {
	f.Add([]byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f})
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1}, 15))
	f.Fuzz(func(t *testing.T, bpf []byte) {
		err := seccomp.Check(bpf)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		if len(bpf) == 0 || len(bpf)%8 != 0 || len(bpf) > 8*4096 {
			t.Fatalf("%d bytes are taken", len(bpf))
		}
		b := &planbuild.Builder{Clone: unix.CLONE_NEWNS}
		b.Str("before")
		b.Add(plan.Step{Op: plan.OpSlave})
		b.Add(plan.Step{Op: plan.OpRoot})
		b.Add(plan.Step{Op: plan.OpPivot})
		b.EndSetup()
		b.Add(plan.Step{Op: plan.OpSeccomp, A: b.Blob(bpf), B: uint32(len(bpf) / seccomp.Size)})
		b.Add(plan.Step{Op: plan.OpExec})
		b.Command([]string{"/x"}, []string{"x"}, []string{"PWD=/"}, 0)
		b.Fds(nil, nil, nil, -1)
		p, err := b.Program()
		if err != nil {
			t.Fatal(err)
		}
		if v := p.Verify(); v != plan.Good {
			t.Fatalf("verdict %d", v)
		}
		off := p.Header().Arena + p.Step(3).A
		if off%8 != 0 || !bytes.Equal(p.Bytes[off:off+uint32(len(bpf))], bpf) {
			t.Fatalf("other bytes in the plan, at %d", off)
		}
	})
}
