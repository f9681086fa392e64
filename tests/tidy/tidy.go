// Package tidy cleans up behind tests that are interrupted: some have launchers that are
// set-user-id root in their temporary directories.
package tidy

import (
	"os"
	"os/signal"
	"syscall"
)

// OnInterrupt calls remove and ends the tests when they are told to end. It is for
// TestMain. What was ignored before (nohup, a shell's "&") no longer is, here and in what
// is started from here. What SIGKILL leaves, stays.
func OnInterrupt(remove func()) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-told
		remove()
		os.Exit(130)
	}()
}
