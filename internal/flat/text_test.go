package flat_test

import (
	"strconv"
	"testing"

	"github.com/gobwrap/gobwrap/internal/flat"
)

// TestDecimal: a number is at most its limit, which may have one digit, or be the largest of its type.
func TestDecimal(t *testing.T) {
	for _, limit := range []uint64{0, 1, 5, 9, 10, 255, 1<<64 - 1} {
		for _, n := range []uint64{0, 1, 4, 5, 6, 9, 10, 11, 255, 256, 1<<64 - 1} {
			got, ok := flat.Decimal([]byte(strconv.FormatUint(n, 10)), limit)
			if ok != (n <= limit) || ok && got != n {
				t.Errorf("%d, at most %d: %d, %v", n, limit, got, ok)
			}
		}
	}
	for _, word := range []string{"", "-1", "+1", "1x", " 1", "18446744073709551616"} {
		if n, ok := flat.Decimal([]byte(word), 1<<64-1); ok {
			t.Errorf("%q: %d", word, n)
		}
	}
	if n, ok := flat.Signed([]byte("-9"), -5, 5); ok {
		t.Errorf("-9, at least -5: %d", n)
	}
}
