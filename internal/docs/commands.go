package docs

import (
	"slices"
	"strings"
)

// Choose makes the completions of a program whose first argument is a command, or one of
// further words.
func Choose(program string, commands []Command, further []string, kinds map[string]Kind) Completions {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	function := function(program)
	first := strings.Join(slices.Concat(names, further), " ")
	head := "# Completions of " + program + "(1) for SHELL. Made of its table of commands by make docs.\n\n"
	return Completions{
		Bash: strings.Replace(head, "SHELL", "bash", 1) + bashCommands(program, function, first, commands, kinds),
		Zsh:  "#compdef " + program + "\n" + strings.Replace(head, "SHELL", "zsh", 1) + zshCommands(function, first, commands, kinds),
		Fish: strings.Replace(head, "SHELL", "fish", 1) + fishCommands(program, "_"+function, first, commands, kinds),
	}
}

// flags returns the flags of a command, operands its other words.
func (c Command) flags() []Option { return Flags([]Command{c}) }

func (c Command) operands() []word {
	return slices.DeleteFunc(c.words(), func(w word) bool { return w.flag != "" })
}

func flagNames(flags []Option) (names []string) {
	for i := range flags {
		names = append(names, flags[i].Name)
	}
	return names
}

func bashCommands(program, function, first string, commands []Command, kinds map[string]Kind) string {
	choose := func(words string) string { return "compopt +o default && words=(" + words + ")" }
	var out strings.Builder
	out.WriteString(function + "() {\n\tlocal words=() typed=${COMP_WORDS[COMP_CWORD]}\n" +
		"\tcase $COMP_CWORD:${COMP_WORDS[1]}:${COMP_WORDS[COMP_CWORD - 1]}:$typed in\n" +
		"\t1:*) " + choose(first) + " ;;\n")
	for _, c := range commands {
		flags := c.flags()
		for i := range flags {
			switch k := kinds[flags[i].Operands]; {
			case k.free():
				out.WriteString("\t*:" + c.Name + ":" + flags[i].Name + ":*) compopt +o default ;;\n")
			case len(k.Words) > 0:
				out.WriteString("\t*:" + c.Name + ":" + flags[i].Name + ":*) " + choose(strings.Join(k.Words, " ")) + " ;;\n")
			default:
				out.WriteString("\t*:" + c.Name + ":" + flags[i].Name + ":*) ;;\n")
			}
		}
		out.WriteString("\t*:" + c.Name + ":*:-*) " + choose(strings.Join(flagNames(flags), " ")) + " ;;\n")
		if words := kinds[c.operands()[0].operand].Words; len(words) > 0 {
			out.WriteString("\t*:" + c.Name + ":*) [[ $typed == */* ]] || words=(" + strings.Join(words, " ") + ") ;;\n")
		}
	}
	out.WriteString("\tesac\n\tmapfile -t COMPREPLY < <(compgen -W \"${words[*]}\" -- \"$typed\")\n}\n\n" +
		"complete -o default -F " + function + " " + program + "\n")
	return out.String()
}

func zshCommands(function, first string, commands []Command, kinds map[string]Kind) string {
	var out strings.Builder
	action := func(name string) string {
		switch k := kinds[name]; {
		case k.Files && len(k.Words) > 0:
			return `{_alternative "names:` + name + ":(" + strings.Join(k.Words, " ") + `)" "files:file:_files"}`
		case len(k.Words) > 0:
			return "(" + strings.Join(k.Words, " ") + ")"
		default:
			return k.zsh(name)
		}
	}
	out.WriteString("if ((CURRENT == 2)); then\n\tcompadd " + first + "\n\treturn\nfi\nlocal chosen=$words[2]\nshift words\n((CURRENT--))\ncase $chosen in\n")
	for _, c := range commands {
		out.WriteString(c.Name + ") _arguments")
		for _, w := range c.words() {
			switch {
			case w.flag != "" && w.repeats:
				out.WriteString(" \\\n\t" + zshQuote("*"+w.flag+":"+w.operand+":"+action(w.operand)))
			case w.flag != "":
				out.WriteString(" \\\n\t" + zshQuote(w.flag+":"+w.operand+":"+action(w.operand)))
			case w.repeats:
				out.WriteString(" \\\n\t" + zshQuote("*:"+w.operand+":"+action(w.operand)))
			default:
				out.WriteString(" \\\n\t" + zshQuote(":"+w.operand+":"+action(w.operand)))
			}
		}
		out.WriteString(" ;;\n")
	}
	return out.String() + "esac\n"
}

func fishCommands(program, function, first string, commands []Command, kinds map[string]Kind) string {
	var out strings.Builder
	out.WriteString("# Whether the chosen command is this one, and the word before the cursor this flag.\n" +
		"function " + function + " --argument-names command flag\n" +
		"    set -l words (commandline -opc)\n" +
		"    test \"$words[2]\" = \"$command\"; and if test -n \"$flag\"\n        test \"$words[-1]\" = \"$flag\"\n    else\n        true\n    end\nend\n\n" +
		"complete -c " + program + " -f\n" +
		"complete -c " + program + " -n " + fishQuote(function+" ''") + " -a " + fishQuote(first) + "\n")
	for _, c := range commands {
		var after []string
		flags := c.flags()
		for i := range flags {
			k := kinds[flags[i].Operands]
			when := function + " " + c.Name + " " + flags[i].Name
			after = append(after, "not "+when)
			if !k.free() {
				out.WriteString("complete -c " + program + " -n " + fishQuote(when) + " " + k.fish() + "\n")
			}
		}
		when := function + " " + c.Name + "; and " + strings.Join(after, "; and ")
		out.WriteString("complete -c " + program + " -n " + fishQuote(when) + " -a " + fishQuote(strings.Join(flagNames(flags), " ")) + "\n")
		out.WriteString("complete -c " + program + " -n " + fishQuote(when) + " " + kinds[c.operands()[0].operand].fish() + "\n")
	}
	return out.String()
}
