# Completions of gobwrap(1) for fish. Made of its option table by make docs.

# The names of an option's operands.
function __gobwrap_operands --argument-names option
    switch $option
        case --args --userns --userns2 --pidns --netns --sync-fd --seccomp --add-seccomp-fd --block-fd --userns-block-fd --info-fd --json-status-fd --keep-fd --cgroup
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
        case --mask --mask-try --protect --protect-try --allow-socket
            string split ' ' 'PATH'
        case --mask-glob --mask-glob-try --protect-glob --protect-glob-try
            string split ' ' 'PATTERN'
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
        case --rlimit
            string split ' ' 'NAME=SOFT[:HARD]'
        case --nice --oom-score-adj
            string split ' ' 'N'
        case --cpu-affinity
            string split ' ' 'CPUS'
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
complete -c gobwrap -n 'test (__gobwrap_at) = PATTERN' -F
complete -c gobwrap -n 'test (__gobwrap_at) = PROFILE' -F -a 'default no-tty-injection no-unix-sockets no-userns strict'
complete -c gobwrap -n 'test (__gobwrap_at) = RWSRC' -a '(__fish_complete_directories (commandline -ct))'
complete -c gobwrap -n 'test (__gobwrap_at) = SCOPE' -a 'signals abstract-sockets sockets all'
complete -c gobwrap -n 'test (__gobwrap_at) = SRC' -F
complete -c gobwrap -n 'test (__gobwrap_at) = VAR' -a '(set --names --export)'
complete -c gobwrap -n 'test (__gobwrap_at) = WORKDIR' -a '(__fish_complete_directories (commandline -ct))'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --help -d 'Print this summary, or the text on one option'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --version -d 'Print the version'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --args -d 'Read more options from FD, separated by NULs'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --argv0 -d 'Set argv[0] of the command'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --level-prefix -d 'Start errors with <3>, warnings with <4>'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dry-run -d 'Print the steps and do not run the command'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --explain -d 'Describe the sandbox and its risks, then run'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --features -d 'Print as JSON what this program supports'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --doctor -d 'Find out what works here, and how to fix it'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --doctor=json -d 'Find out what works here, and how to fix it'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --doctor=apparmor -d 'Find out what works here, and how to fix it'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --setup-exit-status -d 'Status if the command cannot be run (default 1)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --mode -d 'auto (default), direct or setuid'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-all -d 'Make new namespaces of all kinds'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --share-net -d 'After --unshare-all: share the network'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-user -d 'Make a new user namespace; implied if not root'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-user-try -d 'Make a new user namespace if possible'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-ipc -d 'Make a new IPC namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-pid -d 'Make a new PID namespace: hide other processes'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-net -d 'Make a new network namespace: no network'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-uts -d 'Make a new UTS namespace (host name)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-cgroup -d 'Make a new cgroup namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unshare-cgroup-try -d 'Make a new cgroup namespace if possible'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --userns -d 'Enter this user namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --userns2 -d 'Enter this user namespace after the set-up'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --disable-userns -d 'Prevent further user namespaces inside'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --assert-userns-disabled -d 'Fail unless user namespaces are prevented'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --pidns -d 'Run in this PID namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --netns -d 'Run in this network namespace'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --uid -d 'User id in the sandbox'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --gid -d 'Group id in the sandbox'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --map-root-user -d 'Be uid 0 and gid 0 in the sandbox'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --uid-map -d 'Map a range of user ids (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --gid-map -d 'Map a range of group ids (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --map-auto -d 'Map the ids that /etc/subuid grants you'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --keep-groups -d 'Keep your groups if several gids are mapped'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --hostname -d 'Set the host name (needs --unshare-uts)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --chdir -d 'Start the command in DIR'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --clearenv -d 'Remove all environment variables except PWD'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --setenv -d 'Set an environment variable'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --unsetenv -d 'Remove an environment variable'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --lock-file -d 'Hold a read lock on DEST while anything runs'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --sync-fd -d 'Keep FD open while anything runs (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --bind -d 'Bind SRC, writable'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --bind-try -d 'Bind SRC, writable, if it exists'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dev-bind -d 'Bind SRC, writable and with its devices'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dev-bind-try -d 'Bind SRC with its devices, if it exists'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-bind -d 'Bind SRC, read-only'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-bind-try -d 'Bind SRC, read-only, if it exists'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --bind-fd -d 'Bind the open file or directory FD, writable'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-bind-fd -d 'Bind the open file or directory FD, read-only'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --remount-ro -d 'Make the mount at DEST read-only'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --mask -d 'Hide the contents of PATH from the command'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --mask-try -d 'Like --mask, unless PATH is missing'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --mask-glob -d 'Hide the contents of what matches PATTERN'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --mask-glob-try -d 'The same, unless nothing matches'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --protect -d 'Keep PATH as it is, or missing'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --protect-try -d 'Like --protect, unless PATH is missing'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --protect-glob -d 'Keep what matches PATTERN as it is'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --protect-glob-try -d 'The same, unless nothing matches'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --overlay-src -d 'Add a layer to the overlay that follows'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --overlay -d 'Mount an overlay; changes go to RWSRC'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --tmp-overlay -d 'Mount an overlay; changes are thrown away'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-overlay -d 'Mount an overlay, read-only'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --exec-label -d 'Run the command with this SELinux label'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --file-label -d 'SELinux label of files that the set-up creates'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --proc -d 'Mount proc'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --fallback-proc=none -d 'What --proc does if the kernel refuses it'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --fallback-proc=bind -d 'What --proc does if the kernel refuses it'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dev -d 'Make a minimal /dev'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --tmpfs -d 'Mount an empty tmpfs'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --mqueue -d 'Mount the POSIX message queues'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --dir -d 'Create a directory'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --file -d 'Create a file with FD\'s data'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --bind-data -d 'Bind a temporary file with FD\'s data'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --ro-bind-data -d 'Bind a temporary, read-only file with FD\'s data'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --symlink -d 'Create the link DEST, which points to SRC'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --seccomp -d 'Install the seccomp filter in FD'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --add-seccomp-fd -d 'Install the seccomp filter in FD (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --seccomp-profile -d 'Apply a profile: a file, or a built-in name'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --scope -d 'Restrict signals or sockets to the sandbox'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --scope-try -d 'Like --scope, if the kernel can'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --scope-abstract-unix-sockets -d 'The same as --scope abstract-sockets'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --allow-socket -d 'Except PATH from --scope sockets (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --block-fd -d 'Wait for FD before the command runs'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --userns-block-fd -d 'Wait for FD before the user namespace is used'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --info-fd -d 'Write pid and namespaces to FD, as JSON'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --json-status-fd -d 'Write events to FD while they happen, as JSON'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --new-session -d 'Start a new terminal session'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --die-with-parent -d 'Kill the command if gobwrap or its parent ends'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --as-pid-1 -d 'Run the command as PID 1, without an init'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --rlimit -d 'Lower a resource limit (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --nice -d 'Run with niceness N, from -20 to 19'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --oom-score-adj -d 'Set oom_score_adj, from -1000 to 1000'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --cpu-affinity -d 'Run on these CPUs, such as 0-3,5'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --foreground -d 'Lend the terminal to the command'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --forward-signals -d 'Pass signals sent to gobwrap on to the command'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --close-fds -d 'Pass only descriptors 0, 1 and 2 on'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --keep-fd -d 'Like --close-fds, but pass FD on (repeatable)'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --timeout -d 'End the command after SECONDS'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --cgroup -d 'Start in the cgroup directory open as FD'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --usage -d 'Report what the command used, as JSON'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --cap-add -d 'Give the command a capability, or ALL'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --cap-drop -d 'Take a capability, or ALL, from the command'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --perms -d 'Mode of what the next option creates'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --size -d 'Size limit of the --tmpfs that follows'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --chmod -d 'Change the mode of PATH, which must exist'
complete -c gobwrap -n 'test (__gobwrap_at) = OPTION' -a --not-a-security-boundary -d 'If a mount cannot be restricted, only warn'
