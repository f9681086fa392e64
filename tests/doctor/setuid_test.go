package doctor_test

import "testing"

// noUsers takes user namespaces away, and installs the launcher for setuid mode. The
// world's root is one of a user namespace, and setuid mode works with what that may do.
const noUsers = `
	sysctl -qw user.max_user_namespaces=0
	install -m 4755 "$gobwrap" "$dir/suid"; gobwrap=$dir/suid
`

// with is causes beside the one that takes direct mode away.
func with(step, cause string) map[string]string {
	return map[string]string{"user-namespace": "max-namespaces", step: cause}
}

// Only setuid mode works: status 3, and what is lost by it is said.
func TestOnlySetuidMode(t *testing.T) {
	t.Parallel()
	world{
		name: "limit", userns: true, setup: noUsers, status: 3, mode: "setuid",
		causes: with("setuid-user-namespace", ""), says: "  ok      setuid mode\n",
		also: []string{
			"podman, toolbox, distrobox and flatpak-spawn --expose-pids",
			"  --overlay, --tmp-overlay, --ro-overlay: ", "  --uid-map, --gid-map, --map-auto, --userns-block-fd: ",
			"  --unshare-user, --uid, --gid: ",
			"mode 4755, owned by root: installed for setuid mode",
			"  ok      mount a new devpts: in setuid mode",
		},
	}.run(t)
}

// Of the namespaces that setuid mode makes too, some may be used up.
func TestSetuidModeWithoutNamespaces(t *testing.T) {
	t.Parallel()
	for kind, step := range map[string]string{"pid": "pid-namespace", "net": "net-namespace", "ipc": "ipc-namespace", "uts": "uts-namespace", "cgroup": "cgroup-namespace"} {
		world{
			name: kind, userns: true, setup: noUsers + "sysctl -qw user.max_" + kind + "_namespaces=0", status: 3, mode: "setuid",
			causes: map[string]string{"user-namespace": "max-namespaces", step: "max-namespaces", "setuid-user-namespace": ""}, says: "\n  --unshare-" + kind,
			fix: "sysctl -qw user.max_" + kind + "_namespaces=15000", launch: "--unshare-" + kind + " " + minimal,
			hint: "sysctl -w user.max_" + kind + "_namespaces=15000",
		}.run(t)
	}
}

// The binary is installed for setuid mode, but its set-id bit does not count.
func TestSetuidInert(t *testing.T) {
	t.Parallel()
	const direct = "sysctl -w user.max_user_namespaces=15000"
	world{
		name: "no_new_privs", userns: true, setup: noUsers + `plain=$as; as="$as --no-new-privs"`,
		status: 4, causes: with("setuid-mode", "setuid-no-new-privs"), says: "the process runs with no_new_privs",
		fix: "as=$plain", launch: minimal, hint: direct,
	}.run(t)
	world{
		name: "nosuid", userns: true, status: 4, causes: with("setuid-mode", "setuid-nosuid"), says: "which is nosuid",
		setup: noUsers + `mkdir "$dir/m"; mount -t tmpfs -o nosuid,mode=755 m "$dir/m"; install -m 4755 "$gobwrap" "$dir/m/gobwrap"; gobwrap=$dir/m/gobwrap`,
		// The second of the causes alone: direct mode stays refused.
		fix: `eval "$(sed -n 's/^    \(mount -o remount\)/\1/p' "$dir/text.out")"`, launch: minimal, hint: direct,
	}.run(t)
	world{
		name: "another owner", userns: true, setup: noUsers + `chown 12345 "$gobwrap"; chmod 4755 "$gobwrap"`,
		status: 4, causes: map[string]string{"user-namespace": "max-namespaces"}, says: "set-id bits in an unsupported combination",
		launch: minimal, hint: direct,
	}.run(t)
	world{
		name: "in a user namespace", status: 4, causes: map[string]string{"user-namespace": "nested-too-deep", "setuid-mode": "setuid-in-userns"}, says: "where root is not the root of the machine",
		setup: `install -m 4755 "$gobwrap" "$dir/suid"; gobwrap=$dir/suid
			for i in $(seq 33); do as="$as unshare -U --map-user=12345 --map-group=12345"; done`,
	}.run(t)
	world{
		name: "the administrator", userns: true, status: 4, causes: with("setuid-mode", "setuid-conf"), says: "/etc/gobwrap/setuid.conf",
		setup: noUsers + `mount -t tmpfs etc /etc; mkdir /etc/gobwrap; echo off >/etc/gobwrap/setuid.conf`,
		fix:   "rm /etc/gobwrap/setuid.conf", launch: minimal, // the message says all
	}.run(t)
}
