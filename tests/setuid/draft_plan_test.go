package setuid_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/suid/keeper"
	"github.com/gobwrap/gobwrap/tests/lib/harness"
	"github.com/gobwrap/gobwrap/tests/lib/planbuild"
	"golang.org/x/sys/unix"
)

// step is a step of a plan with its strings: a string that is set replaces the operand.
type step struct {
	plan.Step
	a, b, c string
	src     int    // 1 for the first of the sources
	blob    []byte // a filter, in A
}

// draft is a plan that is being built. The fields are in the order of a launch's steps.
type draft struct {
	flags, clone           uint32
	join                   []step
	first, sources         []step // OpSlave stands between them
	frame                  []step // below the new root
	late, payload          []step
	closed, early, sync    []int
	json                   int
	uid, gid               uint32
	paths, argv, env       []string
	noSlave, noRoot, noEnd bool
}

const (
	safe       = unix.MS_NOSUID | unix.MS_NODEV
	plain      = unix.CLONE_NEWNS
	user       = unix.CLONE_NEWNS | unix.CLONE_NEWUSER
	allButUser = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
)

// good returns a plan without anything hostile: the witness on /h, bait on /b, a tmpfs on /t.
func good(bait string, words ...string) *draft {
	if len(words) == 0 {
		words = []string{"report"}
	}
	return &draft{
		clone: plain,
		sources: []step{
			{Step: plan.Step{Op: plan.OpSource}, a: base + "/bin"},
			{Step: plan.Step{Op: plan.OpSource}, a: bait},
			{Step: plan.Step{Op: plan.OpSource}, a: base + "/bin"}, // for a bind more
		},
		frame: []step{
			{Step: plan.Step{Op: plan.OpBind, C: safe | unix.MS_RDONLY, E: 0o755}, src: 1, b: "/h"},
			{Step: plan.Step{Op: plan.OpBind, C: safe, E: 0o755}, src: 2, b: "/b"},
			{Step: plan.Step{Op: plan.OpMount, A: plan.MountTmpfs, D: 0o755, E: 0o755}, b: "/t"},
		},
		payload: []step{
			{Step: plan.Step{Op: plan.OpCaps, Flags: plan.FlagBounding}},
			{Step: plan.Step{Op: plan.OpChdir}, a: "/", b: "PWD=/"},
		},
		json: -1, uid: me, gid: me,
		paths: []string{"/h/witness"}, argv: append([]string{"witness"}, words...), env: []string{"PWD=/"},
	}
}

// with changes a draft and returns it.
func (d *draft) with(change func(d *draft)) *draft {
	change(d)
	return d
}

// program returns the plan's bytes.
func (d *draft) program(t testing.TB) []byte {
	t.Helper()
	b := &planbuild.Builder{Flags: d.flags, Clone: d.clone}
	first := 0
	add := func(list ...step) {
		for _, s := range list {
			for text, to := range map[*string]*uint32{&s.a: &s.A, &s.b: &s.B, &s.c: &s.C} {
				if *text != "" {
					*to = b.Str(*text)
				}
			}
			if s.src > 0 {
				s.A = uint32(first + s.src - 1)
			}
			if s.blob != nil {
				s.A = b.Blob(s.blob)
			}
			b.Add(s.Step)
		}
	}
	b.Str("/")
	add(d.join...)
	b.EndJoin()
	add(d.first...)
	if !d.noSlave {
		add(step{Step: plan.Step{Op: plan.OpSlave}})
	}
	first = int(b.Len())
	add(d.sources...)
	if !d.noRoot {
		add(step{Step: plan.Step{Op: plan.OpRoot}})
	}
	add(d.frame...)
	if !d.noRoot {
		add(step{Step: plan.Step{Op: plan.OpPivot}})
	}
	add(d.late...)
	b.EndSetup()
	add(d.payload...)
	if !d.noEnd {
		add(step{Step: plan.Step{Op: plan.OpExec}})
	}
	b.Command(d.paths, d.argv, d.env, 0)
	b.Fds(d.closed, d.early, d.sync, d.json)
	b.IDs(d.uid, d.gid)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p.Bytes
}

// header returns a word of the header; the names are offsets in words.
func header(p []byte, word int) uint32 { return binary.NativeEndian.Uint32(p[4*word:]) }

// Words of the header.
const (
	hMagic = iota
	hSize
	hFlags
	hClone
	hSteps
	hJoin
	hSetup
	hSlots
	hArena
	hArenaLen
	hArgv
	hArgc
	hEnv
	hEnvc
	hPaths
	hPathc
	hScript
	hClose
	hClosec
	hEarly
	hEarlyc
	hSync
	hSyncc
	hPwd
	hJSON
	hUID
	hGID
)

// bait makes a directory of the host with files of several owners, which sandboxes bind on /b.
//
//	root/    root's: keep, secret (0600), ids (4755, see testdata)
//	nobody/  65534's (0700): secret, ids
//	other/   another user's (0700)
//	mine/    the attacker's, with links that lead to the others
func bait(t testing.TB) string {
	t.Helper()
	dir := harness.Scratch(t, base, 0)
	script := `mkdir root nobody other mine mine/dir && echo keep >root/keep && echo secret >root/secret && chmod 0600 root/secret &&
		install -m 4755 "$1" root/ids && for d in nobody other; do echo secret >$d/secret; install -m 0700 "$1" $d/ids; chmod 0600 $d/secret; chmod 0700 $d; done &&
		mkdir mixed && echo secret >mixed/secret && chmod 0600 mixed/secret && chmod 0700 mixed && chown -R 65534:12345 mixed &&
		chown -R 65534:65534 nobody && chown -R 12346:12346 other && ln -s ../root mine/in && ln -s "$PWD/root" mine/out && ln -s /proc/self/root mine/self &&
		chown -hR 12345:12345 mine`
	cmd := exec.Command("sh", "-c", script, "sh", base+"/bin/ids")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("making bait: %v\n%s", err, out)
	}
	return dir
}

