package setuid_test

import "testing"

// TestRefusedProc: if the kernel refuses the new proc, which the first process has mounted before it lost its
// privilege, the launch ends, or does what --fallback-proc says. It never shows an empty directory as a proc.
func TestRefusedProc(t *testing.T) {
	t.Parallel()
	const covered = "mount -t tmpfs t /proc/sys/kernel"
	for _, c := range []struct{ host, fallback, sense, stdout string }{
		{host: "true", stdout: "in\n"},
		{host: covered, sense: "Can't mount proc on"},
		{host: "mount -t tmpfs over /", sense: "Can't mount proc on"},
		{host: covered, fallback: "--fallback-proc=bind", stdout: "in\n"},
	} {
		options := []string{"--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc"}
		if c.fallback != "" {
			options = append(options, c.fallback)
		}
		script := "test -e /proc/self/stat && echo in"
		o := launch{host: c.host, args: append(byKeeper(options...), "/bin/sh", "-c", script)}.run(t)
		if c.sense != "" {
			o.Refused(t, c.sense)
		} else if o.Status != "0" || o.Stdout != c.stdout {
			t.Errorf("%+v: %s", c, o)
		}
	}
}
