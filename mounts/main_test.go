package mounts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestMain lets a test binary that cannot start itself (-race) find the launcher that make
// build has built.
func TestMain(m *testing.M) {
	bin, err := filepath.Abs("../bin")
	if err == nil {
		err = os.Setenv("PATH", os.Getenv("PATH")+":"+bin)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
