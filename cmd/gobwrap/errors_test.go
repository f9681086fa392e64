package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/cmdline"
	"github.com/gobwrap/gobwrap/internal/front"
)

// refusals are command lines that cannot be, with what is said about them. See words
// for the descriptors. Those that end in "…" want nothing behind them.
var refusals = []struct{ line, want string }{
	{"--bogus", "Unknown option --bogus"},
	{"-x", "Unknown option -x"},
	{"-", "Unknown option -"},
	{"---", "Unknown option ---"},
	{"--UID 5", "Unknown option --UID"},
	{"--uid=5", "Unknown option --uid=5"},
	{"--unshare-pids", "Unknown option --unshare-pids"},

	{"--uid …", "--uid takes an argument"},
	{"--gid …", "--gid takes an argument"},
	{"--args …", "--args takes an argument"},
	{"--argv0 …", "--argv0 takes an argument"},
	{"--userns …", "--userns takes an argument"},
	{"--userns2 …", "--userns2 takes an argument"},
	{"--pidns …", "--pidns takes an argument"},
	{"--hostname …", "--hostname takes an argument"},
	{"--chdir …", "--chdir takes one argument"},
	{"--remount-ro …", "--remount-ro takes one argument"},
	{"--setenv …", "--setenv takes two arguments"},
	{"--setenv A …", "--setenv takes two arguments"},
	{"--unsetenv …", "--unsetenv takes an argument"},
	{"--lock-file …", "--lock-file takes an argument"},
	{"--sync-fd …", "--sync-fd takes an argument"},
	{"--bind …", "--bind takes two arguments"},
	{"--bind /a …", "--bind takes two arguments"},
	{"--bind-try /a …", "--bind-try takes two arguments"},
	{"--dev-bind /a …", "--dev-bind takes two arguments"},
	{"--dev-bind-try /a …", "--dev-bind-try takes two arguments"},
	{"--ro-bind /a …", "--ro-bind takes two arguments"},
	{"--ro-bind-try /a …", "--ro-bind-try takes two arguments"},
	{"--bind-fd 5 …", "--bind-fd takes two arguments"},
	{"--ro-bind-fd 5 …", "--ro-bind-fd takes two arguments"},
	{"--overlay-src …", "--overlay-src takes an argument"},
	{"--overlay-src /l --overlay /a /b …", "--overlay takes three arguments"},
	{"--overlay-src /l --tmp-overlay …", "--tmp-overlay takes an argument"},
	{"--overlay-src /l --ro-overlay …", "--ro-overlay takes an argument"},
	{"--exec-label …", "--exec-label takes an argument"},
	{"--file-label …", "--file-label takes an argument"},
	{"--proc …", "--proc takes an argument"},
	{"--dev …", "--dev takes an argument"},
	{"--tmpfs …", "--tmpfs takes an argument"},
	{"--mqueue …", "--mqueue takes an argument"},
	{"--dir …", "--dir takes an argument"},
	{"--file 5 …", "--file takes two arguments"},
	{"--bind-data 5 …", "--bind-data takes two arguments"},
	{"--ro-bind-data 5 …", "--ro-bind-data takes two arguments"},
	{"--symlink a …", "--symlink takes two arguments"},
	{"--seccomp …", "--seccomp takes an argument"},
	{"--add-seccomp-fd …", "--add-seccomp-fd takes an argument"},
	{"--seccomp-profile …", "--seccomp-profile takes an argument"},
	{"--scope …", "--scope takes an argument"},
	{"--scope-try …", "--scope-try takes an argument"},
	{"--allow-socket …", "--allow-socket takes an argument"},
	{"--allow-socket ''", "--allow-socket: PATH must not be empty"},
	{"--block-fd …", "--block-fd takes an argument"},
	{"--userns-block-fd …", "--userns-block-fd takes an argument"},
	{"--info-fd …", "--info-fd takes an argument"},
	{"--json-status-fd …", "--json-status-fd takes an argument"},
	{"--cap-add …", "--cap-add takes an argument"},
	{"--cap-drop …", "--cap-drop takes an argument"},
	{"--perms …", "--perms takes an argument"},
	{"--size …", "--size takes an argument"},
	{"--chmod 1 …", "--chmod takes two arguments"},

	{"--uid -1", "Invalid uid: -1"},
	{"--uid +1", "Invalid uid: +1"},
	{"--uid 5x", "Invalid uid: 5x"},
	{"--uid 0x5", "Invalid uid: 0x5"},
	{"--uid ''", "Invalid uid: "},
	{"--uid 1_0", "Invalid uid: 1_0"},
	{"--uid 4294967295", "Invalid uid: 4294967295"},
	{"--uid 4294967296", "Invalid uid: 4294967296"},
	{"--uid 18446744073709551616", "Invalid uid: 18446744073709551616"},
	{"--gid -1", "Invalid gid: -1"},
	{"--gid 4294967295", "Invalid gid: 4294967295"},
	{"--gid root", "Invalid gid: root"},

	{"--perms 9 --dir /d", "--perms takes an octal argument <= 07777"},
	{"--perms 10000 --dir /d", "--perms takes an octal argument <= 07777"},
	{"--perms 0o755 --dir /d", "--perms takes an octal argument <= 07777"},
	{"--perms -1 --dir /d", "--perms takes an octal argument <= 07777"},
	{"--perms +755 --dir /d", "--perms takes an octal argument <= 07777"},
	{"--perms 755x --dir /d", "--perms takes an octal argument <= 07777"},
	{"--perms '' --dir /d", "--perms takes an octal argument <= 07777"},
	{"--perms 37777777777777777777755 --dir /d", "--perms takes an octal argument <= 07777"},
	{"--perms 0700 --perms 0700 --dir /d", "--perms given twice for the same action"},
	{"--perms 0700 --size 5 --perms 0700 --tmpfs /d", "--perms given twice for the same action"},
	{"--chmod 10000 /d", "--chmod takes an octal argument <= 07777"},
	{"--chmod u+x /d", "--chmod takes an octal argument <= 07777"},
	{"--size 0 --tmpfs /d", "--size takes a non-zero number of bytes"},
	{"--size -5 --tmpfs /d", "--size takes a non-zero number of bytes"},
	{"--size 1k --tmpfs /d", "--size takes a non-zero number of bytes"},
	{"--size '' --tmpfs /d", "--size takes a non-zero number of bytes"},
	{"--size 9223372036854775808 --tmpfs /d", "--size takes a non-zero number of bytes"},
	{"--size 18446744073709551617 --tmpfs /d", "--size takes a non-zero number of bytes"},
	{"--size 5 --size 6 --tmpfs /d", "--size given twice for the same action"},

	{"--cap-add bogus", "unknown cap: bogus"},
	{"--cap-drop NET_RAW", "unknown cap: NET_RAW"},
	{"--cap-add CAP_NET_RAWx", "unknown cap: CAP_NET_RAWx"},
	{"--cap-add 64", "unknown cap: 64"},
	{"--cap-add -1", "unknown cap: -1"},
	{"--cap-add ''", "unknown cap: "},

	{"--argv0 a --argv0 b", "--argv0 used multiple times"},
	{"--setenv '' x", `--setenv: invalid variable name ""`},
	{"--setenv A=B x", `--setenv: invalid variable name "A=B"`},
	{"--unsetenv =", `--unsetenv: invalid variable name "="`},

	{"--bind '' /d", "--bind: SRC must not be empty"},
	{"--bind-try '' /d", "--bind-try: SRC must not be empty"},
	{"--bind /s ''", "--bind: DEST must not be empty"},
	{"--dir ''", "--dir: DEST must not be empty"},
	{"--tmpfs ''", "--tmpfs: DEST must not be empty"},
	{"--symlink t ''", "--symlink: DEST must not be empty"},
	{"--file @ ''", "--file: DEST must not be empty"},
	{"--bind-fd @ ''", "--bind-fd: DEST must not be empty"},
	{"--chmod 0 ''", "--chmod: PATH must not be empty"},
	{"--chdir ''", "--chdir: DIR must not be empty"},
	{"--lock-file ''", "--lock-file: DEST must not be empty"},
	{"--overlay-src ''", "--overlay-src: SRC must not be empty"},
	{"--overlay-src /l --overlay /a '' /d", "--overlay: WORKDIR must not be empty"},

	{"--overlay /a /b /d", "--overlay requires at least one --overlay-src"},
	{"--tmp-overlay /d", "--tmp-overlay requires at least one --overlay-src"},
	{"--ro-overlay /d", "--ro-overlay requires at least"},
	{"--overlay-src /l --ro-overlay /d", "--ro-overlay requires at least two --overlay-src"},
	{"--overlay-src /a --overlay-src /b --tmp-overlay /d --ro-overlay /d", "--ro-overlay requires at least"},
	{strings.Repeat("--overlay-src /l ", cmdline.MaxLayers+1) + "--tmp-overlay /d", "--overlay-src: at most 128 layers fit into one overlay"},

	{"--args x", "Invalid fd: x"},
	{"--args -1", "Invalid fd: -1"},
	{"--args ''", "Invalid fd: "},
	{"--args 5x", "Invalid fd: 5x"},
	{"--args 2147483648", "Invalid fd: 2147483648"},
	{"--args 4294967299", "Invalid fd: 4294967299"},
	{"--args @closed", "--args: fd " + closedFD + " is not open: Bad file descriptor"},
	{"--seccomp +4", "Invalid fd: +4"},
	{"--seccomp @closed", "--seccomp: fd " + closedFD + " is not open"},
	{"--seccomp @", "the seccomp filter is empty"},
	{"--seccomp @1234567", "Invalid seccomp data, must be multiple of 8"},
	{"--seccomp @toolong", "the seccomp filter has more than 4096 instructions"},
	{"--add-seccomp-fd @123", "Invalid seccomp data, must be multiple of 8"},
	{"--seccomp @filter --add-seccomp-fd @filter", "--add-seccomp-fd cannot be combined with --seccomp"},
	{"--add-seccomp-fd @filter --seccomp @filter", "cannot be combined with"},
	{"--seccomp @abcdefgh", "--seccomp "},
	{"--seccomp @abcdefgh", ": instruction 0 of the seccomp filter (code 0x6261) is not one that seccomp permits"},
	{"--seccomp-profile Strict", `--seccomp-profile: "Strict" is not one of the built-in profiles default, no-tty-injection, no-unix-sockets, no-userns, strict; the path of a file must contain a slash`},
	{"--seccomp-profile default.json", `"default.json" is not one of the built-in profiles`},
	{"--seccomp-profile ''", `"" is not one of the built-in profiles`},
	{"--scope x", `--scope: invalid value "x" (want signals, abstract-sockets, sockets or all)`},
	{"--scope ''", `--scope: invalid value "" (want signals`},
	{"--scope-try Signals", `--scope-try: invalid value "Signals" (want signals`},
	{"--mode x", `--mode: invalid value "x" (want auto, direct or setuid)`},
	{"--mask …", "--mask takes an argument"},
	{"--mask ''", "--mask"},
	{"--mask /", `--mask: invalid value "/" (want an absolute path in the sandbox, other than its root)`},
	{"--mask /.//", `--mask: invalid value "/.//" (want an absolute path in the sandbox, other than its root)`},
	{"--mask-try .env", `--mask-try: invalid value ".env" (want an absolute path in the sandbox, other than its root)`},
	{"--protect d", `--protect: invalid value "d" (want an absolute path`},
	{"--mask-glob **/.env", "--mask-glob: invalid value \"**/.env\" (want an absolute path whose first component is literal"},
	{"--mask-glob /**/.env", "--mask-glob: invalid value \"/**/.env\" (want an absolute path whose first component is literal"},
	{"--protect-glob /d/[a", `--protect-glob: invalid value "/d/[a" (want an absolute path`},
	{"--protect-glob-try /d/**x", `--protect-glob-try: invalid value "/d/**x" (want an absolute path`},
	{"--mode Setuid", `--mode: invalid value "Setuid" (want auto, direct or setuid)`},
	{"--setup-exit-status …", "--setup-exit-status takes an argument"},
	{"--setup-exit-status 0", "(want a number from 1 to 255)"},
	{"--setup-exit-status 256", "(want a number from 1 to 255)"},
	{"--setup-exit-status -1", "(want a number from 1 to 255)"},
	{"--setup-exit-status +5", "(want a number from 1 to 255)"},
	{"--setup-exit-status ''", "(want a number from 1 to 255)"},
	{"--setup-exit-status 1x", "(want a number from 1 to 255)"},
	{"--setup-exit-status 18446744073709551617", "(want a number from 1 to 255)"},
	{"--setup-exit-status=5", "Unknown option --setup-exit-status=5"},
	{"--rlimit …", "--rlimit takes an argument"},
	{"--rlimit nofile", `--rlimit: invalid value "nofile" (want NAME=SOFT[:HARD], with a NAME of as, core,`},
	{"--rlimit rss=1", `--rlimit: invalid value "rss=1" (want`},
	{"--rlimit nofile=9:8", `--rlimit: invalid value "nofile=9:8" (want`},
	{"--rlimit as=18446744073709551616", `--rlimit: invalid value "as=18446744073709551616" (want`},
	{"--rlimit ''", `--rlimit: invalid value "" (want`},
	{"--oom-score-adj 1001", `--oom-score-adj: invalid value "1001" (want a number from -1000 to 1000)`},
	{"--keep-fd x", "Invalid fd: x"},
	{"--keep-fd @closed", "--keep-fd: fd 2000000001 is not open"},
	{"--timeout …", "--timeout takes an argument"},
	{"--timeout 0", `--timeout: invalid value "0" (want SECONDS[:GRACE]`},
	{"--timeout 0.0", `--timeout: invalid value "0.0" (want`},
	{"--timeout 1:", `--timeout: invalid value "1:" (want`},
	{"--timeout :1", `--timeout: invalid value ":1" (want`},
	{"--timeout 1.", `--timeout: invalid value "1." (want`},
	{"--timeout .5", `--timeout: invalid value ".5" (want`},
	{"--timeout 1.2.3", `--timeout: invalid value "1.2.3" (want`},
	{"--timeout 1s", `--timeout: invalid value "1s" (want`},
	{"--timeout -1", `--timeout: invalid value "-1" (want`},
	{"--timeout 4294967", `--timeout: invalid value "4294967" (want`},
	{"--timeout 18446744073709551617", `--timeout: invalid value "18446744073709551617" (want`},
	{"--cpu-affinity …", "--cpu-affinity takes an argument"},
	{"--cpu-affinity 0-", `--cpu-affinity: invalid value "0-" (want numbers of CPUs and ranges of them, such as 0-3,5, each below 8192)`},
	{"--cpu-affinity 3-0", `--cpu-affinity: invalid value "3-0" (want`},
	{"--cpu-affinity ''", `--cpu-affinity: invalid value "" (want`},
	{"--cpu-affinity 0,", `--cpu-affinity: invalid value "0," (want`},
	{"--cpu-affinity 8192", `--cpu-affinity: invalid value "8192" (want`},
	{"--nice …", "--nice takes an argument"},
	{"--nice 20", `--nice: invalid value "20" (want a number from -20 to 19)`},
	{"--nice +1", `--nice: invalid value "+1" (want`},
	{"--nice 18446744073709551617", `--nice: invalid value "18446744073709551617" (want`},
	{"--fallback-proc", "--fallback-proc takes a value: --fallback-proc=none|bind"},
	{"--fallback-proc none", "--fallback-proc takes a value: --fallback-proc=none|bind"},
	{"--fallback-proc=", `--fallback-proc: invalid value "" (want none or bind)`},
	{"--fallback-proc=None", `--fallback-proc: invalid value "None" (want none or bind)`},
	{"--fallback-proc=none,bind", `--fallback-proc: invalid value "none,bind" (want none or bind)`},
	{"--fallback-proc=bind=x", `--fallback-proc: invalid value "bind=x" (want none or bind)`},
	{"--fallback-proc==bind", `--fallback-proc: invalid value "=bind" (want none or bind)`},
	{"--fallback-procs=bind", "Unknown option --fallback-procs=bind"},
	{"--new-session=", "Unknown option --new-session="},
	{"--help=no-such-option", `--help: unknown option "no-such-option"`},
	{"--help=", `--help: unknown option ""`},
	{"--=x", "Unknown option --=x"},
	{"-=", "Unknown option -="},
	{"--userns 3.0", "Invalid fd: 3.0"},
	{"--bind-fd x /d", "Invalid fd: x"},
	{"--file @closed /d", "--file: fd " + closedFD + " is not open"},
	{"--info-fd @closed", "--info-fd: fd " + closedFD + " is not open"},
	{"--block-fd @closed", "--block-fd: fd " + closedFD + " is not open: Bad file descriptor"},
	{"--info-fd @x", " is not open for writing: Bad file descriptor"},
	{"--json-status-fd @x", " is not open for writing: Bad file descriptor"},
}

