package suid_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// TestWords: every row says what it refuses, and why.
func TestWords(t *testing.T) {
	seen := map[string]suid.Row{}
	for row := suid.Permitted + 1; row < suid.NumRows; row++ {
		option, why := row.Words()
		if option == "" || why == "" {
			t.Errorf("row %d: %q, %q", row, option, why)
		}
		if other, twice := seen[option+why]; twice {
			t.Errorf("rows %d and %d say the same", other, row)
		}
		seen[option+why] = row
	}
	if option, why := suid.Permitted.Words(); option != "" || why != "" {
		t.Errorf("what is permitted is refused: %q, %q", option, why)
	}
	unknown, reason := suid.RowUnknown.Words()
	for _, row := range []suid.Row{suid.NumRows, suid.NumRows + 1, 255, 1<<32 - 1} {
		if option, why := row.Words(); option != unknown || why != reason {
			t.Errorf("row %d, which there is not: %q, %q", row, option, why)
		}
	}
	for _, row := range []suid.Row{suid.RowReserved, suid.RowNoOwner} {
		if _, why := row.Words(); !strings.Contains(why, fmt.Sprintf("(%d to %d)", uint32(suid.FirstOwner), uint32(suid.NoOnesRoot))) {
			t.Errorf("row %d does not say which ids: %q", row, why)
		}
	}
	for _, row := range []suid.Row{suid.RowConfOff, suid.RowConfGroup, suid.RowConfOption} {
		if _, why := row.Words(); !strings.Contains(why, "/etc/gobwrap/setuid.conf") {
			t.Errorf("row %d does not say which file: %q", row, why)
		}
	}
}

// TestExtra: what is packed comes out again, and what nobody packed does no harm.
func TestExtra(t *testing.T) {
	options := suid.Features()
	for row := suid.Permitted; row < suid.NumRows; row++ {
		for n := range uint32(len(options)) {
			got, option := suid.FromExtra(suid.Extra(row, n))
			want := ""
			if row == suid.RowConfOption {
				want = options[n]
			}
			if got != row || option != want {
				t.Errorf("row %d, feature %d: row %d, %q", row, n, got, option)
			}
		}
	}
	for _, n := range []uint32{uint32(len(options)), uint32(len(options)) + 1, 255, 1<<24 - 1} {
		if row, option := suid.FromExtra(suid.Extra(suid.RowConfOption, n)); row != suid.RowConfOption || option != "" {
			t.Errorf("feature %d, which there is not: row %d, %q", n, row, option)
		}
	}
	for _, extra := range []uint32{0, 255, 1<<32 - 1} {
		if row, option := suid.FromExtra(extra); row != suid.Row(extra&255) || option != "" {
			t.Errorf("%#x: row %d, %q", extra, row, option)
		}
	}
	if suid.NumRows > 255 {
		t.Errorf("%d rows do not go into a byte", suid.NumRows)
	}
}

// TestStanding: an ordinary start and an installed one run; every other one says what is
// wrong, and what is right.
func TestStanding(t *testing.T) {
	seen := map[string]bool{}
	for s := suid.Plain; s < suid.HookNumStandings; s++ {
		said := s.Refusal()
		switch s {
		case suid.Plain, suid.Installed:
			if said != "" {
				t.Errorf("standing %d is refused: %s", s, said)
			}
		default:
			if said == "" || seen[said] || !strings.Contains(said, "0755") || strings.Contains(said, "\n") {
				t.Errorf("standing %d says %q", s, said)
			}
		}
		seen[said] = true
	}
	for _, s := range []suid.Standing{suid.HookNumStandings, 1<<32 - 1} {
		if s.Refusal() == "" {
			t.Errorf("standing %d, which there is not, runs", s)
		}
	}
}

// TestKept: what the keeper keeps is these, and none that overrides a file's permissions, or
// reaches the kernel's memory.
func TestKept(t *testing.T) {
	want := uint64(0)
	for _, c := range []int{
		unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_NET_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID,
		unix.CAP_SYS_PTRACE, unix.CAP_SETPCAP,
	} {
		want |= 1 << c
	}
	if suid.Kept != want {
		t.Errorf("the keeper keeps %#x, want %#x", uint64(suid.Kept), want)
	}
}

// TestRefusals: docs/setuid-mode.md and the manual name every option that the policy refuses, each in its
// passage on the setuid mode.
func TestRefusals(t *testing.T) {
	if len(suid.Refusals()) < 8 {
		t.Errorf("%+v", suid.Refusals())
	}
	for file, ends := range map[string][2]string{
		"../docs/setuid-mode.md":      {"## What is refused", "## What is different"},
		"../cmd/gobwrap/gobwrap.1.in": {"\nThese are refused, ", "\n.Fl -unshare-ipc ."},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, passage, begins := strings.Cut(string(text), ends[0])
		passage, _, stops := strings.Cut(passage, ends[1])
		if !begins || !stops {
			t.Errorf("%s has no passage on what is refused", file)
			continue
		}
		named := map[string]bool{}
		for _, word := range strings.FieldsFunc(passage, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			named[strings.TrimLeft(word, "-")] = true
		}
		for _, refused := range suid.Refusals() {
			for option := range strings.SplitSeq(refused.Options, ", ") {
				name, _, _ := strings.Cut(strings.TrimPrefix(option, "--"), " ")
				if !named[name] {
					t.Errorf("%s does not name --%s", file, name)
				}
			}
		}
	}
}
