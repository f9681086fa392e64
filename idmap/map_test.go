package idmap_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/idmap"
)

// none is (uid_t)-1.
const none = 1<<32 - 1

func TestParseRange(t *testing.T) {
	for text, want := range map[string]idmap.Range{
		"0:100000:65536":          {Outside: 100000, Count: 65536},
		"4294967294:0:1":          {Inside: none - 1, Count: 1},
		"0:0:4294967295":          {Count: none},
		"2147483648:3000000000:7": {Inside: 1 << 31, Outside: 3000000000, Count: 7},
		"007:08:9":                {Inside: 7, Outside: 8, Count: 9},
	} {
		got, err := idmap.ParseRange(text)
		if err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "is not INSIDE:OUTSIDE:COUNT", "1:2": "is not INSIDE:OUTSIDE:COUNT", "1:2:3:4": "is not INSIDE:OUTSIDE:COUNT",
		"::": `"" is not a number`, "a:1:1": `"a" is not a number`, "1:-1:1": `"-1" is not a number`, "1:1:+1": `"+1" is not a number`,
		"1 :1:1": `"1 " is not a number`, "0x1:1:1": `"0x1" is not a number`, "1_0:1:1": `"1_0" is not a number`, "1:1:1\n": `"1\n" is not a number`,
		"4294967296:1:1": `"4294967296" is not a number`, "0:0:0": "maps no id", "4294967295:0:1": "beyond the highest id",
		"0:4294967295:1": "beyond the highest id", "1:0:4294967295": "beyond the highest id", "4294967290:0:6": "beyond the highest id",
	} {
		if got, err := idmap.ParseRange(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %q", text, got, err, want)
		}
	}
}

// FuzzParseRange: what is taken is written as it is understood.
func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"0:100000:65536", "1:2", "00:1:4294967295", "1:1:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := idmap.ParseRange(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatalf("%q: no words", text)
			}
			return
		}
		again, err := idmap.ParseRange(r.String())
		if err != nil || again != r {
			t.Fatalf("%q is %v, and %s is %v, %v", text, r, r, again, err)
		}
		if m := (idmap.Map{r}); m.Check() != nil || !m.Has(r.Inside) || m.Has(r.Inside+r.Count) || !m.Has(r.Inside+r.Count-1) {
			t.Fatalf("%v does not hold what it says", r)
		}
	})
}

func TestCheck(t *testing.T) {
	lots := func(n int, inside, outside uint32) (m idmap.Map) {
		for i := range uint32(n) {
			m = append(m, idmap.Range{Inside: inside + i, Outside: outside + i, Count: 1})
		}
		return m
	}
	for _, c := range []struct {
		m    idmap.Map
		want string
	}{
		{nil, ""},
		{idmap.Single(0, 1000), ""},
		{idmap.Map{{0, 0, none}}, ""},
		{idmap.Map{{5, 5, 5}, {0, 0, 5}, {10, 10, 1}}, ""},
		{idmap.Map{{0, 10, 5}, {4, 20, 1}}, "0:10:5 and 4:20:1 overlap inside: an id would have two meanings"},
		{idmap.Map{{0, 10, 5}, {5, 9, 2}}, "0:10:5 and 5:9:2 overlap outside: an id would appear twice"},
		{idmap.Map{{0, 10, 5}, {}}, "maps no id"},
		{idmap.Map{{none, 10, 1}}, "beyond"},
		{lots(340, 0, 1000), ""},
		{lots(341, 0, 0), "341 ranges are more than the kernel takes in one map, 340"},
		{lots(300, 1000000000, 2000000000), "the 300 ranges make a map of 7200 bytes"},
	} {
		err := c.m.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d ranges: %v, want %q", len(c.m), err, c.want)
		}
	}
}

// random is a map that may overlap, of few and small numbers, and sometimes of the largest.
func random(r *rand.Rand, size uint32) (m idmap.Map) {
	high := uint32(0)
	if r.IntN(4) == 0 {
		high = none - 2*size
	}
	for range r.IntN(5) {
		m = append(m, idmap.Range{Inside: high + r.Uint32N(size), Outside: high + r.Uint32N(size), Count: 1 + r.Uint32N(size/3)})
	}
	return m
}

