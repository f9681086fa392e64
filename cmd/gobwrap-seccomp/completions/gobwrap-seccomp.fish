# Completions of gobwrap-seccomp(1) for fish. Made of its table of commands by make docs.

# Whether the chosen command is this one, and the word before the cursor this flag.
function __gobwrap_seccomp --argument-names command flag
    set -l words (commandline -opc)
    test "$words[2]" = "$command"; and if test -n "$flag"
        test "$words[-1]" = "$flag"
    else
        true
    end
end

complete -c gobwrap-seccomp -f
complete -c gobwrap-seccomp -n '__gobwrap_seccomp \'\'' -a 'compile check dump test --help --version'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp compile -o' -F
complete -c gobwrap-seccomp -n '__gobwrap_seccomp compile --cap' -a 'ALL CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp compile --arch' -a 'amd64 arm64 x86_64 x86 x32 aarch64 arm'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp compile; and not __gobwrap_seccomp compile -o; and not __gobwrap_seccomp compile --cap; and not __gobwrap_seccomp compile --arch; and not __gobwrap_seccomp compile --kernel' -a '-o --cap --arch --kernel'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp compile; and not __gobwrap_seccomp compile -o; and not __gobwrap_seccomp compile --cap; and not __gobwrap_seccomp compile --arch; and not __gobwrap_seccomp compile --kernel' -F
complete -c gobwrap-seccomp -n '__gobwrap_seccomp check --cap' -a 'ALL CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp check --arch' -a 'amd64 arm64 x86_64 x86 x32 aarch64 arm'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp check; and not __gobwrap_seccomp check --cap; and not __gobwrap_seccomp check --arch; and not __gobwrap_seccomp check --kernel' -a '--cap --arch --kernel'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp check; and not __gobwrap_seccomp check --cap; and not __gobwrap_seccomp check --arch; and not __gobwrap_seccomp check --kernel' -F
complete -c gobwrap-seccomp -n '__gobwrap_seccomp dump --arch' -a 'amd64 arm64 x86_64 x86 x32 aarch64 arm'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp dump; and not __gobwrap_seccomp dump --arch' -a '--arch'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp dump; and not __gobwrap_seccomp dump --arch' -F -a 'default no-tty-injection no-unix-sockets no-userns strict'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp test --arch' -a 'amd64 arm64 x86_64 x86 x32 aarch64 arm'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp test; and not __gobwrap_seccomp test --arch' -a '--arch'
complete -c gobwrap-seccomp -n '__gobwrap_seccomp test; and not __gobwrap_seccomp test --arch' -F -a 'default no-tty-injection no-unix-sockets no-userns strict'
