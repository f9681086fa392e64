package sandbox

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gobwrap/gobwrap/internal/plan"
)

// tell writes the documents about a sandbox that has just been made: to InfoFD over
// several lines, to JSONStatusFD on one. A reader that went away changes nothing.
func (r *Report) tell(to link, pid int, ready *plan.Message, clone uint32, keeper bool) {
	pairs := []string{`"child-pid": ` + strconv.Itoa(pid)}
	for i, ns := range plan.NamespaceFiles {
		if id := ready.Namespace(i); clone&ns.Flag != 0 && id != 0 {
			pairs = append(pairs, `"`+ns.Name+`-namespace": `+strconv.FormatUint(id, 10))
		}
	}
	if r.InfoFD.Given() {
		to.write(r.InfoFD.N(), "{\n    "+strings.Join(pairs, ",\n    ")+"\n}\n")
		if r.InfoFD.N() != r.JSONStatusFD.N() || !r.JSONStatusFD.Given() {
			to.done(r.InfoFD.N())
		}
	}
	mode := `"direct"`
	if keeper {
		mode = `"setuid"`
	}
	r.document(to, strings.Join(pairs, ", "))
	r.document(to, `"mode": `+mode)
}

// wantsEnd reports whether somebody relies on the difference between a command that ran
// and a set-up that was killed.
func (r *Report) wantsEnd() bool { return r.JSONStatusFD.Given() || r.FailStatus != 0 }

// complete writes that the command runs, and its pid as seen from outside; 0: unknown.
func (r *Report) complete(to link, command int) {
	if command != 0 {
		r.document(to, `"command-pid": `+strconv.Itoa(command))
	}
	r.document(to, `"setup-complete": true`)
}

// failed writes why the command does not run. Any error will do; one of a launch says
// more.
func (r *Report) failed(to link, err error) {
	e := &SetupError{Stage: "options", Err: err}
	errors.As(err, &e)
	pairs := []string{`"stage": ` + quote(e.Stage)}
	for _, p := range [][2]string{{"option", e.Field}, {"path", e.Path}} {
		if p[1] != "" {
			pairs = append(pairs, `"`+p[0]+`": `+quote(p[1]))
		}
	}
	if errno := errnoOf(e); errno != 0 {
		pairs = append(pairs, `"errno": `+strconv.Itoa(int(errno)))
	}
	pairs = append(pairs, `"message": `+quote(e.Error()))
	if e.Hint != "" {
		pairs = append(pairs, `"hint": `+quote(e.Hint))
	}
	r.document(to, `"error": { `+strings.Join(pairs, ", ")+` }`)
}

// document writes one line to JSONStatusFD.
func (r *Report) document(to link, inside string) {
	if r.JSONStatusFD.Given() {
		to.write(r.JSONStatusFD.N(), "{ "+inside+" }\n")
	}
}

// quote is s as a JSON string (RFC 8259). Bytes that are no UTF-8 become U+FFFD.
func quote(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out.WriteByte('\\')
			out.WriteRune(c)
		case c < 0x20:
			const hex = "0123456789abcdef"
			out.WriteString(`\u00`)
			out.WriteByte(hex[c>>4])
			out.WriteByte(hex[c&15])
		case c == utf8.RuneError:
			out.WriteString(`\ufffd`)
		default:
			out.WriteRune(c)
		}
	}
	out.WriteByte('"')
	return out.String()
}
