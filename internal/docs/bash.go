package docs

import "strings"

// bashOperands returns the cases of @function@_operands.
func bashOperands(options []Option) string {
	var lines []string
	operands, names := byOperands(options)
	for _, o := range operands {
		lines = append(lines, "\t"+strings.Join(names[o], " | ")+") operands=("+o+") ;;")
	}
	return strings.Join(lines, "\n")
}

// bashKinds returns the cases of @function@_operand.
func bashKinds(kinds map[string]Kind) string {
	var lines []string
	for _, name := range guessable(kinds) {
		lines = append(lines, "\t"+name+") "+kinds[name].bash()+" ;;")
	}
	return strings.Join(lines, "\n")
}

func (k Kind) bash() string {
	choose := "@function@_choose " + strings.Join(k.Words, " ")
	switch {
	case k.Files && len(k.Words) > 0:
		return "[[ ${words[-1]} == */* ]] || " + choose
	case k.Files:
		return ":"
	case k.Dirs:
		return "compopt +o default -o dirnames"
	case k.Variables:
		return `@function@_choose "$(compgen -e)"`
	}
	return choose
}
