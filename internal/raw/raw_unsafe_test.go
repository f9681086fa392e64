package raw_test

import (
	"strconv"
	"testing"
	"unsafe"

	"github.com/gobwrap/gobwrap/internal/raw"
)

func number(s string) (uintptr, bool) {
	b := append([]byte(s), 0)
	return raw.Number(unsafe.Pointer(unsafe.SliceData(b)))
}

func written(n uintptr) string {
	var b [32]byte
	length := raw.PutNumber(unsafe.Pointer(&b), n)
	if raw.Strlen(unsafe.Pointer(&b)) != length {
		return "no NUL"
	}
	return string(b[:length])
}

func TestNumbers(t *testing.T) {
	for _, n := range []uintptr{0, 1, 9, 10, 11, 99, 100, 12345, 1<<31 - 1, 1 << 32, 1<<64 - 1} {
		want := strconv.FormatUint(uint64(n), 10)
		if got := written(n); got != want {
			t.Errorf("%d is written as %q", n, got)
		}
		if got, ok := number(want); !ok || got != n {
			t.Errorf("%q is read as %d, %v", want, got, ok)
		}
	}
	for _, s := range []string{"", ".", "..", "x", "1x", "-1", "+1", " 1", "1 ", "0x1"} {
		if n, ok := number(s); ok {
			t.Errorf("%q is read as %d", s, n)
		}
	}
}

// TestSecureMode: AT_SECURE is found behind any number of arguments and variables.
func TestSecureMode(t *testing.T) {
	stack := func(argc, envc int, aux ...uintptr) []uintptr {
		words := []uintptr{uintptr(argc)}
		for range argc {
			words = append(words, 0x1000)
		}
		words = append(words, 0)
		for range envc {
			words = append(words, 23) // an address that looks like AT_SECURE
		}
		return append(append(append(words, 0), aux...), 0, 0)
	}
	for _, c := range []struct {
		words []uintptr
		want  uint32
	}{
		{stack(1, 1, 23, 0), 0},
		{stack(1, 1, 23, 1), 1},
		{stack(0, 0, 23, 1), 1},
		{stack(0, 3, 6, 4096, 23, 1, 25, 0xffff), 1},
		{stack(3, 0, 6, 23, 23, 0), 0},
		{stack(2, 2, 6, 4096), 0},
		{stack(2, 2), 0},
	} {
		if got := uint32(raw.Auxv(unsafe.Pointer(&c.words[0]), raw.AtSecure)); got != c.want {
			t.Errorf("%v: %d, want %d", c.words, got, c.want)
		}
	}
}
