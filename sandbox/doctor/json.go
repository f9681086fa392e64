package doctor

import "github.com/gobwrap/gobwrap/internal/jsontext"

// JSON returns the report for programs: one object. Names are added to it, never changed.
func (r *Diagnosis) JSON(version string) string {
	f := r.facts
	var release, kernel, top jsontext.Object

	o := f.os()
	release.PutString("id", o.ID)
	release.PutString("version", o.Version)
	release.PutString("name", o.Name)

	kernel.PutString("release", f.release())
	kernel.PutString("mount-engine", r.kernel.MountEngine)

	top.PutString("version", version)
	top.PutInt("status", r.Status)
	top.Put("mode", jsontext.OrNull(r.Mode))
	top.PutString("why", r.Why)
	top.PutInt("uid", f.UID)
	top.Put("os", release.Value())
	top.Put("kernel", kernel.Value())
	top.Put("binary", f.Binary.json())
	top.Put("steps", jsontext.Array(r.Steps, r.stepJSON))
	top.Put("causes", jsontext.Array(r.found, (*finding).json))
	top.Put("lacking", jsontext.Array(r.lacking, lack.json))
	top.PutStrings("notes", r.notes)
	return string(top.Value()) + "\n"
}

func (b binary) json() jsontext.Value {
	var o jsontext.Object
	o.PutString("path", b.Path)
	o.PutString("mode", octal(b.Mode))
	o.PutInt("uid", b.UID)
	o.PutBool("setuid-mode", b.Setuid())
	o.PutBool("nosuid", b.Nosuid)
	o.PutBool("file-capabilities", b.FileCaps)
	return o.Value()
}

func (r *Diagnosis) stepJSON(s Result) jsontext.Value {
	var o jsontext.Object
	o.PutString("step", string(s.Step))
	o.PutString("result", s.State.String())
	if s.State == Failed {
		if s.Errno != 0 {
			o.PutInt("errno", int(s.Errno))
			o.PutString("errno-name", errnoName(s.Errno))
		}
		o.PutString("message", sentence(s))
		if f := r.cause(s.Step); f != nil {
			o.PutString("cause", f.Cause.ID)
		}
	}
	if s.Detail != "" {
		o.PutString("detail", s.Detail)
	}
	return o.Value()
}

func (f *finding) json() jsontext.Value {
	var o jsontext.Object
	o.PutString("cause", f.Cause.ID)
	o.PutString("sentence", f.Says)
	o.Put("fixes", jsontext.Array(f.Fixes, fix.json))
	return o.Value()
}

func (f fix) json() jsontext.Value {
	var o jsontext.Object
	o.PutString("where", f.Where)
	o.PutBool("root", !f.ByUser)
	o.PutStrings("now", f.Now)
	o.PutStrings("boot", f.Boot)
	o.PutString("note", f.Note)
	return o.Value()
}

func (l lack) json() jsontext.Value {
	var o jsontext.Object
	o.PutString("options", l.Options)
	o.PutString("why", l.Why)
	return o.Value()
}