const errLayer = "--overlay-src must be followed by another --overlay-src or one of --overlay, --tmp-overlay, or --ro-overlay"

// dangling are modifiers without an operation, by what stands there instead.
func dangling() []struct{ line, want string } {
	var out []struct{ line, want string }
	add := func(line, want string) { out = append(out, struct{ line, want string }{line, want}) }
	for i := range cmdline.Options {
		o := &cmdline.Options[i]
		m := meanings[o.Name]
		if o.Modifies || o.Name == "--args" || before[o.Name] != "" {
			continue
		}
		line := typed(o.Name, m.line)
		if o.Takes&cmdline.TakesPerms == 0 {
			add("--perms 0700 "+line, "--perms must be followed by an option that creates a file")
		}
		if o.Takes&cmdline.TakesSize == 0 {
			add("--size 5 "+line, "--size must be followed by --tmpfs")
		}
		if o.Name != "--overlay-src" {
			add("--overlay-src /l "+line, errLayer)
		}
	}
	return out
}

// TestRefusals gives each command line that cannot be: alone, behind other options,
// in front of others, and in an arguments file.
func TestRefusals(t *testing.T) {
	all := append(slices.Clone(refusals), dangling()...)
	all = append(all, struct{ line, want string }{"--overlay-src /l --args @--tmp-overlay~/d", errLayer},
		struct{ line, want string }{"--overlay-src /l --setenv A B --tmp-overlay /d", errLayer})
	for _, c := range all {
		line, last := strings.CutSuffix(c.line, "…")
		refused := func(how string, argv ...string) {
			t.Helper()
			_, _, err := parse(append([]string{"gobwrap"}, argv...))
			if err == nil {
				t.Errorf("%s, %s: taken", c.line, how)
			} else if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %q, want %q", c.line, how, err, c.want)
			}
		}
		front := []string{"--unshare-net", "--ro-bind", "/", "/", "--setenv", "A", "B"}
		refused("alone", words(t, line)...)
		refused("behind others", append(front, words(t, line)...)...)
		if !last {
			refused("before a command", append(words(t, line), "--", "cmd")...)
			refused("before others", append(words(t, line), append(front, "cmd")...)...)
		}
		if strings.HasPrefix(line, "--args ") || strings.Contains(line, " --args ") {
			continue
		}
		for _, end := range []string{"", "\x00"} {
			if strings.HasSuffix(line, " ''") {
				end = "\x00" // an empty word at the end needs its NUL
			}
			text := func() string { return strings.Join(words(t, line), "\x00") + end } // new descriptors each time
			refused("in a file", "--args", data(t, text()), "cmd")
			refused("in a file behind others", append(front, "--args", data(t, strings.Join(front, "\x00")+"\x00"+text()), "cmd")...)
		}
	}
}