// TestMapModel compares maps with a table of all their ids.
func TestMapModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	good := 0
	for range 20000 {
		m := random(r, 24)
		to, from := map[uint64]uint64{}, map[uint64]uint64{}
		clash := false
		for _, line := range m {
			for i := range uint64(line.Count) {
				in, out := uint64(line.Inside)+i, uint64(line.Outside)+i
				_, a := to[in]
				_, b := from[out]
				clash = clash || a || b || in >= none || out >= none
				to[in], from[out] = out, in
			}
		}
		if err := m.Check(); (err != nil) != clash {
			t.Fatalf("%v: %v, want a clash: %v", m, err, clash)
		}
		if clash {
			continue
		}
		good++
		for in, out := range to {
			a, ok1 := m.Outside(uint32(in))
			b, ok2 := m.Inside(uint32(out))
			if !ok1 || !ok2 || uint64(a) != out || uint64(b) != in || !m.Has(uint32(in)) {
				t.Fatalf("%v: %d is %d, %d is %d", m, in, a, out, b)
			}
		}
		for _, id := range []uint32{0, 7, 30, none - 1, none} {
			if _, known := to[uint64(id)]; m.Has(id) != known {
				t.Fatalf("%v: has %d", m, id)
			}
		}
		if words := strings.Join(strings.Fields(m.Text()), " "); words != strings.Join(m.Args(), " ") || strings.Count(m.Text(), "\n") != len(m) {
			t.Fatalf("%v: %q and %q", m, m.Text(), m.Args())
		}
		same := m.Identity()
		for in := range to {
			if out, ok := same.Outside(uint32(in)); !ok || uint64(out) != in {
				t.Fatalf("%v: below, %d is %d", m, in, out)
			}
		}
		if same.Check() != nil || len(same) != len(m) {
			t.Fatalf("%v: below it is %v", m, same)
		}
	}
	if good < 2000 {
		t.Errorf("only %d maps were good", good)
	}
}

// autoModel is what Auto says it does, id by id.
func autoModel(own, inside uint32, sub []idmap.Range) map[uint32]uint32 {
	var granted []uint32
	for _, r := range sub {
		for i := range r.Count {
			granted = append(granted, r.Outside+i)
		}
	}
	m := map[uint32]uint32{inside: own}
	for k, id := range granted {
		if at := uint32(k) + 1; at != inside {
			m[at] = id
		} else {
			m[0] = id
		}
	}
	if _, ok := m[0]; !ok && len(granted) > 0 {
		m[0] = granted[len(granted)-1]
		delete(m, uint32(len(granted)))
	}
	return m
}

// TestAutoModel: the k-th granted id is k, except for the two that change places.
func TestAutoModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		own, at := uint32(1000), uint32(5000)
		var sub []idmap.Range
		for range r.IntN(4) {
			line := idmap.Range{Outside: at + r.Uint32N(3), Count: 1 + r.Uint32N(6)}
			sub, at = append(sub, line), line.Outside+line.Count
		}
		inside := []uint32{0, 1, r.Uint32N(24), own, none - 1}[r.IntN(5)]
		given := slices.Clone(sub)
		m := idmap.Auto(own, inside, sub)
		if !slices.Equal(given, sub) {
			t.Fatalf("%v was changed to %v", given, sub)
		}
		want := autoModel(own, inside, sub)
		count := 0
		for _, line := range m {
			for i := range line.Count {
				count++
				if out, ok := want[line.Inside+i]; !ok || out != line.Outside+i {
					t.Fatalf("Auto(%d, %d, %v) = %v: %d is %d, want %d", own, inside, sub, m, line.Inside+i, line.Outside+i, out)
				}
			}
		}
		if count != len(want) || m.Check() != nil || !slices.IsSortedFunc(m, func(a, b idmap.Range) int { return int(int64(a.Inside) - int64(b.Inside)) }) {
			t.Fatalf("Auto(%d, %d, %v) = %v, %v", own, inside, sub, m, m.Check())
		}
		if _, missing := m.Missing(own, sub); missing {
			t.Fatalf("Auto(%d, %d, %v) maps what is not granted", own, inside, sub)
		}
	}
}

// TestAutoEdges: the largest numbers.
func TestAutoEdges(t *testing.T) {
	for _, c := range []struct {
		inside uint32
		sub    []idmap.Range
		want   idmap.Map
	}{
		{0, nil, idmap.Map{{0, 7, 1}}},
		{9, nil, idmap.Map{{9, 7, 1}}},
		{0, []idmap.Range{{0, 8, none - 8}}, idmap.Map{{0, 7, 1}, {1, 8, none - 8}}},
		{0, []idmap.Range{{0, 100, 1 << 31}, {0, 1<<31 + 100, 1<<31 - 200}}, idmap.Map{{0, 7, 1}, {1, 100, 1 << 31}, {1<<31 + 1, 1<<31 + 100, 1<<31 - 200}}},
		{none - 1, []idmap.Range{{0, 8, 2}}, idmap.Map{{0, 9, 1}, {1, 8, 1}, {none - 1, 7, 1}}},
		{1, []idmap.Range{{0, 8, 1}}, idmap.Map{{0, 8, 1}, {1, 7, 1}}},
	} {
		got := idmap.Auto(7, c.inside, c.sub)
		if !slices.Equal(got, c.want) || got.Check() != nil {
			t.Errorf("Auto(7, %d, %v) = %v, %v, want %v", c.inside, c.sub, got, got.Check(), c.want)
		}
	}
}

