# Completions of gobwrap(1) for fish. Made of its option table by make docs.

# The names of an option's operands.
function __gobwrap_operands --argument-names option
    switch $option
        case --args --userns --userns2 --pidns --netns --sync-fd --seccomp --add-seccomp-fd --block-fd --userns-block-fd --info-fd --json-status-fd --keep-fd
            string split ' ' 'FD'
        case --argv0
            string split ' ' 'VALUE'
        case --setup-exit-status
            string split ' ' 'STATUS'
        case --mode
            string split ' ' 'MODE'
        case --uid
            string split ' ' 'UID'
        case --gid
            string split ' ' 'GID'
        case --uid-map --gid-map
            string split ' ' 'INSIDE:OUTSIDE:COUNT'
        case --hostname
            string split ' ' 'NAME'
        case --chdir
            string split ' ' 'DIR'
        case --setenv
            string split ' ' 'VAR VALUE'
        case --unsetenv
            string split ' ' 'VAR'
        case --lock-file --remount-ro --tmp-overlay --ro-overlay --proc --dev --tmpfs --mqueue --dir
            string split ' ' 'DEST'
        case --bind --bind-try --dev-bind --dev-bind-try --ro-bind --ro-bind-try --symlink
            string split ' ' 'SRC DEST'
        case --bind-fd --ro-bind-fd --file --bind-data --ro-bind-data
            string split ' ' 'FD DEST'
        case --overlay-src
            string split ' ' 'SRC'
        case --overlay
            string split ' ' 'RWSRC WORKDIR DEST'
        case --exec-label --file-label
            string split ' ' 'LABEL'
        case --seccomp-profile
            string split ' ' 'PROFILE'
        case --scope --scope-try
            string split ' ' 'SCOPE'
        case --allow-socket
            string split ' ' 'PATH'
        case --rlimit
            string split ' ' 'NAME=SOFT[:HARD]'
        case --nice --oom-score-adj
            string split ' ' 'N'
        case --timeout
            string split ' ' 'SECONDS[:GRACE]'
        case --cap-add --cap-drop
            string split ' ' 'CAP'
        case --perms
            string split ' ' 'OCTAL'
        case --size
            string split ' ' 'BYTES'
        case --chmod
            string split ' ' 'OCTAL PATH'
    end
end

# What stands at the cursor: OPTION, COMMAND, or the name of an operand.
function __gobwrap_at
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        set -l word $words[1]
        set -e words[1]
        switch $word
            case --
                echo COMMAND
                return
            case '-*'
            case '*'
                echo COMMAND
                return
        end
        for operand in (__gobwrap_operands $word)
            if not set -q words[1]
                echo $operand
                return
            end
            set -e words[1]
        end
    end
    switch (commandline -ct)
        case '-*' ''
            echo OPTION
        case '*'
            echo COMMAND
    end
end

# The command inside, and its own completions.
function __gobwrap_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        set -l word $words[1]
        switch $word
            case --
                set -e words[1]
                break
            case '-*'
                set -e words[1]
                for operand in (__gobwrap_operands $word)
                    set -e words[1]
                end
            case '*'
                break
        end
    end
    complete --do-complete="$(string join ' ' -- (string escape -- $words) (commandline -ct))"
end

