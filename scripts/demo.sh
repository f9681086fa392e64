#!/usr/bin/env bash
# A session of real sandboxes, as the calling user. Each command is printed, run, and
# its outcome checked; the status is 0 only if every one was as it should be.
#
#	scripts/demo.sh [LAUNCHER]
#
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
set -u

cd "$(dirname "$0")/.." || exit 1
launcher=$(realpath "${1:-bin/gobwrap}") || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/home" "$work/tree" "$work/victim"
echo 'dear diary' >"$work/home/diary"
export HOME=$work/home
count=0
failures=0

title() { printf '\n# %s\n' "$*"; }

# good and bad record an outcome.
good() { count=$((count + 1)) && printf '  ok: %s\n' "$*"; }
bad() {
	count=$((count + 1)) failures=$((failures + 1))
	printf '  NOT AS IT SHOULD BE: %s\n' "$*"
}

# holds SENTENCE COMMAND... records whether a command succeeds.
holds() {
	local sentence=$1
	shift
	if "$@"; then good "$sentence"; else bad "not true: $sentence"; fi
}

# quoted prints words as one would type them.
quoted() {
	local word
	for word; do
		case $word in
		*[!A-Za-z0-9_./:=,-]* | '') printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
}

# sandbox STATUS PATTERN ARGS... runs the launcher. Its status must be STATUS, and what
# it prints must match PATTERN, an extended regular expression.
sandbox() {
	local want=$1 pattern=$2 status
	shift 2
	printf '$ gobwrap%s\n' "$(quoted "$@")"
	"$launcher" "$@" >"$work/out" 2>&1 </dev/null
	status=$?
	sed 's/^/  /' "$work/out"
	if [ "$status" != "$want" ]; then
		bad "status $status instead of $want"
	elif [ -n "$pattern" ] && ! grep -Eq -- "$pattern" "$work/out"; then
		bad "the output does not match '$pattern'"
	else
		good "status $status, as it should be"
	fi
}

title 'A read-only root: what the file system permits no longer matters'
sandbox 1 'Read-only file system' --ro-bind / / -- touch "$work/home/new"
holds 'nothing was written' [ ! -e "$work/home/new" ]

title 'A PID namespace and a /proc of its own: PID 1 is the reaper, 2 the command'
sandbox 0 '^/proc/1 /proc/2$' --ro-bind / / --unshare-pid --proc /proc -- sh -c 'echo /proc/[0-9]*'

title 'No network: there is a loopback, and no way out'
sandbox 0 '^lo:$' --ro-bind / / --unshare-net -- awk '/:/ { print $1; n++ } END { exit n != 1 }' /proc/net/dev
sandbox 1 'unreachable' --ro-bind / / --unshare-net -- bash -c 'exec 3<>/dev/tcp/192.0.2.1/80'

title 'An empty home: what is there stays unseen, what is written is forgotten'
sandbox 0 '^total 0$' --ro-bind / / --tmpfs "$HOME" -- sh -c 'ls -l ~; echo x >~/note'
holds 'the note is gone with the sandbox' [ ! -e "$HOME/note" ]

title 'No privilege: no capability, and none to be had from a setuid program'
sandbox 0 '^CapEff:[[:space:]]0000000000000000$' --ro-bind / / --unshare-user --cap-drop ALL -- \
	grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs)' /proc/self/status

title 'Another identity and host name'
sandbox 0 '^1000 sandbox$' --ro-bind / / --unshare-user --uid 1000 --gid 1000 --unshare-uts --hostname sandbox -- \
	sh -c 'echo "$(id -u) $(uname -n)"'

title 'A tree that was prepared to lead the launcher astray: its link resolves inside the sandbox'
ln -s "/oldroot$work/victim" "$work/tree/link"
sandbox 0 '^/oldroot/.*/victim/made$' --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --bind "$work/tree" /tree \
	--dir /tree/link/made -- /usr/bin/find /oldroot -name made
holds 'the host has nothing new' rmdir "$work/victim"

title 'The status of the command is the status of the launcher; 128 + n for signal n'
sandbox 7 '' --ro-bind / / -- sh -c 'exit 7'
sandbox 137 '' --ro-bind / / --unshare-pid -- sh -c 'kill -KILL $$'

title 'What would be done, step by step, and which option asks for it'
sandbox 0 'bind .*ro,nosuid,nodev.*; --ro-bind /usr /usr' --dry-run --ro-bind /usr /usr --symlink usr/lib64 /lib64 \
	--unshare-pid --proc /proc -- /usr/bin/true

title 'Errors say which option, which path, and what may help'
sandbox 1 'Unknown option --ro-bin$' --ro-bin / / -- true
sandbox 1 "Can't find source path /no/such/path: No such file" --ro-bind / / --bind /no/such/path /mnt -- true
sandbox 1 'hint: the destination lies on a read-only mount' --ro-bind / / --dir /no/such/place -- true

printf '\n%d outcomes, %d not as they should be.\n' "$count" "$failures"
[ "$failures" = 0 ]
