package doctor

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON is the report for programs: one object. Names are added to it, never changed.
func (r *Report) JSON(version string) string {
	f := r.Facts
	o := f.OS()
	b := f.Binary
	top := object{
		{"version", quote(version)},
		{"status", strconv.Itoa(r.Status)},
		{"mode", orNull(r.Mode)},
		{"why", quote(r.Why)},
		{"uid", strconv.Itoa(f.UID)},
		{"os", object{{"id", quote(o.ID)}, {"version", quote(o.Version)}, {"name", quote(o.Name)}}.String()},
		{"kernel", object{{"release", quote(f.release())}, {"mount-engine", quote(r.Kernel.MountEngine)}}.String()},
		{"binary", object{
			{"path", quote(b.Path)},
			{"mode", quote(octal(b.Mode))},
			{"uid", strconv.Itoa(b.UID)},
			{"setuid-mode", strconv.FormatBool(b.Setuid())},
			{"nosuid", strconv.FormatBool(b.Nosuid)},
			{"file-capabilities", strconv.FormatBool(b.FileCaps)},
		}.String()},
		{"steps", array(r.Results, r.stepJSON)},
		{"causes", array(r.Found, findingJSON)},
		{"lacking", array(r.Lacking, func(l Lack) string {
			return object{{"options", quote(l.Options)}, {"why", quote(l.Why)}}.String()
		})},
		{"notes", array(r.Notes, quote)},
	}
	return top.String() + "\n"
}

func (r *Report) stepJSON(s Result) string {
	o := object{{"step", quote(string(s.Step))}, {"result", quote(s.State.String())}}
	if s.State == Failed {
		if s.Errno != 0 {
			o = append(o, pair{"errno", strconv.Itoa(int(s.Errno))}, pair{"errno-name", quote(errnoName(s.Errno))})
		}
		o = append(o, pair{"message", quote(sentence(s))})
		if f := r.cause(s.Step); f != nil {
			o = append(o, pair{"cause", quote(f.Cause.ID)})
		}
	}
	if s.Detail != "" {
		o = append(o, pair{"detail", quote(s.Detail)})
	}
	return o.String()
}

func findingJSON(f *Finding) string {
	return object{
		{"cause", quote(f.Cause.ID)},
		{"sentence", quote(f.Says)},
		{"fixes", array(f.Fixes, func(fix Fix) string {
			return object{
				{"where", quote(fix.Where)},
				{"root", strconv.FormatBool(!fix.ByUser)},
				{"now", array(fix.Now, quote)},
				{"boot", array(fix.Boot, quote)},
				{"note", quote(fix.Note)},
			}.String()
		})},
	}.String()
}

type (
	pair   struct{ name, value string }
	object []pair
)

func (o object) String() string {
	parts := make([]string, len(o))
	for i, p := range o {
		parts[i] = quote(p.name) + ": " + p.value
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func array[T any](list []T, one func(T) string) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = one(x)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return quote(s)
}

// quote is s as a JSON string (RFC 8259); bytes that are no UTF-8 become U+FFFD.
func quote(s string) string {
	out := []byte{'"'}
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c < 0x20:
			const hex = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = utf8.AppendRune(out, c)
		}
	}
	return string(append(out, '"'))
}
