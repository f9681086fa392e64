# Completions of gobwrap-seccomp(1) for bash. Made of its table of commands by make docs.

_gobwrap_seccomp() {
	local words=() typed=${COMP_WORDS[COMP_CWORD]}
	case $COMP_CWORD:${COMP_WORDS[1]}:${COMP_WORDS[COMP_CWORD - 1]}:$typed in
	1:*) compopt +o default && words=(compile check dump test --help --version) ;;
	*:compile:-o:*) ;;
	*:compile:--cap:*) compopt +o default && words=(ALL CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE) ;;
	*:compile:--arch:*) compopt +o default && words=(amd64 arm64 x86_64 x86 x32 aarch64 arm) ;;
	*:compile:--kernel:*) compopt +o default ;;
	*:compile:*:-*) compopt +o default && words=(-o --cap --arch --kernel) ;;
	*:check:--cap:*) compopt +o default && words=(ALL CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE) ;;
	*:check:--arch:*) compopt +o default && words=(amd64 arm64 x86_64 x86 x32 aarch64 arm) ;;
	*:check:--kernel:*) compopt +o default ;;
	*:check:*:-*) compopt +o default && words=(--cap --arch --kernel) ;;
	*:dump:--arch:*) compopt +o default && words=(amd64 arm64 x86_64 x86 x32 aarch64 arm) ;;
	*:dump:*:-*) compopt +o default && words=(--arch) ;;
	*:dump:*) [[ $typed == */* ]] || words=(default no-tty-injection no-unix-sockets no-userns strict) ;;
	*:test:--arch:*) compopt +o default && words=(amd64 arm64 x86_64 x86 x32 aarch64 arm) ;;
	*:test:*:-*) compopt +o default && words=(--arch) ;;
	*:test:*) [[ $typed == */* ]] || words=(default no-tty-injection no-unix-sockets no-userns strict) ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$typed")
}

complete -o default -F _gobwrap_seccomp gobwrap-seccomp
