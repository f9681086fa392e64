package suid_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
)

// FuzzConf compares ReadConf with another reader of the same language, behind fences.
func FuzzConf(f *testing.F) {
	f.Add("# only for these\ngroups 100 1001\nrefuse --unshare-user --bind\noff\n", []byte{100, 0, 0, 0})
	f.Add("refuse "+strings.Join(suid.Features(), " "), []byte{})
	f.Add("groups 4294967294\t4294967295 # \r\x00", []byte{254, 255, 255, 255, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, text string, ids []byte) {
		var groups []uint32
		for ; len(ids) >= 4; ids = ids[4:] {
			groups = append(groups, binary.NativeEndian.Uint32(ids))
		}
		want, bad := reference(text, groups)
		got, line := readConf(t, text, groups...)
		if line != bad || bad == 0 && got != want {
			t.Fatalf("%+v, line %d; want %+v, line %d", got, line, want, bad)
		}
	})
}