func TestSubIDs(t *testing.T) {
	const text = "# a comment\n\nu:100000:65536\nv:200000:10\n u:1:1\nu:300000:5 \n1000:400000:1\nu:5:0\nu:4294967295:1\nu:4294967290:5\nu:x:1\nu:1\nu:1:2:3\nuu:7:7\n:8:8\nu:500000:1"
	got := idmap.SubIDs(text, "u", "1000")
	want := []idmap.Range{
		{Outside: 100000, Count: 65536},
		{Outside: 1, Count: 1},
		{Outside: 300000, Count: 5},
		{Outside: 400000, Count: 1},
		{Outside: 4294967290, Count: 5},
		{Outside: 500000, Count: 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, name := range []string{"", "#", "# a comment", "x", "100000"} {
		if got := idmap.SubIDs(text, name); got != nil {
			t.Errorf("%q has %v", name, got)
		}
	}
}

// FuzzSubIDs: whatever the file says, what is read can be mapped, and the range that is
// proposed is nobody's.
func FuzzSubIDs(f *testing.F) {
	f.Add("u:100000:65536\nv:165536:65536\n", "u")
	f.Add("u:4294967294:1\n\x00:::", "u")
	f.Fuzz(func(t *testing.T, text, name string) {
		for _, r := range idmap.SubIDs(text, name) {
			r.Inside = 0
			if err := (idmap.Map{r}).Check(); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		free := idmap.FreeRange(text)
		if free.Outside == none-65536 {
			return // there is none left, perhaps
		}
		for line := range strings.Lines(text) {
			who, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			for _, r := range idmap.SubIDs(line, who) {
				if uint64(free.Outside) < uint64(r.Outside)+uint64(r.Count) && uint64(r.Outside) < uint64(free.Outside)+uint64(free.Count) {
					t.Fatalf("%q: %v is said to be free, and is in %v", text, free, r)
				}
			}
		}
	})
}

func TestMissing(t *testing.T) {
	grants := []idmap.Range{{Outside: 110, Count: 10}, {Outside: 100, Count: 10}, {Outside: 130, Count: 5}, {Outside: 105, Count: 2}}
	for text, want := range map[string]string{
		"": "", "0:100:20": "", "0:7:1": "", "0:7:1 1:100:1": "", "5:130:5": "", "0:119:1": "",
		"0:99:2": "0:99:2", "0:7:2": "0:7:2", "0:120:1": "0:120:1", "0:100:21": "0:100:21", "0:100:35": "0:100:35",
		"0:7:1 1:100:1 2:6:1": "2:6:1", "0:0:4294967295": "0:0:4294967295", "0:134:2": "0:134:2",
	} {
		var m idmap.Map
		for _, f := range strings.Fields(text) {
			r, err := idmap.ParseRange(f)
			if err != nil {
				t.Fatal(err)
			}
			m = append(m, r)
		}
		got, missing := m.Missing(7, grants)
		if missing != (want != "") || missing && got.String() != want {
			t.Errorf("%q: %v, %v, want %q", text, got, missing, want)
		}
	}
	if _, missing := idmap.Single(0, 100).Missing(7, nil); !missing {
		t.Error("without grants nothing is missing")
	}
}

func TestFreeRange(t *testing.T) {
	for text, want := range map[string]string{
		"u:100000:65536\nw:300000:9\nv:165536:65536\n": "231072:65536", "u:130000:1\n": "130001:65536", "u:165536:9\n": "100000:65536",
		"": "100000:65536", "u:100000:65536\n": "165536:65536", "u:4294900000:9\nv:1:4294900000": "4294900009:65536", "u:200000:10\nv:100000:10\n": "100010:65536", "u:5:5\n": "100000:65536", "junk\n": "100000:65536",
	} {
		r := idmap.FreeRange(text)
		if got := fmt.Sprint(r.Outside, ":", r.Count); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestUserName(t *testing.T) {
	const text = "root:x:0:0::/root:/bin/sh\nshort:x:1000\nu:x:1000:100::/home/u:/bin/sh\nsame:x:1000:100::/:/bin/sh\n"
	for uid, want := range map[uint32]string{0: "root", 1000: "u", 100: "", 5: ""} {
		if got := idmap.UserName(text, uid); got != want {
			t.Errorf("%d is %q, want %q", uid, got, want)
		}
	}
	for name, want := range map[string]bool{"root": true, "u": true, "same": true, "oot": false, "nobody": false, "x": false} {
		if got := idmap.KnowsUser(text, name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
