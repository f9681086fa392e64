package docs

import "strings"

// fishOperands returns the cases of _@function@_operands.
func fishOperands(options []Option) string {
	var lines []string
	operands, names := byOperands(options)
	for _, o := range operands {
		lines = append(lines,
			"        case "+strings.Join(names[o], " "),
			"            string split ' ' "+fishQuote(o))
	}
	return strings.Join(lines, "\n")
}

// fishKinds are completions, one for each kind of operand.
func fishKinds(kinds map[string]Kind) string {
	var lines []string
	for _, name := range guessable(kinds) {
		lines = append(lines, "complete -c @program@ -n 'test (_@function@_at) = "+name+"' "+kinds[name].fish())
	}
	return strings.Join(lines, "\n")
}

func (k Kind) fish() string {
	words := "-a " + fishQuote(strings.Join(k.Words, " "))
	switch {
	case k.Files && len(k.Words) > 0:
		return "-F " + words
	case k.Files:
		return "-F"
	case k.Dirs:
		return "-a '(__fish_complete_directories (commandline -ct))'"
	case k.Variables:
		return "-a '(set --names --export)'"
	}
	return words
}

// fishOptions are completions, one for each word that an option can be.
func fishOptions(options []Option) string {
	var lines []string
	for i := range options {
		for _, word := range options[i].words() {
			lines = append(lines, "complete -c @program@ -n 'test (_@function@_at) = OPTION' -a "+word+" -d "+fishQuote(options[i].Help))
		}
	}
	return strings.Join(lines, "\n")
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