// TestArgsFile: what is special about arguments files.
func TestArgsFile(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"--args @--args~5 x", "--args not supported in arguments file"},
		{"--args @--perms~0700 --dir /d x", "--perms must be followed by"},
		{"--args @--size~5 --tmpfs /d x", "--size must be followed by"},
		{"--args @--overlay-src~/l --tmp-overlay /d x", "--overlay-src must be followed by"},
		{"--args @--setenv~A B x", "--setenv takes two arguments"},
		{"--perms 0700 --args @--bind~/a~/b x", "--perms must be followed by"},
		{"--perms 0700 --args @ --dir /d x", "--perms must be followed by"},
		{"--args @--dir~/d", "No command given"},
		{"--args @--dir~/d~--~cmd", "No command given"},
	} {
		_, _, err := parse(append([]string{"gobwrap"}, words(t, c.line)...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.line, err, c.want)
		}
	}
	fd := data(t, "--dir\x00/d")
	if _, _, err := parse([]string{"b", "--args", fd, "--args", fd, "x"}); err == nil || !strings.Contains(err.Error(), "was already used up by --args "+fd) {
		t.Errorf("the same file twice: %v", err)
	}
	if _, _, err := parse([]string{"b", "--args", fd, "--file", fd, "/x", "x"}); err == nil || !strings.Contains(err.Error(), "--file "+fd+" /x: fd "+fd+" was already used up by --args "+fd) {
		t.Errorf("arguments and data from one: %v", err)
	}
}

