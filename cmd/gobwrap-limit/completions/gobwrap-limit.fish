# Completions of gobwrap-limit(1) for fish. Made of its option table by make docs.

# The names of an option's operands.
function __gobwrap_limit_operands --argument-names option
    switch $option
        case --memory
            string split ' ' 'BYTES'
        case --tasks --cpus
            string split ' ' 'N'
    end
end

# What stands at the cursor: OPTION, COMMAND, or the name of an operand.
function __gobwrap_limit_at
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
        for operand in (__gobwrap_limit_operands $word)
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
function __gobwrap_limit_command
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
                for operand in (__gobwrap_limit_operands $word)
                    set -e words[1]
                end
            case '*'
                break
        end
    end
    complete --do-complete="$(string join ' ' -- (string escape -- $words) (commandline -ct))"
end

complete -c gobwrap-limit -f
complete -c gobwrap-limit -n 'test (__gobwrap_limit_at) = COMMAND' -a '(__gobwrap_limit_command)'
complete -c gobwrap-limit -n 'test (__gobwrap_limit_at) = OPTION' -a --memory -d 'Memory, with K, M, G or T for powers of 1024; no swap'
complete -c gobwrap-limit -n 'test (__gobwrap_limit_at) = OPTION' -a --tasks -d 'Processes and threads'
complete -c gobwrap-limit -n 'test (__gobwrap_limit_at) = OPTION' -a --cpus -d 'Processors, such as 1.5'
complete -c gobwrap-limit -n 'test (__gobwrap_limit_at) = OPTION' -a --explain -d 'Say where the limits are in force, then run'
complete -c gobwrap-limit -n 'test (__gobwrap_limit_at) = OPTION' -a --help -d 'Print this text'
complete -c gobwrap-limit -n 'test (__gobwrap_limit_at) = OPTION' -a --version -d 'Print the version'
