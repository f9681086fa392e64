package sandbox

import (
	"errors"

	"github.com/gobwrap/gobwrap/internal/flat"
	"github.com/gobwrap/gobwrap/internal/front"
	"github.com/gobwrap/gobwrap/internal/kernel"
	"github.com/gobwrap/gobwrap/internal/plan"
	"github.com/gobwrap/gobwrap/sandbox/internal/link"
)

// The functions that only cmd/gobwrap and the tests of this module need.
func init() {
	front.Attach = func(cmd any, l *front.Line) { cmd.(*Cmd).front = l }
	front.Exec = func(cmd any) error { return cmd.(*Cmd).become() }
	front.Compile = func(spec any, l *front.Line, f front.Facts) (*plan.Program, error) {
		return compileFor(wantedOf(spec.(*Spec), l), facts(f))
	}
	front.Explain = func(p *plan.Program, bytes []byte) error { return explain(p, link.Message(bytes)) }
	front.After = func(first, err error, keeper bool) error {
		var refusal *SetupError
		if !errors.As(first, &refusal) {
			return err
		}
		return after(refusal, err, keeper)
	}
	front.Killed = func() error { return killedUnder(&facts{Filtered: kernel.Filtered(), Embedded: true}) }
	front.Take = func(spec any, f *flat.Spec, text func(flat.Word) string, from func(string, flat.Word)) {
		spec.(*Spec).take(f, text, from)
	}
	front.Add = func(spec any, it *flat.Item, text string) string { return spec.(*Spec).add(it, text) }
	front.Failed = func(report any, err error) { report.(*Report).failed(link.Own{}, err) }
}
