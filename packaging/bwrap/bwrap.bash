. /usr/share/bash-completion/completions/gobwrap
complete -o default -F _gobwrap bwrap