// snapshot describes all files of a bait directory except those of the attacker. It complains about
// files in the attacker's part that belong to another user.
func snapshot(dir string) string {
	var out strings.Builder
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		var st unix.Stat_t
		if e := unix.Lstat(path, &st); e != nil || err != nil {
			fmt.Fprintln(&out, path, e, err)
			return nil
		}
		name := strings.TrimPrefix(path, dir)
		if strings.HasPrefix(name, "/mine") {
			if st.Uid != me || st.Gid != me || st.Mode&unix.S_IFMT == unix.S_IFBLK || st.Mode&unix.S_IFMT == unix.S_IFCHR {
				fmt.Fprintln(&out, "not the attacker's:", name, st.Uid, st.Gid, st.Mode)
			}
			return nil
		}
		var sum [sha256.Size]byte
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			text, _ := os.ReadFile(path)
			sum = sha256.Sum256(text)
		}
		fmt.Fprintf(&out, "%s %o %d:%d %d links, %d bytes, %d.%d %x\n", name, st.Mode, st.Uid, st.Gid, st.Nlink, st.Size, st.Ctim.Sec, st.Ctim.Nsec, sum[:8])
		return nil
	})
	return out.String()
}

// difference lists the lines that only one of two texts has.
func difference(was, is string) string {
	var out strings.Builder
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			fmt.Fprintln(&out, "- "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			fmt.Fprintln(&out, "+ "+line)
		}
	}
	return out.String()
}

// powerless complains if a report of the witness shows any right that the user does not have outside.
func powerless(report string) string {
	var bad []string
	facts := map[string]string{}
	for line := range strings.SplitSeq(report, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		facts[key] = value
		if strings.HasPrefix(key, "may ") && value == "yes" {
			bad = append(bad, line)
		}
	}
	if facts["uid"] != facts["gid"] || facts["pid"] == "" || !strings.HasSuffix(report, "end\n") {
		bad = append(bad, "not a complete report")
	}
	for _, set := range []string{"inheritable", "permitted", "effective", "ambient"} {
		if strings.Trim(facts[set], "0") != "" {
			bad = append(bad, set+": "+facts[set])
		}
	}
	id := fmt.Sprint(me)
	for key, want := range map[string]string{
		"uid": id + " " + id + " " + id, "no_new_privs": "1", "bounding": "0", "securebits": "0", "bait": id + " " + id,
	} {
		if facts[key] != want {
			bad = append(bad, fmt.Sprintf("%s: %q, want %q", key, facts[key], want))
		}
	}
	return strings.Join(bad, "; ")
}

// one is a step without strings.
func one(op plan.Op, flags uint16, operands ...uint32) step {
	all := [7]uint32{}
	copy(all[:], operands)
	return step{Step: plan.Step{Op: op, Flags: flags, A: all[0], B: all[1], C: all[2], D: all[3], E: all[4], F: all[5], G: all[6]}}
}

func (s step) at(dst string) step { s.b = dst; return s }

func (s step) of(name string) step { s.a = name; return s }

// frame, late and payload add steps to a draft.
func frame(steps ...step) func(d *draft) {
	return func(d *draft) { d.frame = append(d.frame, steps...) }
}

func late(steps ...step) func(d *draft) {
	return func(d *draft) { d.late = append(d.late, steps...) }
}

func payload(steps ...step) func(d *draft) {
	return func(d *draft) { d.payload = steps }
}

func file(fd uint32, dst string) step { return one(plan.OpFile, 0, fd, 0, 0, 0o600, 0o755).at(dst) }

func data(fd uint32, dst string) step { return one(plan.OpData, 0, fd, 0, safe, 0o600, 0o755).at(dst) }

func devNull(t testing.TB) int {
	t.Helper()
	fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// leaks complains if an output shows any right that the user does not have outside. With mapped, ids are those
// of a user namespace and not checked.
func leaks(said string, mapped bool) string {
	var bad []string
	for line := range strings.SplitSeq(said, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		id := fmt.Sprint(me)
		switch key {
		case "permitted", "effective", "inheritable", "ambient", "bounding":
			if strings.Trim(value, "0") != "" {
				bad = append(bad, line)
			}
		case "no_new_privs":
			if value != "1" {
				bad = append(bad, line)
			}
		case "uid", "gid":
			if !mapped && value != id+" "+id+" "+id {
				bad = append(bad, line)
			}
		case "bait":
			if !mapped && value != id+" "+id {
				bad = append(bad, line)
			}
		case "may setuid", "may setresuid", "may setgid":
			if value == "yes" && !mapped {
				bad = append(bad, line)
			}
		default:
			if strings.HasPrefix(key, "may ") && value == "yes" {
				bad = append(bad, line)
			}
		}
	}
	return strings.Join(bad, "; ")
}

// headerOf returns the keeper.Header that the launcher sends for a plan.
func headerOf(p []byte) (h [4]uint32) {
	if len(p) < plan.HeaderSize {
		return [4]uint32{unix.CLONE_NEWNS}
	}
	at := (*plan.Program)(&plan.Program{Bytes: p})
	flags := header(p, hFlags)
	h = [4]uint32{header(p, hClone), header(p, hUID), header(p, hGID), 0}
	if flags&plan.FlagTryUser != 0 {
		h[3] |= keeper.TryUser
	}
	for i := range at.Header().Steps {
		if s := at.Step(i); s.Op == plan.OpProc && s.A == 0 {
			h[3] |= keeper.NewProc
		}
	}
	return h
}