// TestCannotBe: combinations that the parser passes on and Compile refuses.
func TestCannotBe(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"--userns @ --unshare-user", "--userns not compatible --unshare-user"},
		{"--userns @ --unshare-user-try", "--userns not compatible --unshare-user"},
		{"--userns @ --unshare-all", "--userns not compatible --unshare-user"},
		{"--disable-userns", "--disable-userns requires --unshare-user"},
		{"--unshare-user-try --disable-userns", "--disable-userns requires --unshare-user"},
		{"--unshare-user --disable-userns --userns-block-fd @ --info-fd @", "--disable-userns is not compatible with  --userns-block-fd"},
		{"--userns-block-fd @ --info-fd @", "--userns-block-fd requires --unshare-user"},
		{"--unshare-user --userns-block-fd @", "--userns-block-fd requires --info-fd"},
		{"--unshare-pid --uid 5", "Specifying --uid requires --unshare-user or --userns"},
		{"--gid 5", "Specifying --gid requires --unshare-user or --userns"},
		{"--hostname x", "Specifying --hostname requires --unshare-uts"},
		{"--as-pid-1", "Specifying --as-pid-1 requires --unshare-pid"},
		{"--unshare-pid --as-pid-1 --lock-file /x", "Specifying --as-pid-1 and --lock-file is not permitted"},
		{"--allow-socket /run/bus", "--allow-socket requires --scope sockets, --scope all or --scope-try"},
		{"--scope signals --scope-try abstract-sockets --allow-socket /run/bus", "--allow-socket requires --scope sockets, --scope all or --scope-try"},
		{"--exec-label x", "labeling not supported on this system"},
		{"--file-label x", "labeling not supported on this system"},
	} {
		fields := strings.Fields(c.line)
		lines := []string{c.line, "--ro-bind / / " + c.line + " --new-session"}
		if len(fields) == 2 && !strings.HasPrefix(fields[1], "@") {
			lines = append(lines, "--args @"+strings.Join(fields, "~"))
		}
		for _, line := range lines {
			opts := mustParse(t, line+" x")
			_, err := compiled(opts, front.Facts{Caps: 1<<41 - 1, Cwd: "/", UserNamespaces: true})
			if err == nil || err.Error() != c.want {
				t.Errorf("%s: %v, want %q", line, err, c.want)
			}
		}
	}
}
