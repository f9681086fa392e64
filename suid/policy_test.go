package suid_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/suid"
	"golang.org/x/sys/unix"
)

// TestWords: every reason says what it refuses, and why.
func TestWords(t *testing.T) {
	seen := map[string]suid.Reason{}
	for reason := suid.Permitted + 1; reason < suid.NumReasons; reason++ {
		option, why := reason.Text()
		if option == "" || why == "" {
			t.Errorf("reason %d: %q, %q", reason, option, why)
		}
		if other, twice := seen[option+why]; twice {
			t.Errorf("reasons %d and %d have the same text", other, reason)
		}
		seen[option+why] = reason
	}
	if option, why := suid.Permitted.Text(); option != "" || why != "" {
		t.Errorf("Permitted has a text: %q, %q", option, why)
	}
	unknown, unknownWhy := suid.ReasonUnknown.Text()
	for _, reason := range []suid.Reason{suid.NumReasons, suid.NumReasons + 1, 255, 1<<32 - 1} {
		if option, why := reason.Text(); option != unknown || why != unknownWhy {
			t.Errorf("reason %d, which does not exist: %q, %q", reason, option, why)
		}
	}
	for _, reason := range []suid.Reason{suid.ReasonReserved, suid.ReasonNoOwner} {
		if _, why := reason.Text(); !strings.Contains(why, fmt.Sprintf("(%d to %d)", uint32(suid.FirstOwner), uint32(suid.LastOwner))) {
			t.Errorf("reason %d does not say which ids: %q", reason, why)
		}
	}
	for _, reason := range []suid.Reason{suid.ReasonConfOff, suid.ReasonConfGroup, suid.ReasonConfOption} {
		if _, why := reason.Text(); !strings.Contains(why, "/etc/gobwrap/setuid.conf") {
			t.Errorf("reason %d does not say which file: %q", reason, why)
		}
	}
}

// TestExtra: FromExtra unpacks what Extra and the keeper have packed, and accepts any number.
func TestExtra(t *testing.T) {
	options := suid.Features()
	for reason := suid.Permitted; reason < suid.NumReasons; reason++ {
		for n := range uint32(len(options)) {
			extra, want := suid.Extra(reason, n), ""
			if flag, ok := namespaces[options[n]]; ok {
				extra = uint32(reason) | flag
			}
			got, option := suid.FromExtra(extra)
			if reason == suid.ReasonConfOption {
				want = options[n]
			}
			if got != reason || option != want {
				t.Errorf("reason %d, feature %d: reason %d, %q", reason, n, got, option)
			}
		}
	}
	// Off comes before groups, and that before any option; with another reason the bits say nothing.
	rest := uint32(1<<32-1) &^ (255 | suid.DenyAll | suid.DenyOthers)
	for _, more := range []uint32{0, 1 << 8, unix.CLONE_NEWPID, unix.CLONE_NEWUSER | unix.CLONE_NEWNET, suid.DenyProc, rest} {
		for bits, want := range map[uint32]suid.Reason{
			suid.DenyAll: suid.ReasonConfOff, suid.DenyOthers: suid.ReasonConfGroup, suid.DenyAll | suid.DenyOthers: suid.ReasonConfOff,
		} {
			for reason := suid.Permitted; reason <= suid.NumReasons; reason++ {
				expected := reason
				if reason == suid.ReasonConfOption {
					expected = want
				}
				if got, option := suid.FromExtra(uint32(reason) | bits | more); got != expected || option != "" {
					t.Errorf("%#x: reason %d, %q; want %d", uint32(reason)|bits|more, got, option, expected)
				}
			}
		}
	}
	for _, n := range []uint32{uint32(len(options)), uint32(len(options)) + 1, 63, 127} {
		if reason, option := suid.FromExtra(suid.Extra(suid.ReasonConfOption, n)); reason != suid.ReasonConfOption || option != "" {
			t.Errorf("feature %d, which does not exist: reason %d, %q", n, reason, option)
		}
	}
	for _, extra := range []uint32{0, 255, 1<<32 - 1} {
		if reason, option := suid.FromExtra(extra); reason != suid.Reason(extra&255) || option != "" {
			t.Errorf("%#x: reason %d, %q", extra, reason, option)
		}
	}
	if suid.NumReasons > 255 {
		t.Errorf("%d reasons do not go into a byte", suid.NumReasons)
	}
}

// TestInstallKinds: an ordinary binary and an installed one run. For all others the message says what
// is wrong and what would be right.
func TestInstallKinds(t *testing.T) {
	seen := map[string]bool{}
	for s := suid.Plain; s < suid.HookNumKinds; s++ {
		said := s.Refusal()
		switch s {
		case suid.Plain, suid.Installed:
			if said != "" {
				t.Errorf("kind %d is refused: %s", s, said)
			}
		default:
			if said == "" || seen[said] || !strings.Contains(said, "0755") || strings.Contains(said, "\n") {
				t.Errorf("kind %d says %q", s, said)
			}
		}
		seen[said] = true
	}
	for _, s := range []suid.InstallKind{suid.HookNumKinds, 1<<32 - 1} {
		if s.Refusal() == "" {
			t.Errorf("kind %d, which does not exist, runs", s)
		}
	}
}

// TestKept: the keeper keeps these capabilities, and no others, such as those that override file
// permissions or give access to kernel memory.
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
