package setuid_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid"
	"github.com/gobwrap/gobwrap/tests/lib/proc"
)

func size(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// bytewise sends a message slowly.
func bytewise(b []byte, pause time.Duration) (all []parcel) {
	for i := range b {
		all = append(all, parcel{data: b[i : i+1], pause: pause})
	}
	return all
}

// TestMessages: a keeper takes one message, whole, without anything beside it or behind
// it, and then the end. A message is refused or carried out, and never waited for once
// its socket is closed.
func TestMessages(t *testing.T) {
	t.Parallel()
	s, lure := become(t, me), bait(t)
	p := good(lure).program(t)
	n := uint32(len(p))
	end := parcel{shut: true}
	join := slices.Concat[[]byte]
	for _, c := range []struct {
		name    string
		parcels []parcel
		want    judgement
	}{
		{"good", whole(p), ran},
		{"in-two-halves", []parcel{{data: framed(p)[:n/2]}, {data: framed(p)[n/2:], pause: 20 * time.Millisecond}, end}, ran},
		{"late-end", []parcel{{data: framed(p)}, {shut: true, pause: 50 * time.Millisecond}}, ran},
		{"byte-by-byte", append(bytewise(framed(p), 20*time.Microsecond), end), ran},
		{"byte-by-byte-and-stops", append(bytewise(framed(p)[:n/2], 20*time.Microsecond), end), silent},
		{"nothing", []parcel{end}, silent},
		{"one-byte", []parcel{{data: []byte{1}}, end}, silent},
		{"three-bytes", []parcel{{data: size(n)[:3]}, end}, silent},
		{"size-alone", []parcel{{data: size(n)}, end}, silent},
		{"size-zero", []parcel{{data: size(0)}, end}, bad(plan.BadHeader)},
		{"size-zero-and-a-plan", []parcel{{data: join(size(0), p)}, end}, silent},
		{"smaller-than-a-header", whole(p[:plan.HeaderSize-1]), bad(plan.BadHeader)},
		{"a-header", whole(p[:plan.HeaderSize]), bad(plan.BadHeader)},
		{"short-by-one", []parcel{{data: framed(p)[:n+3]}, end}, silent},
		{"size-too-small", []parcel{{data: join(size(n-1), p)}, end}, silent},
		{"size-too-large", []parcel{{data: join(size(n+1), p)}, end}, silent},
		{"surplus-byte", []parcel{{data: append(framed(p), 0)}, end}, silent},
		{"late-surplus-byte", []parcel{{data: framed(p)}, {data: []byte{0}, pause: 20 * time.Millisecond}, end}, silent},
		{"two-messages", []parcel{{data: join(framed(p), framed(p))}, end}, silent},
		{"two-messages-apart", []parcel{{data: framed(p)}, {data: framed(p), pause: 20 * time.Millisecond}, end}, silent},
		{"two-sizes", []parcel{{data: join(size(n), framed(p))}, end}, silent},
		{"other-bytes-first", []parcel{{data: join(make([]byte, 4), framed(p))}, end}, silent},
		{"limit", []parcel{{data: size(suid.MaxBytes)}, end}, silent},
		{"above-the-limit", []parcel{{data: size(suid.MaxBytes + 1)}, end}, row(suid.RowBytes)},
		{"enormous", []parcel{{data: size(1<<32 - 1)}, end}, row(suid.RowBytes)},
		{"negative", []parcel{{data: size(1 << 31)}, end}, row(suid.RowBytes)},
		{"marked-for-the-keeper", []parcel{{data: join(size(n|1<<30), p)}, end}, row(suid.RowBytes)},
		{"descriptor-first", []parcel{{data: framed(p)[:1], rights: true}, {data: framed(p)[1:]}, end}, silent},
		{"descriptor-with-the-size", []parcel{{data: size(n), rights: true}, {data: p}, end}, silent},
		{"descriptor-in-the-middle", []parcel{{data: framed(p)[:n/2]}, {data: framed(p)[n/2 : n/2+1], rights: true}, {data: framed(p)[n/2+1:]}, end}, silent},
		{"descriptor-with-all", []parcel{{data: framed(p), rights: true}, end}, silent},
		{"descriptor-behind", []parcel{{data: framed(p)}, {data: []byte{0}, rights: true}, end}, silent},
		// What is out of band is not part of what is read, or ends the message where it stands.
		{"urgent-byte", []parcel{{data: framed(p)[:n/2]}, {data: []byte{7}, urgent: true}, {data: framed(p)[n/2:]}, end}, either(silent, ran)},
		{"urgent-byte-of-the-plan", []parcel{{data: framed(p)[:n/2]}, {data: framed(p)[n/2 : n/2+1], urgent: true}, {data: framed(p)[n/2+1:]}, end}, either(silent, ran, bad(plan.BadHeader))},
	} {
		t.Run(c.name, func(t *testing.T) {
			was := snapshot(lure)
			l := s.attempt(t, scene{}, c.parcels)
			if complaint := c.want(l); complaint != "" {
				t.Errorf("%s: %s", complaint, l)
			}
			if now := snapshot(lure); now != was {
				t.Errorf("files of the host have changed:\n%s", difference(was, now))
			}
		})
	}
}

// TestKeeperWaitsNoLongerThanItsLauncher: a message that does not end is waited for as long
// as the launcher lives, which the user decides, and no longer.
func TestKeeperWaitsNoLongerThanItsLauncher(t *testing.T) {
	t.Parallel()
	s, lure := become(t, me), bait(t)
	p := framed(good(lure).program(t))
	for name, parcels := range map[string][]parcel{
		"nothing":   nil,
		"a-part":    {{data: p[:len(p)/2]}},
		"no-end":    {{data: p}},
		"the-size":  {{data: p[:4]}},
		"a-byte":    {{data: p[:1]}},
		"a-surplus": {{data: p[:len(p)-1]}},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := s.rob(scene{})
			if err != nil {
				t.Fatal(err)
			}
			if err := h.send(parcels); err != nil {
				t.Error(err)
			}
			if ready(h.line, 30*time.Millisecond) || proc.State(h.keeper) == "Z" {
				t.Error("the keeper did not wait: this is no test of what it does then")
			}
			// The thief keeps his copies of the sockets open meanwhile.
			if err := s.kill(h.pid, 9); err != nil {
				t.Error(err)
			}
			if err := gone(soon, h.pid, h.keeper); err != nil {
				t.Error(err)
			}
			if err := h.end(); err != nil {
				t.Error(err)
			}
		})
	}
}
