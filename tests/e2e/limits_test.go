package e2e_test

import (
	"slices"
	"strings"
	"testing"
)

// inShell is a command line with a script as the command.
func (v via) inShell(script string, options ...string) []string {
	return slices.Concat(v.words, []string{"--ro-bind", "/", "/", "--tmpfs", "/tmp", "--dev", "/dev"}, options, []string{"--", "sh", "-c", script})
}

// TestLimits: limits and niceness are the command's and not the caller's, nor init's; the last
// one of a name counts; and the reaper has the caller's.
func TestLimits(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		options := []string{
			"--proc", "/proc", "--unshare-pid", "--rlimit", "nofile=99:100", "--rlimit", "core=0", "--rlimit", "nofile=64:128",
			"--rlimit", "cpu=1000:unlimited", "--rlimit", "fsize=1048576:unlimited", "--nice", "7",
		}
		script := `nice; for l in 'open files' 'core file' 'cpu time' 'file size'; do grep -i "^max $l" /proc/self/limits; done; grep -i '^max file size' /proc/1/limits`
		out := launch{who: v.who, args: v.inShell(script, options...)}.run(t)
		var said []string
		for line := range strings.Lines(out.stdout) {
			fields := strings.Fields(line)
			if len(fields) > 3 {
				fields = fields[len(fields)-3 : len(fields)-1]
			}
			said = append(said, strings.Join(fields, ":"))
		}
		if want := []string{"7", "64:128", "0:0", "1000:unlimited", "1048576:unlimited", "unlimited:unlimited"}; out.status != "0" || !slices.Equal(said, want) {
			t.Errorf("%v\n%q, want %q", out, said, want)
		}
	})
}

// TestLimitsHold: what exceeds a limit ends as the kernel has it.
func TestLimitsHold(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		for name, c := range map[string]struct{ script, status string }{
			"cpu=1:2":      {"while :; do :; done", "152"}, // SIGXCPU
			"fsize=0:1":    {"echo x >/tmp/x", "153"},      // SIGXFSZ
			"nofile=6":     {"exec 5</ 2>/dev/null && ! exec 7</ 2>/dev/null; exit 3", "3"},
			"as=268435456": {"dd if=/dev/zero of=/dev/null bs=600M count=1 2>/dev/null; exit $(($? + 3))", "4"},
		} {
			out := launch{who: v.who, args: v.inShell(c.script, "--unshare-pid", "--rlimit", name)}.run(t)
			if name == "nofile=6" && out.status == "2" { // the shell ends at a redirection that fails
				continue
			}
			if out.status != c.status {
				t.Errorf("%s: %v, want status %s", name, out, c.status)
			}
		}
	})
}

// TestLimitsRefused: a hard limit that would rise is an error that names the option, for root
// too, and the command does not run; so is a niceness that the caller may not have.
func TestLimitsRefused(t *testing.T) {
	eachWay(t, func(t *testing.T, v via) {
		refused := func(option, value string, wrap ...string) {
			t.Helper()
			out := launch{who: v.who, wrap: wrap, args: v.inShell("echo ran", "--unshare-pid", option, value)}.run(t)
			if out.status != "1" || out.stdout != "" || !strings.Contains(out.stderr, option+" "+value+": ") || !strings.Contains(out.stderr, "hint: ") {
				t.Errorf("%s %s: %v", option, value, out)
			}
		}
		tight := []string{"prlimit", "--nofile=500:600", "--nice=0:0"}
		refused("--rlimit", "nofile=500:601", tight...)
		refused("--rlimit", "nofile=500:unlimited", tight...)
		refused("--rlimit", "nofile=unlimited", tight...)
		if v.who != root {
			refused("--nice", "-1", tight...)
		}
		out := launch{who: v.who, wrap: tight, args: v.inShell("ulimit -n; ulimit -Hn", "--rlimit", "nofile=600")}.run(t)
		out.ok(t, "600\n600\n")
	})
}