complete -c gobwrap -f
complete -c gobwrap -n 'test (__gobwrap_at) = COMMAND' -a '(__gobwrap_command)'
complete -c gobwrap -n 'test (__gobwrap_at) = CAP' -a 'ALL CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE'
complete -c gobwrap -n 'test (__gobwrap_at) = DEST' -F
complete -c gobwrap -n 'test (__gobwrap_at) = DIR' -a '(__fish_complete_directories (commandline -ct))'
complete -c gobwrap -n 'test (__gobwrap_at) = MODE' -a 'auto direct setuid'
complete -c gobwrap -n 'test (__gobwrap_at) = PATH' -F
complete -c gobwrap -n 'test (__gobwrap_at) = PROFILE' -F -a 'default no-tty-injection no-unix-sockets no-userns strict'
complete -c gobwrap -n 'test (__gobwrap_at) = RWSRC' -a '(__fish_complete_directories (commandline -ct))'
complete -c gobwrap -n 'test (__gobwrap_at) = SCOPE' -a 'signals abstract-sockets sockets all'
complete -c gobwrap -n 'test (__gobwrap_at) = SRC' -F
complete -c gobwrap -n 'test (__gobwrap_at) = VAR' -a '(set --names --export)'
complete -c gobwrap -n 'test (__gobwrap_at) = WORKDIR' -a '(__fish_complete_directories (commandline -ct))'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --help -d 'Print this help'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --version -d 'Print version'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --args -d 'Parse NUL-separated args from FD'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --argv0 -d 'Set argv[0] to the value VALUE before running the program'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --level-prefix -d 'Prepend <3> to errors and <4> to warnings, as journald reads them'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dry-run -d 'Print the plan, a step a line with the option that asked for it, and run nothing'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --explain -d 'Say on standard error, in words, what the sandbox will contain and which risks stay, then run the command'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --features -d 'Print as JSON what this launcher and this kernel can do, and run nothing'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --doctor -d 'Try what sandboxes need here, step by step, and say what fixes it; status 0: direct mode works, 3: only setuid mode, 4: nothing. As JSON; or print an AppArmor profile for this binary'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --doctor=json -d 'Try what sandboxes need here, step by step, and say what fixes it; status 0: direct mode works, 3: only setuid mode, 4: nothing. As JSON; or print an AppArmor profile for this binary'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --doctor=apparmor -d 'Try what sandboxes need here, step by step, and say what fixes it; status 0: direct mode works, 3: only setuid mode, 4: nothing. As JSON; or print an AppArmor profile for this binary'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --setup-exit-status -d 'Exit status for a sandbox that could not be set up (default 1)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --mode -d 'auto: with user namespaces, and where the kernel refuses them through a setuid-root installation, if this is one (default); direct, setuid: only so'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-all -d 'Unshare every namespace we support by default'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --share-net -d 'Retain the network namespace (can only combine with --unshare-all)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-user -d 'Create new user namespace (implied without root)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-user-try -d 'Create new user namespace if possible else continue by skipping it'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-ipc -d 'Create new ipc namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-pid -d 'Create new pid namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-net -d 'Create new network namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-uts -d 'Create new uts namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-cgroup -d 'Create new cgroup namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-cgroup-try -d 'Create new cgroup namespace if possible else continue by skipping it'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --userns -d 'Use this user namespace (cannot combine with --unshare-user)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --userns2 -d 'After setup switch to this user namespace, only useful with --userns'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --disable-userns -d 'Disable further use of user namespaces inside sandbox'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --assert-userns-disabled -d 'Fail unless further use of user namespace inside sandbox is disabled'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --pidns -d 'Use this pid namespace (as parent namespace if using --unshare-pid)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --netns -d 'Use this network namespace (needs rights over it: root, or its owner through --userns)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --uid -d 'Custom uid in the sandbox (requires --unshare-user or --userns)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --gid -d 'Custom gid in the sandbox (requires --unshare-user or --userns)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --map-root-user -d 'Be root inside: --uid 0 --gid 0, in a new user namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --uid-map -d 'Map COUNT uids from INSIDE on to those from OUTSIDE on, in a new user namespace (repeatable; takes newuidmap, or root)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --gid-map -d 'The same for gids'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --map-auto -d 'Map what /etc/subuid and /etc/subgid grant to the caller to the ids from 1 on, and the caller to --uid and --gid'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --keep-groups -d 'With several ids: leave the caller\'s supplementary groups to the command'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --hostname -d 'Custom hostname in the sandbox (requires --unshare-uts)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --chdir -d 'Change directory to DIR'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --clearenv -d 'Unset all environment variables'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --setenv -d 'Set an environment variable'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unsetenv -d 'Unset an environment variable'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --lock-file -d 'Take a lock on DEST while sandbox is running'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --sync-fd -d 'Keep this fd open while sandbox is running (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --bind -d 'Bind mount the host path SRC on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --bind-try -d 'Equal to --bind but ignores non-existent SRC'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dev-bind -d 'Bind mount the host path SRC on DEST, allowing device access'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dev-bind-try -d 'Equal to --dev-bind but ignores non-existent SRC'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-bind -d 'Bind mount the host path SRC readonly on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-bind-try -d 'Equal to --ro-bind but ignores non-existent SRC'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --bind-fd -d 'Bind open directory or path fd on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-bind-fd -d 'Bind open directory or path fd read-only on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --remount-ro -d 'Remount DEST as readonly; does not recursively remount'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --overlay-src -d 'Read files from SRC in the following overlay'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --overlay -d 'Mount overlayfs on DEST, with RWSRC as the host path for writes and WORKDIR an empty directory on the same filesystem as RWSRC'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --tmp-overlay -d 'Mount overlayfs on DEST, with writes going to an invisible tmpfs'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-overlay -d 'Mount overlayfs read-only on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --exec-label -d 'Exec label for the sandbox'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --file-label -d 'File label for temporary sandbox content'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --proc -d 'Mount new procfs on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --fallback-proc=none -d 'Where the kernel refuses a new proc: leave an empty directory in place of --proc, or bind the outer one, with a warning'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --fallback-proc=bind -d 'Where the kernel refuses a new proc: leave an empty directory in place of --proc, or bind the outer one, with a warning'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dev -d 'Mount new dev on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --tmpfs -d 'Mount new tmpfs on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --mqueue -d 'Mount new mqueue on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dir -d 'Create dir at DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --file -d 'Copy from FD to destination DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --bind-data -d 'Copy from FD to file which is bind-mounted on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-bind-data -d 'Copy from FD to file which is readonly bind-mounted on DEST'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --symlink -d 'Create symlink at DEST with target SRC'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --seccomp -d 'Load and use seccomp rules from FD (not repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --add-seccomp-fd -d 'Load and use seccomp rules from FD (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --seccomp-profile -d 'Load and use the rules of an OCI profile: a file (with a slash), or default, no-tty-injection, no-unix-sockets, no-userns, strict (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --scope -d 'What the command reaches in its sandbox only: signals, abstract-sockets (both take Linux 6.12), sockets (those with a path, 7.1); or all (repeatable). With a new pid namespace signals are so by default, if the kernel can'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --scope-try -d 'Equal to --scope but does without if the kernel cannot'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --scope-abstract-unix-sockets -d 'Equal to --scope abstract-sockets'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --allow-socket -d 'Leave the sockets at PATH in the sandbox, and below it, out of --scope sockets (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --block-fd -d 'Block on FD until some data to read is available'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --userns-block-fd -d 'Block on FD until the user namespace is ready'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --info-fd -d 'Write information about the running container to FD'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --json-status-fd -d 'Write container status to FD as multiple JSON documents'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --new-session -d 'Create a new terminal session'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --die-with-parent -d 'Kills with SIGKILL child process (COMMAND) when the launcher or its parent dies'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --as-pid-1 -d 'Do not install a reaper process with PID=1'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --rlimit -d 'Lower a limit of the command\'s (repeatable): as, core, cpu, data, fsize, memlock, msgqueue, nice, nofile, nproc, rtprio, rttime, sigpending, stack; to a number or unlimited'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --nice -d 'Run the command with the niceness N, from -20 to 19'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --oom-score-adj -d 'Have the kernel kill the sandbox rather (up to 1000) or not so soon (down to -1000) where memory is short'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --close-fds -d 'Pass the standard streams on to the command, and no other descriptor'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --keep-fd -d 'The same, except for FD (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --timeout -d 'After SECONDS send the command SIGTERM, GRACE (default 2) seconds later SIGKILL to everything in the sandbox'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --usage -d 'Write to --json-status-fd at the end what the command has used, and how it has ended'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --cap-add -d 'Add cap CAP; for an ordinary user it counts inside the sandbox only'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --cap-drop -d 'Drop cap CAP'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --perms -d 'Set permissions of next argument (--bind-data, --file, etc.)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --size -d 'Set size of next argument (only for --tmpfs)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --chmod -d 'Change permissions of PATH (must already exist)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --not-a-security-boundary -d 'Turn some failures to tighten the sandbox (flags of a submount) into warnings'
