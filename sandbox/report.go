package sandbox

import (
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

// tell writes the documents about a sandbox that has just been made: to InfoFD over
// several lines, to JSONStatusFD on one. A reader that went away changes nothing.
func (r *Report) tell(pid int, ready *plan.Message, clone uint32) {
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
	if r.JSONStatusFD.Valid {
		send(child.Here(r.JSONStatusFD.N), []byte("{ "+strings.Join(pairs, ", ")+" }\n"))
		if r.JSONStatusFD.N != 2 { // errors may still have to be said there
			_ = syscall.Close(r.JSONStatusFD.N)
		}
	}
}
