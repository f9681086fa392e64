# Completions of gobwrap(1) for bash. Made of its option table by make docs.

# _gobwrap_operands OPTION: the names of its operands, in the array operands.
_gobwrap_operands() {
	case $1 in
	--args | --userns | --userns2 | --pidns | --netns | --sync-fd | --seccomp | --add-seccomp-fd | --block-fd | --userns-block-fd | --info-fd | --json-status-fd | --keep-fd | --cgroup) operands=(FD) ;;
	--argv0) operands=(VALUE) ;;
	--setup-exit-status) operands=(STATUS) ;;
	--mode) operands=(MODE) ;;
	--uid) operands=(UID) ;;
	--gid) operands=(GID) ;;
	--uid-map | --gid-map) operands=(INSIDE:OUTSIDE:COUNT) ;;
	--hostname) operands=(NAME) ;;
	--chdir) operands=(DIR) ;;
	--setenv) operands=(VAR VALUE) ;;
	--unsetenv) operands=(VAR) ;;
	--lock-file | --remount-ro | --tmp-overlay | --ro-overlay | --proc | --dev | --tmpfs | --mqueue | --dir) operands=(DEST) ;;
	--bind | --bind-try | --dev-bind | --dev-bind-try | --ro-bind | --ro-bind-try | --symlink) operands=(SRC DEST) ;;
	--bind-fd | --ro-bind-fd | --file | --bind-data | --ro-bind-data) operands=(FD DEST) ;;
	--mask | --mask-try | --protect | --protect-try | --allow-socket) operands=(PATH) ;;
	--mask-glob | --mask-glob-try | --protect-glob | --protect-glob-try) operands=(PATTERN) ;;
	--overlay-src) operands=(SRC) ;;
	--overlay) operands=(RWSRC WORKDIR DEST) ;;
	--exec-label | --file-label) operands=(LABEL) ;;
	--seccomp-profile) operands=(PROFILE) ;;
	--scope | --scope-try) operands=(SCOPE) ;;
	--rlimit) operands=(NAME=SOFT[:HARD]) ;;
	--nice | --oom-score-adj) operands=(N) ;;
	--cpu-affinity) operands=(CPUS) ;;
	--timeout) operands=(SECONDS[:GRACE]) ;;
	--cap-add | --cap-drop) operands=(CAP) ;;
	--perms) operands=(OCTAL) ;;
	--size) operands=(BYTES) ;;
	--chmod) operands=(OCTAL PATH) ;;
	*) operands=() ;;
	esac
}

# _gobwrap_words puts the line into words, not split at "=" and ":" as bash does it; the
# word at the cursor is the last. starts are the places of their beginnings in COMP_WORDS.
_gobwrap_words() {
	local line=${COMP_LINE:0:COMP_POINT} i bare
	words=() starts=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		bare=${line#"${line%%[![:space:]]*}"}
		if ((i == 0)) || [[ $bare != "$line" ]]; then
			words+=("") starts+=("$i")
		fi
		if ((i == COMP_CWORD)); then
			words[-1]+=$bare
		else
			words[-1]+=${COMP_WORDS[i]}
			line=${bare#"${COMP_WORDS[i]}"}
		fi
	done
}

# _gobwrap_choose WORD...: those that begin as the one at the cursor does, less what bash
# takes for a word of its own.
_gobwrap_choose() {
	local typed=${words[-1]} kept=
	compopt +o default
	if [[ $typed == *=* && $COMP_WORDBREAKS == *=* ]]; then
		kept=${typed%"${typed##*=}"}
	fi
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "$typed")
	COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}

# _gobwrap_command INDEX completes a command line that begins there.
_gobwrap_command() {
	if declare -F _command_offset >/dev/null; then # of the package bash-completion
		_command_offset "${starts[$1]}"
	elif declare -F _comp_command_offset >/dev/null; then # since its 2.12
		_comp_command_offset "${starts[$1]}"
	elif (($1 == ${#words[@]} - 1)) && [[ ${words[-1]} != */* ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "${words[-1]}")
	fi # else files
}

# _gobwrap_operand NAME: nothing in COMPREPLY means files.
_gobwrap_operand() {
	case $1 in
	CAP) _gobwrap_choose ALL CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE ;;
	DEST) : ;;
	DIR) compopt +o default -o dirnames ;;
	MODE) _gobwrap_choose auto direct setuid ;;
	PATH) : ;;
	PATTERN) : ;;
	PROFILE) [[ ${words[-1]} == */* ]] || _gobwrap_choose default no-tty-injection no-unix-sockets no-userns strict ;;
	RWSRC) compopt +o default -o dirnames ;;
	SCOPE) _gobwrap_choose signals abstract-sockets sockets all ;;
	SRC) : ;;
	VAR) _gobwrap_choose "$(compgen -e)" ;;
	WORKDIR) compopt +o default -o dirnames ;;
	*) compopt +o default ;;
	esac
}

_gobwrap() {
	local words starts operands i=1
	COMPREPLY=()
	_gobwrap_words
	while ((i < ${#words[@]} - 1)); do
		case ${words[i]} in
		--) _gobwrap_command $((i + 1)); return ;;
		-*) _gobwrap_operands "${words[i]}" ;;
		*) _gobwrap_command "$i"; return ;;
		esac
		if ((i + ${#operands[@]} >= ${#words[@]} - 1)); then
			_gobwrap_operand "${operands[${#words[@]} - i - 2]}"
			return
		fi
		((i += 1 + ${#operands[@]}))
	done
	case ${words[-1]} in
	-* | '') _gobwrap_choose --help --version --args --argv0 --level-prefix --dry-run --explain --features --doctor --doctor=json --doctor=apparmor --setup-exit-status --mode --unshare-all --share-net --unshare-user --unshare-user-try --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup --unshare-cgroup-try --userns --userns2 --disable-userns --assert-userns-disabled --pidns --netns --uid --gid --map-root-user --uid-map --gid-map --map-auto --keep-groups --hostname --chdir --clearenv --setenv --unsetenv --lock-file --sync-fd --bind --bind-try --dev-bind --dev-bind-try --ro-bind --ro-bind-try --bind-fd --ro-bind-fd --remount-ro --mask --mask-try --mask-glob --mask-glob-try --protect --protect-try --protect-glob --protect-glob-try --overlay-src --overlay --tmp-overlay --ro-overlay --exec-label --file-label --proc --fallback-proc=none --fallback-proc=bind --dev --tmpfs --mqueue --dir --file --bind-data --ro-bind-data --symlink --seccomp --add-seccomp-fd --seccomp-profile --scope --scope-try --scope-abstract-unix-sockets --allow-socket --block-fd --userns-block-fd --info-fd --json-status-fd --new-session --die-with-parent --as-pid-1 --rlimit --nice --oom-score-adj --cpu-affinity --foreground --forward-signals --close-fds --keep-fd --timeout --cgroup --usage --cap-add --cap-drop --perms --size --chmod --not-a-security-boundary ;;
	*) _gobwrap_command "$i" ;;
	esac
}

complete -o default -F _gobwrap gobwrap
