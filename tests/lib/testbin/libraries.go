package testbin

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// UseLibraries makes an installed copy of a program use the libraries in the directory
// lib beside the original, if there is one (scripts/reference-setup.sh).
func UseLibraries(program, copied string) error {
	from, to := filepath.Join(filepath.Dir(program), "lib"), filepath.Join(filepath.Dir(copied), "lib")
	loaders, err := filepath.Glob(filepath.Join(from, "ld-linux*"))
	if err != nil || len(loaders) != 1 {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	loader := filepath.Join(to, filepath.Base(loaders[0]))
	out, err := exec.Command("patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", to, copied).CombinedOutput()
	if err != nil {
		return fmt.Errorf("patchelf %s: %w\n%s", copied, err, out)
	}
	return nil
}
