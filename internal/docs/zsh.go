package docs

import "strings"

// zshKinds are functions, one for each kind of operand that has names of its own.
func zshKinds(kinds map[string]Kind) string {
	var lines []string
	for _, name := range guessable(kinds) {
		if k := kinds[name]; len(k.Words) > 0 {
			body := "compadd -X " + name + " " + strings.Join(k.Words, " ")
			if k.Files {
				body = "_alternative 'names:" + name + ":(" + strings.Join(k.Words, " ") + ")' 'files:file:_files'"
			}
			lines = append(lines, k.zsh(name)+"() { "+body+" }")
		}
	}
	return strings.Join(lines, "\n")
}

// zsh returns the action that completes an operand. A blank does nothing but show its name.
func (k Kind) zsh(name string) string {
	switch {
	case len(k.Words) > 0:
		return "@function@_" + strings.ToLower(name)
	case k.Files:
		return "_files"
	case k.Dirs:
		return "_files -/"
	case k.Variables:
		return "_parameters -g \"*export*\""
	}
	return " "
}

// zshOptions are specifications as _arguments takes them.
func zshOptions(options []Option, kinds map[string]Kind) string {
	var lines []string
	for i := range options {
		lines = append(lines, "\t"+zshQuote(options[i].zsh(kinds))+" \\")
	}
	return strings.Join(lines, "\n")
}

func (o *Option) zsh(kinds map[string]Kind) string {
	spec := "[" + zshEscape(o.Help) + "]"
	switch values := "value:(" + strings.ReplaceAll(o.Value, "|", " ") + ")"; {
	case o.free() && o.Optional:
		spec = o.Name + "=-" + spec + "::" + o.Value + ": "
	case o.Value == "":
		spec = o.Name + spec
	case o.Optional:
		spec = o.Name + "=-" + spec + "::" + values
	default:
		spec = o.Name + "=-" + spec + ":" + values
	}
	if !o.Once {
		spec = "*" + spec
	}
	for _, name := range o.operands() {
		spec += ":" + name + ":" + kinds[name].zsh(name)
	}
	return spec
}

func zshQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func zshEscape(s string) string {
	return strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`).Replace(s)
}
