# Completions of gobwrap-limit(1) for bash. Made of its option table by make docs.

# _gobwrap_limit_operands OPTION: the names of its operands, in the array operands.
_gobwrap_limit_operands() {
	case $1 in
	--memory) operands=(BYTES) ;;
	--tasks | --cpus) operands=(N) ;;
	*) operands=() ;;
	esac
}

# _gobwrap_limit_words puts the line into words, not split at "=" and ":" as bash does it; the
# word at the cursor is the last. starts are the places of their beginnings in COMP_WORDS.
_gobwrap_limit_words() {
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

# _gobwrap_limit_choose WORD...: those that begin as the one at the cursor does, less what bash
# takes for a word of its own.
_gobwrap_limit_choose() {
	local typed=${words[-1]} kept=
	compopt +o default
	if [[ $typed == *=* && $COMP_WORDBREAKS == *=* ]]; then
		kept=${typed%"${typed##*=}"}
	fi
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "$typed")
	COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}

# _gobwrap_limit_command INDEX completes a command line that begins there.
_gobwrap_limit_command() {
	if declare -F _command_offset >/dev/null; then # of the package bash-completion
		_command_offset "${starts[$1]}"
	elif declare -F _comp_command_offset >/dev/null; then # since its 2.12
		_comp_command_offset "${starts[$1]}"
	elif (($1 == ${#words[@]} - 1)) && [[ ${words[-1]} != */* ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "${words[-1]}")
	fi # else files
}

# _gobwrap_limit_operand NAME: nothing in COMPREPLY means files.
_gobwrap_limit_operand() {
	case $1 in
	*) compopt +o default ;;
	esac
}

_gobwrap_limit() {
	local words starts operands i=1
	COMPREPLY=()
	_gobwrap_limit_words
	while ((i < ${#words[@]} - 1)); do
		case ${words[i]} in
		--) _gobwrap_limit_command $((i + 1)); return ;;
		-*) _gobwrap_limit_operands "${words[i]}" ;;
		*) _gobwrap_limit_command "$i"; return ;;
		esac
		if ((i + ${#operands[@]} >= ${#words[@]} - 1)); then
			_gobwrap_limit_operand "${operands[${#words[@]} - i - 2]}"
			return
		fi
		((i += 1 + ${#operands[@]}))
	done
	case ${words[-1]} in
	-* | '') _gobwrap_limit_choose --memory --tasks --cpus --explain --help --version ;;
	*) _gobwrap_limit_command "$i" ;;
	esac
}

complete -o default -F _gobwrap_limit gobwrap-limit
