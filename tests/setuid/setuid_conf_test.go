package setuid_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwrap/gobwrap/internal/plan"
)

const (
	trusted    = "can't be trusted"
	shut       = "policy.conf can't be read" // which lies beside it, and is read first
	understood = "can't be understood"
	ranIt      = "ran\n"
)

// etc returns a script for a host with an /etc of its own, whose files script makes. The machine's /etc is not
// changed.
func etc(script string) string {
	return "mount -t tmpfs -o mode=0755 etc /etc; mkdir -m 0755 /etc/gobwrap; cd /etc/gobwrap; umask 022; " + script + "; cd /"
}

// write makes setuid.conf with this text.
func write(text string) string {
	return "printf '" + strings.NewReplacer("\n", `\n`, "\x00", `\000`, "\r", `\r`, "%", "%%").Replace(text) + "' > setuid.conf"
}

// TestConf: setuid.conf is enforced, and if it cannot be trusted or understood nothing runs. The controls are
// the cases in which the command runs.
func TestConf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script string
		options      []string
		sense        string // "": it runs
	}{
		{name: "absent"},
		{name: "no-directory", script: "rmdir /etc/gobwrap"},
		{name: "empty", script: ": > setuid.conf"},
		{name: "comments", script: write("# off\n\n   \t# refuse --bind\n")},
		{name: "group", script: write("groups 12345\n")},
		{name: "supplementary-group", script: write("groups 7 4242 9\n")},
		{name: "refuses-another", script: write("refuse --unshare-net\n"), options: []string{"--unshare-pid"}},
		{name: "no-final-newline-at-a-comment", script: write("# all is well")},

		{name: "of-another-size-than-it-says", script: ": > setuid.conf; mount --bind /proc/version setuid.conf", sense: trusted},
		{name: "off", script: write("off\n"), sense: "disabled it"},
		{name: "off-without-newline", script: write("off"), sense: "disabled it"},
		{name: "off-behind-others", script: write("groups 12345\nrefuse --dev\n\t off # for today\n"), sense: "disabled it"},
		{name: "other-groups", script: write("groups 0 1 2\n"), sense: "groups that the caller is not in"},
		{name: "other-groups-without-newline", script: write("groups 123456"), sense: "groups that the caller is not in"},
		{name: "other-groups-and-off", script: write("groups 5\noff\n"), sense: "disabled it"},
		{name: "off-and-other-groups", script: write("off\ngroups 5\n"), sense: "disabled it"},
		{name: "other-groups-and-options", script: write("groups 5\nrefuse --unshare-net\n"), options: []string{"--unshare-net"}, sense: "groups that the caller is not in"},
		{name: "other-groups-before-the-group", script: write("groups 5\ngroups 12345\n")},
		{name: "group-by-its-beginning", script: write("groups 1234\n"), sense: "groups that the caller is not in"},
		{name: "refuses-net", script: write("refuse --unshare-pid --unshare-net\n"), options: []string{"--unshare-net"}, sense: "--unshare-net is not possible in setuid mode: the administrator refuses it"},
		{name: "refuses-user", script: write("refuse --unshare-user\n"), options: []string{"--unshare-user"}, sense: "--unshare-user is not possible"},
		{name: "refuses-a-wish-for-user", script: write("refuse --unshare-user\n"), options: []string{"--unshare-user-try"}},
		{name: "refuses-bind", script: write("refuse --bind\n"), options: []string{"--bind", "/tmp", "/x"}, sense: "--bind is not possible"},
		{name: "refuses-bind-read-only", script: write("refuse --bind\n"), options: []string{"--ro-bind", "/tmp", "/x"}},
		{name: "refuses-bind-of-devices", script: write("refuse --bind"), options: []string{"--dev-bind", "/dev", "/x"}, sense: "is not possible"},
		{name: "refuses-tmpfs", script: write("refuse --tmpfs\n"), options: []string{"--tmpfs", "/x"}, sense: "--tmpfs is not possible"},
		{name: "refuses-dev", script: write("refuse --dev\n"), options: []string{"--dev", "/dev"}, sense: "--dev is not possible"},
		{name: "refuses-proc", script: write("refuse --proc\n"), options: []string{"--unshare-pid", "--proc", "/proc"}, sense: "--proc is not possible"},

		{name: "unknown-word", script: write("allow everybody\n"), sense: "line 1 of"},
		{name: "unknown-word-later", script: write("# one\ngroups 12345\nOff\n"), sense: "line 3 of"},
		{name: "unknown-option", script: write("refuse --everything\n"), sense: "line 1 of"},
		{name: "refuse-nothing", script: write("refuse\n"), sense: understood},
		{name: "groups-of-nobody", script: write("groups # none\n"), sense: understood},
		{name: "off-with-operand", script: write("off today\n"), sense: understood},
		{name: "group-by-name", script: write("groups users\n"), sense: understood},
		{name: "negative-group", script: write("groups -1\n"), sense: understood},
		{name: "group-4294967295", script: write("groups 4294967295\n"), sense: understood},
		{name: "group-that-wraps", script: write("groups 4294979641\n"), sense: understood},
		{name: "huge-group", script: write("groups 18446744073709563961\n"), sense: understood},
		{name: "hexadecimal-group", script: write("groups 0x3039\n"), sense: understood},
		{name: "nul", script: write("\x00"), sense: understood},
		{name: "nul-behind-a-word", script: write("groups 12345\x00\n"), sense: understood},
		{name: "nul-instead-of-a-line", script: write("groups 12345\x00off\n"), sense: understood},
		{name: "line-ends-of-dos", script: write("groups 12345\r\n"), sense: understood},
		{name: "vertical-tab", script: write("groups\v12345\n"), sense: understood},
		{name: "non-ascii", script: write("gr\xc3\xbcppen 12345\n"), sense: understood},

		{name: "wrong-owner", script: ": > setuid.conf; chown 12345 setuid.conf", sense: trusted},
		{name: "wrong-group-may-write", script: ": > setuid.conf; chown 0:12345 setuid.conf; chmod 0664 setuid.conf", sense: trusted},
		{name: "all-may-write", script: ": > setuid.conf; chmod 0646 setuid.conf", sense: trusted},
		{name: "unreadable", script: ": > setuid.conf; chmod 0600 setuid.conf", sense: trusted},
		{name: "directory-of-another", script: "chown 12345 .", sense: trusted},
		{name: "directory-of-another-with-file", script: ": > setuid.conf; chown 12345 .", sense: trusted},
		{name: "directory-writable", script: ": > setuid.conf; chmod 0775 .", sense: trusted},
		{name: "directory-writable-and-sticky", script: "chmod 1777 .", sense: trusted},
		{name: "directory-shut", script: ": > setuid.conf; chmod 0700 .", sense: shut},
		{name: "directory-is-a-link", script: ": > setuid.conf; cd /etc; mv gobwrap real; ln -s real gobwrap", sense: trusted},
		{name: "directory-is-a-file", script: "cd /etc; rmdir gobwrap; : > gobwrap", sense: shut},
		{name: "link", script: ": > real; ln -s real setuid.conf", sense: trusted},
		{name: "link-to-nothing", script: "ln -s nothing setuid.conf", sense: trusted},
		{name: "fifo", script: "mkfifo -m 0644 setuid.conf", sense: trusted},
		{name: "directory", script: "mkdir setuid.conf", sense: trusted},
		{name: "device", script: "mknod -m 0644 setuid.conf c 1 5", sense: trusted},
		{name: "as-large-as-may-be", script: "yes '# ' | head -c 32767 > setuid.conf; echo >> setuid.conf"},
		{name: "too-large", script: "yes '# ' | head -c 32769 > setuid.conf", sense: trusted},
		{name: "a-gigabyte", script: "truncate -s 1G setuid.conf", sense: trusted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.script == "" {
				c.script = "true"
			}
			l := launch{host: etc(c.script), groups: []uint32{4242, 4343}, args: append(byKeeper(c.options...), "/h/probe", "echo", "ran")}
			if o := l.run(t); c.sense == "" {
				o.OK(t, ranIt)
			} else {
				o.Refused(t, c.sense)
			}
			// Direct mode takes no notice of it.
			if c.sense != "" && len(c.name)%4 == 0 {
				l.args = append(box(installed, append([]string{"--mode", "direct"}, c.options...)...), "/h/probe", "echo", "ran")
				l.run(t).OK(t, ranIt)
			}
		})
	}
}

