package docs

import (
	"slices"
	"strings"
	"testing"
)

var sample = []Option{
	{Name: "--plain", Help: "It's plain [1]: so"},
	{Name: "--pair", Operands: "SRC FD", Help: "Two"},
	{Name: "--must", Value: "a|b", Help: "Must"},
	{Name: "--may", Value: "c", Optional: true, Help: "May", Once: true},
}

// TestHeads: what the table says of an option is what its item begins with.
func TestHeads(t *testing.T) {
	page := "@option --may\ntext\n@option --plain\n@option --must\n@option --pair\n"
	want := ".It Fl -may Ns Op = Ns Ar c\ntext\n.It Fl -plain\n.It Fl -must Ns = Ns Ar a|b\n.It Fl -pair Ar SRC FD\n"
	if have, err := Manual(page, sample); err != nil || have != want {
		t.Errorf("%v\n%s", err, have)
	}
}

// TestManualRefuses: a row without text, text without a row, text twice.
func TestManualRefuses(t *testing.T) {
	for page, want := range map[string]string{
		"@option --plain\n":                   `no line "@option --`,
		"@option --plane\n":                   `"@option --plane" is there twice, or is in no table`,
		"@option --plain\n@option --plain\n":  `"@option --plain" is there twice`,
		"@synopsis\n":                         `"@synopsis" is there twice, or is in no table`,
		"@command x\n":                        `"@command x"`,
		"@optoin --plain\n@option --plain \n": `"@optoin --plain"`,
	} {
		if _, err := Manual(page, sample); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", page, err)
		}
	}
}

// TestSynopsis: the words of a usage text, as macros.
func TestSynopsis(t *testing.T) {
	c := Command{"make", "[-o FILE] [--cap CAP]... WHAT [MORE]..."}
	if have, want := synopsis([]Command{c}), ".Nm\n.Cm make\n.Op Fl o Ar FILE\n.Op Fl -cap Ar CAP\n.Ar WHAT\n.Op Ar MORE ..."; have != want {
		t.Errorf("%s", have)
	}
	c.Operands = "ALL..."
	if have := c.words(); len(have) != 1 || have[0] != (word{operand: "ALL", repeats: true}) {
		t.Errorf("%+v", have)
	}
	flags := Flags([]Command{{"a", "[-o FILE] X"}, {"b", "[--y Y]... [-o FILE]"}})
	if !slices.Equal(flags, []Option{{Name: "-o", Operands: "FILE"}, {Name: "--y", Operands: "Y"}}) {
		t.Errorf("%+v", flags)
	}
}

// TestQuotes: a help text is a word of the shell, whatever is in it.
func TestQuotes(t *testing.T) {
	c := Complete("gobwrap", sample, map[string]Kind{"SRC": {Files: true}, "FD": {}})
	for _, line := range []string{
		`	'*--plain[It'\''s plain \[1\]\: so]' \`,
		`	'*--pair[Two]:SRC:_files:FD: ' \`,
		`	'*--must=-[Must]:value:(a b)' \`,
		`	'--may=-[May]::value:(c)' \`,
	} {
		if !strings.Contains(c.Zsh, line+"\n") {
			t.Errorf("zsh lacks %s", line)
		}
	}
	if line := `-a --plain -d 'It\'s plain [1]: so'`; !strings.Contains(c.Fish, line) {
		t.Errorf("fish lacks %s", line)
	}
	if line := "_gobwrap_choose --plain --pair --must=a --must=b --may --may=c ;;"; !strings.Contains(c.Bash, line) {
		t.Errorf("bash lacks %s", line)
	}
}

// TestComplete: functions have the program's name, and a place for what there is not leaves nothing.
func TestComplete(t *testing.T) {
	c := Complete("one-two", []Option{{Name: "--n", Operands: "N", Help: "Number"}}, map[string]Kind{"N": {}})
	for script, wants := range map[string][]string{
		c.Bash: {"\n_one_two() {\n", "\n_one_two_operands() {\n\tcase $1 in\n\t--n) operands=(N) ;;\n", "\n_one_two_operand() {\n\tcase $1 in\n\t*)", "\ncomplete -o default -F _one_two one-two\n"},
		c.Zsh:  {"#compdef one-two\n", "\n\n_arguments -S -A '-*' \\\n\t'*--n[Number]:N: ' \\\n"},
		c.Fish: {"\nfunction __one_two_at\n", "\ncomplete -c one-two -n 'test (__one_two_at) = COMMAND' -a '(__one_two_command)'\ncomplete -c one-two -n 'test (__one_two_at) = OPTION' -a --n -d 'Number'\n"},
	} {
		for _, want := range wants {
			if !strings.Contains(script, want) {
				t.Errorf("no %q in\n%s", want, script)
			}
		}
		if strings.Contains(script, "gobwrap") || strings.Contains(script, "function@") || strings.Contains(script, "program@") {
			t.Errorf("a name is left in\n%s", script)
		}
	}
}

// TestUnknown: an operand without a kind, and a kind without an operand, are found.
func TestUnknown(t *testing.T) {
	names := Unknown(sample, map[string]Kind{"SRC": {}, "OLD": {}})
	slices.Sort(names)
	if !slices.Equal(names, []string{"FD", "OLD"}) {
		t.Errorf("%q", names)
	}
}

// TestText: an option's paragraphs as plain text, nested lists included, and nothing of what
// stands between the options.
func TestText(t *testing.T) {
	page := `.Sh OTHER
no
.Sh OPTIONS
no
.Ss Some
no
.Bl -tag
@option --plain
See
.Xr open 2 ,
.Fl -pair
and
.Pa /etc .
.Bl -tag
.It Cm one
An
.Dq item .
.It Qq two
.Po
.Dq a ,
.Dq b
.Pc .
.El
.Pp
Last
.Pq see Xr open 2 .
@option --pair
Two.
.El
no
.Sh NEXT
no
`
	want := `## Some
--plain
    See open(2), --pair and /etc.
    one
        An "item".
    "two"
        ("a", "b").

    Last (see open(2)).
--pair SRC FD
    Two.
`
	if have, err := Text(page, sample); err != nil || have != want {
		t.Errorf("%v\n%s", err, have)
	}
	if _, err := Text(".Sh OTHER\n.Sh OPTIONS\n.Bl -tag\n@option --plain\n.Xx y\n.El\n", sample); err == nil {
		t.Error("an unknown macro is not an error")
	}
}
