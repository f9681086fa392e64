package sandbox

import (
	"errors"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// tell writes the documents about a sandbox that has just been made: to InfoFD over
// several lines, to JSONStatusFD on one. A reader that went away changes nothing.
func (r *Report) tell(pid int, ready *plan.Message, clone uint32, keeper bool) {
	pairs := []string{`"child-pid": ` + strconv.Itoa(pid)}
	for i, ns := range plan.NamespaceFiles {
		if id := ready.Namespace(i); clone&ns.Flag != 0 && id != 0 {
			pairs = append(pairs, `"`+ns.Name+`-namespace": `+strconv.FormatUint(id, 10))
		}
	}
	if r.InfoFD.Valid {
		send(child.Here(r.InfoFD.N), []byte("{\n    "+strings.Join(pairs, ",\n    ")+"\n}\n"))
		if r.InfoFD.N != 2 { // errors may still have to be said there
			_ = syscall.Close(r.InfoFD.N)
		}
	}
	mode := `"direct"`
	if keeper {
		mode = `"setuid"`
	}
	r.document(strings.Join(pairs, ", "))
	r.document(`"mode": ` + mode)
}

// wantsEnd tells whether somebody relies on the difference between a command that ran
// and a set-up that was killed.
func (r *Report) wantsEnd() bool { return r.JSONStatusFD.Valid || r.FailStatus != 0 }

// complete writes that the command runs, and its pid as seen from outside; 0: unknown.
func (r *Report) complete(command int) {
	if command != 0 {
		r.document(`"command-pid": ` + strconv.Itoa(command))
	}
	r.document(`"setup-complete": true`)
}

// Failed writes why the command does not run. Any error will do; one of a launch says
// more.
func (r *Report) Failed(err error) {
	e := &SetupError{Stage: "options", Message: err.Error()}
	errors.As(err, &e)
	pairs := []string{`"stage": ` + quote(e.Stage)}
	for _, p := range [][2]string{{"option", e.Option}, {"path", e.Path}} {
		if p[1] != "" {
			pairs = append(pairs, `"`+p[0]+`": `+quote(p[1]))
		}
	}
	if e.Errno != 0 {
		pairs = append(pairs, `"errno": `+strconv.Itoa(int(e.Errno)))
	}
	pairs = append(pairs, `"message": `+quote(e.Error()))
	if e.Hint != "" {
		pairs = append(pairs, `"hint": `+quote(e.Hint))
	}
	r.document(`"error": { ` + strings.Join(pairs, ", ") + ` }`)
}

// document writes one line to JSONStatusFD.
func (r *Report) document(inside string) {
	if r.JSONStatusFD.Valid {
		send(child.Here(r.JSONStatusFD.N), []byte("{ "+inside+" }\n"))
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
