package setuid_test

import (
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
)

// verdict is what the product's own judges say about a plan.
func verdict(p []byte) (plan.Verdict, suid.Row) {
	at := unsafe.Pointer(unsafe.SliceData(p))
	v := plan.Verify(at, uint32(len(p)))
	if v != plan.Good {
		return v, suid.Permitted
	}
	r, _ := suid.Gate(at, half())
	return v, r
}

// foretold is the judgement of what they refuse.
func foretold(v plan.Verdict, r suid.Row) judgement {
	if v != plan.Good {
		return bad(v)
	}
	return row(r)
}
