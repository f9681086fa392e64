package linked

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// This file finds out where a compiled function can go: by calls, by jumps out of
// it (tail calls), and by jump tables, whose every entry is read from the file.

// Edge is one way out of a function.
type Edge struct {
	To    string // the function called; "" when nobody can tell
	Where string
	Why   string // what is wrong, for an edge to nowhere
}

var (
	// branches are the instructions that can leave the straight line.
	branches = map[string]*regexp.Regexp{
		"amd64": regexp.MustCompile(`^(L?CALL|J[A-Z]+|LOOP[A-Z]*|RETF.*|XBEGIN)\b`),
		"arm64": regexp.MustCompile(`^(CALL|JMP|BLR?|BR|B|B(EQ|NE|HS|LO|CS|CC|MI|PL|VS|VC|HI|LS|GE|LT|GT|LE)|CBN?ZW?|TBN?ZW?)\b`),
	}
	symbolic = regexp.MustCompile(`([^\s,]+)\(SB\)$`)
	offset   = regexp.MustCompile(`\+\d+$`)
	absolute = regexp.MustCompile(`\b0x([0-9a-f]+)$`)
	relative = regexp.MustCompile(`(-?\d+)\(PC\)$`)
)

// Edges lists every way out of f.
func (im *Image) Edges(f *Function) []Edge {
	var out []Edge
	for i, in := range f.Code {
		if !branches[im.Arch].MatchString(in.Text) {
			continue
		}
		if m := symbolic.FindStringSubmatch(in.Text); m != nil {
			if to := offset.ReplaceAllString(m[1], ""); to != f.Name {
				out = append(out, Edge{To: to, Where: in.Where})
			} else if strings.HasPrefix(in.Text, "CALL") {
				out = append(out, Edge{To: to, Where: in.Where})
			}
			continue
		}
		if why := im.leaves(f, i); why != "" {
			out = append(out, Edge{Where: in.Where, Why: why})
		}
	}
	return out
}

// leaves says why the branch at index i may leave f for an unknown place.
func (im *Image) leaves(f *Function, i int) string {
	in := f.Code[i]
	if m := absolute.FindStringSubmatch(in.Text); m != nil {
		if to, err := strconv.ParseUint(m[1], 16, 64); err == nil && f.Holds(to) {
			return ""
		}
	} else if m := relative.FindStringSubmatch(in.Text); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil && f.Holds(uint64(int64(in.Addr)+4*n)) {
			return ""
		}
	} else if strings.HasPrefix(in.Text, "JMP") {
		err := im.jumpTable(f, i)
		if err == nil {
			return ""
		}
		return "an indirect jump that is not a switch (" + in.Text + "): " + err.Error()
	} else {
		return "an indirect call: " + in.Text
	}
	return "a jump out of the function: " + in.Text
}

var (
	tableX86 = regexp.MustCompile(`^LEAQ (-?0x[0-9a-f]+)\(IP\), \w+$`)
	jumpX86  = regexp.MustCompile(`^JMP 0\(\w+\)\(\w+\*8\)$`)
	pageARM  = regexp.MustCompile(`^ADRP (-?\d+)\(PC\), (R\d+)$`)
	addARM   = regexp.MustCompile(`^ADD \$(\d+|\(\d+<<12\)), (R\d+), (R\d+)$`)
	jumpARM  = regexp.MustCompile(`^JMP \(R\d+\)$`)
	boundAny = regexp.MustCompile(`^CMP[A-Z]* (?:\w+, )?\$(0x[0-9a-f]+|\d+)(?:, R\d+)?$`)
)

// jumpTable checks that the indirect jump at index i is a switch of f: the index is
// compared with a constant first, and every entry of the table lies in f.
func (im *Image) jumpTable(f *Function, i int) error {
	if !jumpX86.MatchString(f.Code[i].Text) && !jumpARM.MatchString(f.Code[i].Text) {
		return fmt.Errorf("unknown form")
	}
	table, bound := uint64(0), -1
	low := uint64(0)
	for k := i - 1; k >= 0 && k >= i-12 && (table == 0 || bound < 0); k-- {
		text := f.Code[k].Text
		if m := tableX86.FindStringSubmatch(text); m != nil && table == 0 {
			n, err := strconv.ParseInt(m[1], 0, 64)
			if err != nil {
				return err
			}
			table = uint64(int64(f.Code[k+1].Addr) + n)
		} else if m := addARM.FindStringSubmatch(text); m != nil && table == 0 {
			low, _ = strconv.ParseUint(m[1], 10, 64)
		} else if m := pageARM.FindStringSubmatch(text); m != nil && table == 0 {
			n, err := strconv.ParseInt(m[1], 10, 64)
			if err != nil {
				return err
			}
			table = uint64(int64(f.Code[k].Addr&^4095)+n) + low
		} else if m := boundAny.FindStringSubmatch(text); m != nil && table != 0 && bound < 0 {
			n, err := strconv.ParseInt(m[1], 0, 32)
			if err != nil {
				return err
			}
			bound = int(n)
		}
	}
	if table == 0 || bound < 0 || bound > 1000 {
		return fmt.Errorf("no table or no bound in front of it")
	}
	for n := 0; n <= bound; n++ {
		to, err := im.word(table + 8*uint64(n))
		if err != nil {
			return err
		}
		if !f.Holds(to) {
			return fmt.Errorf("entry %d of the table leads out of the function: %#x", n, to)
		}
	}
	return nil
}

var (
	frameX86  = regexp.MustCompile(`^SUBQ \$(0x[0-9a-f]+), SP$`)
	frameX86b = regexp.MustCompile(`^ADDQ \$-(0x[0-9a-f]+), SP$`)
	pushX86   = regexp.MustCompile(`^PUSHQ `)
	frameARM  = regexp.MustCompile(`^MOVD\.W R30, -(\d+)\(RSP\)$`)
	frameARMb = regexp.MustCompile(`^SUB \$(\d+), RSP, R20$`)
	frameBig  = regexp.MustCompile(`^SUB \$?.*, RSP, R20$`)
)

// Frame returns how much stack a call of f takes, its return address included.
func Frame(f *Function) int {
	size := 8
	for _, in := range f.Code {
		for _, form := range []*regexp.Regexp{frameX86, frameX86b, frameARM, frameARMb} {
			if m := form.FindStringSubmatch(in.Text); m != nil {
				n, err := strconv.ParseInt(m[1], 0, 64)
				if err != nil {
					return 1 << 30
				}
				size += int(n)
			}
		}
		if pushX86.MatchString(in.Text) {
			size += 8
		}
		if frameBig.MatchString(in.Text) && !frameARMb.MatchString(in.Text) {
			return 1 << 30 // a size that does not fit into an instruction
		}
	}
	return size
}