// TestConfOfManyGroups: as many supplementary groups count as the keeper has memory for. If the caller has one
// more, the gid alone counts.
func TestConfOfManyGroups(t *testing.T) {
	t.Parallel()
	groups := make([]uint32, 1<<13+1)
	for i := range groups {
		groups[i] = 20_000 + uint32(i)
	}
	last := len(groups) - 1
	run := func(script string, groups []uint32) outcome {
		return launch{host: etc(script), groups: groups, args: append(byKeeper(), "/h/probe", "echo", "ran")}.run(t)
	}
	member := write(fmt.Sprintf("groups %d\n", groups[last-1]))
	run(member, groups[:last]).OK(t, ranIt)
	run(member, groups).Refused(t, "groups that the caller is not in")
	run(write("groups 12345\n"), groups).OK(t, ranIt)
	run(write("refuse --dev\n"), groups).OK(t, ranIt)
	run("true", groups).OK(t, ranIt) // without a file no group counts
}

// TestConfEnforcedByKeeper: a hostile launcher that skips its own checks is refused by the keeper or the first
// process. Without setuid.conf the same plan is carried out. For a hostile first process see
// TestRefusedRequests.
func TestConfEnforcedByKeeper(t *testing.T) {
	t.Parallel()
	baitDir := bait(t)
	p := good(baitDir).program(t)
	conf := func(l result) string {
		_, first := faulted(l, plan.SubConf)
		_, second := faulted(l, plan.SubRefused)
		if first != "" && second != "" {
			return "the file does not count"
		}
		return ""
	}
	for script, want := range map[string]verdict{
		"true":                         ran,
		write("off\n"):                 conf,
		write("groups 1\n"):            conf,
		write("refuse --tmpfs\n"):      conf,
		write("refuse --bind\n"):       conf,
		write("refuse --unshare-net"):  ran,
		write("nonsense\n"):            conf,
		"ln -s /dev/null setuid.conf":  conf,
		": >setuid.conf; chmod 0666 *": conf,
	} {
		newUserThreadIn(t, me, inOwnMounts(etc(script))).try(t, startOptions{}, baitDir, p, want)
	}
}

// TestRefusedWish: where the administrator refuses user namespaces, a wish for one gets none.
func TestRefusedWish(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{"true": "12345 12345 1", write("refuse --unshare-user\n"): "0 0 4294967295"} {
		l := launch{host: etc(script), args: append(byKeeper("--ro-bind", "/", "/", "--unshare-user-try"), "/bin/cat", "/proc/self/uid_map")}
		if o := l.run(t); o.Status != "0" || strings.Join(strings.Fields(o.Stdout), " ") != want {
			t.Errorf("%s: want the map %q: %s", script, want, o)
		}
	}
}
