package main

import "slices"

// The options that launchers with bubblewrap's command line have: those of 0.8.0, those
// that bubblewrap has later, and gobwrap's. A case may name no other.
var (
	optionsOf08 = []string{
		"--add-seccomp-fd", "--args", "--as-pid-1", "--assert-userns-disabled", "--bind", "--bind-data", "--bind-try",
		"--block-fd", "--cap-add", "--cap-drop", "--chdir", "--chmod", "--clearenv", "--dev", "--dev-bind", "--dev-bind-try",
		"--die-with-parent", "--dir", "--disable-userns", "--exec-label", "--file", "--file-label", "--gid", "--help",
		"--hostname", "--info-fd", "--json-status-fd", "--lock-file", "--mqueue", "--new-session", "--perms", "--pidns",
		"--proc", "--remount-ro", "--ro-bind", "--ro-bind-data", "--ro-bind-try", "--seccomp", "--setenv", "--share-net",
		"--size", "--symlink", "--sync-fd", "--tmpfs", "--uid", "--unsetenv", "--unshare-all", "--unshare-cgroup",
		"--unshare-cgroup-try", "--unshare-ipc", "--unshare-net", "--unshare-pid", "--unshare-user", "--unshare-user-try",
		"--unshare-uts", "--userns", "--userns-block-fd", "--userns2", "--version",
	}
	optionsLater = []string{
		"--argv0", "--bind-fd", "--level-prefix", "--not-a-security-boundary", "--overlay", "--overlay-src", "--ro-bind-fd",
		"--ro-overlay", "--tmp-overlay",
	}
	optionsOfGobwrap = []string{
		"--allow-socket", "--cgroup", "--close-fds", "--cpu-affinity", "--doctor", "--dry-run", "--explain", "--fallback-proc", "--features", "--foreground", "--forward-signals", "--gid-map", "--keep-fd", "--keep-groups", "--map-auto",
		"--map-root-user", "--mask", "--mask-glob", "--mask-glob-try", "--mask-try", "--mode", "--netns", "--nice", "--oom-score-adj",
		"--protect", "--protect-glob", "--protect-glob-try", "--protect-try", "--rlimit", "--scope", "--scope-abstract-unix-sockets", "--scope-try", "--seccomp-profile", "--setup-exit-status", "--timeout", "--uid-map", "--usage",
	}
	// optionsOfTools are those of setpriv, which has no short ones.
	optionsOfTools = []string{"--reuid", "--regid", "--clear-groups", "--inh-caps", "--ambient-caps", "--bounding-set", "--groups"}
)

func knownOptions() []string { return slices.Concat(optionsOf08, optionsLater, optionsOfGobwrap) }
