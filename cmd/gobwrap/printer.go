package main

import (
	"errors"
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/version"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/child"
)

// printer is the only writer to the standard streams. Its rules:
//   - every line starts with the program's name: "bwrap: " for a program started under a name that
//     ends in bwrap, "gobwrap: " otherwise; with --level-prefix "<3>" or "<4>" first;
//   - bwrap's wording is kept where scripts may match it;
//   - a second line "hint: …" follows where the cause is known.
type printer struct {
	argv0  string
	name   string
	levels bool
	report *sandbox.Report // where errors are also written, once the command line is read
	begun  bool            // the launch has begun: the monitor knows the status for a failure
}

func newPrinter(argv []string) *printer {
	v := &printer{name: "gobwrap"}
	if len(argv) > 0 {
		v.argv0 = argv[0]
	}
	if version.AsBwrap(v.argv0) {
		v.name = "bwrap"
	}
	return v
}

func (v *printer) line(level, text string) {
	prefix := v.name + ": "
	if v.levels {
		prefix = level + prefix
	}
	write(2, prefix+text+"\n")
	child.Spoken()
}

// fail prints why nothing was run, and returns the exit status.
func (v *printer) fail(err error) int {
	err = reword(err)
	v.line("<3>", err.Error())
	advise(err)
	if hint := hintOf(err); hint != "" {
		v.line("<3>", "hint: "+hint)
	}
	return v.failed(err)
}

// hintOf returns an error's hint, or "".
func hintOf(err error) string {
	var setup *sandbox.SetupError
	if errors.As(err, &setup) {
		return setup.Hint
	}
	return ""
}

// failed writes the error to the descriptors of the report, and returns the exit status.
func (v *printer) failed(err error) int {
	if v.report == nil {
		return 1
	}
	front.Failed(v.report, err)
	return int(max(v.report.FailStatus, 1))
}

// describe prints what --explain has to say.
func (v *printer) describe(lines []string) {
	for _, text := range lines {
		v.line("<6>", inOptions(text))
	}
}

// ending returns the last line of --explain: whether the command now runs.
func ending(o *options) string {
	words := make([]string, len(o.spec.Command.Args))
	for i, w := range o.spec.Command.Args {
		if words[i] = w; w == "" || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r == '"' || r == '\'' || r == '\\' || r > '~' }) {
			words[i] = strconv.Quote(w)
		}
	}
	what := "running"
	if o.dryRun {
		what = "not run, because of --dry-run"
	}
	return what + ": " + strings.Join(words, " ")
}

// refuse prints the answer or the error that ends a run at the command line, and returns the
// exit status.
func (v *printer) refuse(err error) int {
	var a answered
	switch {
	case errors.As(err, &a):
		return max(v.out(a.text), a.status)
	case errors.Is(err, errNoCommand):
		write(2, usage(v.argv0))
		return v.fail(err)
	default:
		return v.fail(err)
	}
}

func (v *printer) warn(err error) { v.line("<4>", inOptions(err.Error())) }

func (v *printer) warnAll(texts []string) {
	for _, t := range texts {
		v.line("<4>", t)
	}
}

// out prints what was asked for.
func (v *printer) out(text string) int {
	if !write(1, text) {
		return 1
	}
	return 0
}

// reportPanic turns a panic into a message without a traceback.
func (v *printer) reportPanic(status *int) {
	if r := recover(); r != nil {
		text := "unknown"
		switch e := r.(type) {
		case error:
			text = e.Error()
		case string:
			text = e
		}
		text = "internal error, please report: " + text
		v.line("<3>", text)
		*status = v.failed(errors.New(text))
		if v.begun {
			*status = 1 // child.Exit would write to the socket, where set-up may be waiting for its go-ahead
		}
	}
}

// write writes all of text to fd, and reports whether it could. An error of a stream is not
// reported on another one.
func write(fd int, text string) bool {
	b := []byte(text)
	for len(b) > 0 {
		n, err := syscall.Write(child.Here(fd), b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}
