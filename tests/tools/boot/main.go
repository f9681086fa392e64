// Command boot runs a command on one of Debian's kernels:
//
//	boot [-kernel SERIES] [-modules NAME,…] [-timeout DURATION] [--] COMMAND…
//
// The command runs as root in the caller's directory, sees the host's files read-only,
// and has empty /tmp, /run and /var/tmp. What it writes comes out on standard output;
// its exit status is boot's. With the status 125 the machine failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/vm"
)

func main() {
	kernels := vm.Kernels()
	kernel := flag.String("kernel", kernels[len(kernels)-1], "one of "+strings.Join(kernels, ", "))
	modules := flag.String("modules", "", "modules to load, with commas between: overlay, for example")
	timeout := flag.Duration("timeout", 10*time.Minute, "of all of it")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "boot: a command is missing")
		flag.Usage()
		os.Exit(125)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	result, err := vm.Boot(ctx, vm.Machine{
		Kernel:  *kernel,
		Modules: strings.FieldsFunc(*modules, func(r rune) bool { return r == ',' }),
		Script:  script(flag.Args()),
		Timeout: *timeout,
		Output:  os.Stdout,
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "boot:", err)
		os.Exit(125)
	}
	os.Exit(result.Status)
}

// script runs the words as they are.
func script(words []string) string {
	text := "exec"
	for _, word := range words {
		text += " " + quote(word)
	}
	if dir, err := os.Getwd(); err == nil {
		text = "cd " + quote(dir) + " 2>/dev/null\n" + text // hidden below /tmp, perhaps
	}
	return text + "\n"
}

func quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
