package pathname_test

import (
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/mounts/build/pathname"
)

// cstring is s with its NUL.
func cstring(s string) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(append([]byte(s), 0)))
}

func TestUnder(t *testing.T) {
	for _, c := range []struct {
		point, stage string
		same, below  bool
	}{
		{"/stagedir", "/stagedir", true, false},
		{"/stagedir/x", "/stagedir", false, true},
		{"/stagedir2", "/stagedir", false, false},
		{"/stage", "/stagedir", false, false},
		{"/", "/stagedir", false, false},
		{"", "/stagedir", false, false},
		{"/x/stagedir", "/stagedir", false, false},
	} {
		if same, below := pathname.Under(cstring(c.point), cstring(c.stage)); same != c.same || below != c.below {
			t.Errorf("%q under %q: %v %v", c.point, c.stage, same, below)
		}
	}
}
