complete -c bwrap --wraps gobwrap
