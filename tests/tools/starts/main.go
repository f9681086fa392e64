// Command starts is an embedding program that counts how often its own code begins to
// run, in a file that lies beside it. It does what may start a launcher: it asks
// what works here, and runs a command.
package main

import (
	"fmt"
	"os"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/doctor"
)

// Not only main counts: initialisers have effects too.
var _ = count("initialised")

func count(what string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(exe+".starts", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s\n", what)
	return err
}

func main() {
	if err := count("main"); err != nil {
		panic(err)
	}
	if len(os.Args) > 1 { // nobody has asked for that: no further launches
		os.Exit(1)
	}
	d, err := doctor.Probe()
	if err != nil {
		panic(err)
	}
	fmt.Print(d)
	_ = sandbox.Features()
	c := sandbox.Command("/bin/true")
	c.Spec.Files = []mounts.Op{mounts.ReadOnly("/")}
	if err := c.Run(); err != nil {
		panic(err)
	}
}
