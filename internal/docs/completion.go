package docs

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
)

// The scripts, with places for what the table has to say.
var (
	//go:embed bash.in
	bashScript string
	//go:embed zsh.in
	zshScript string
	//go:embed fish.in
	fishScript string
)

// Completions are a program's, by shell.
type Completions struct{ Bash, Zsh, Fish string }

// Complete makes the completions of a program that takes options, and then a command.
func Complete(program string, options []Option, kinds map[string]Kind) Completions {
	names := strings.NewReplacer("@program@", program, "@function@", function(program))
	return Completions{
		Bash: names.Replace(fill(bashScript, "@operands@", bashOperands(options), "@kinds@", bashKinds(kinds), "@options@", strings.Join(allWords(options), " "))),
		Zsh:  names.Replace(fill(zshScript, "@kinds@", zshKinds(kinds), "@options@", zshOptions(options, kinds))),
		Fish: names.Replace(fill(fishScript, "@operands@", fishOperands(options), "@kinds@", fishKinds(kinds), "@options@", fishOptions(options))),
	}
}

// function returns the name of a program's completion function in bash; other functions begin with it.
func function(program string) string { return "_" + strings.ReplaceAll(program, "-", "_") }

// fill puts lines in their places. A place without lines leaves none.
func fill(script string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			script = strings.ReplaceAll(script, pairs[i]+"\n", "")
		}
	}
	return strings.NewReplacer(pairs...).Replace(script)
}

// byOperands returns the options that take operands, those with the same ones together, in the
// table's order.
func byOperands(options []Option) (operands []string, names map[string][]string) {
	names = map[string][]string{}
	for i := range options {
		o := &options[i]
		if o.Operands == "" {
			continue
		}
		if names[o.Operands] == nil {
			operands = append(operands, o.Operands)
		}
		names[o.Operands] = append(names[o.Operands], o.Name)
	}
	return operands, names
}

func allWords(options []Option) (words []string) {
	for i := range options {
		words = append(words, options[i].words()...)
	}
	return words
}

// guessable returns the names of the operands that can be completed.
func guessable(kinds map[string]Kind) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(kinds)), func(name string) bool { return kinds[name].free() })
}

// Unknown returns the operands that no kind is known of, and the kinds of no operand.
func Unknown(options []Option, kinds map[string]Kind) (names []string) {
	used := map[string]bool{}
	for i := range options {
		for _, name := range options[i].operands() {
			if _, ok := kinds[name]; !ok && !used[name] {
				names = append(names, name)
			}
			used[name] = true
		}
	}
	for name := range kinds {
		if !used[name] {
			names = append(names, name)
		}
	}
	return names
}
