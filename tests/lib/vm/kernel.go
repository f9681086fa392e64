package vm

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kernels returns the series that scripts/vm-setup.sh fetches, oldest first. "7" is the newest
// 7.x that Debian has for its stable release.
func Kernels() []string {
	return []string{"6.1", "6.12", "7"}
}

// rootModules are what it takes to see the host's root.
var rootModules = []string{"virtio_pci", "virtiofs"}

// kernel is a kernel in the cache.
type kernel struct {
	image   string            // vmlinux
	files   map[string]string // modules by name
	builtin map[string]bool   // modules that are part of the image
}

func findKernel(series string) (kernel, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return kernel{}, err
	}
	dir := filepath.Join(cache, "gobwrap", "vm", series)
	k := kernel{image: filepath.Join(dir, "vmlinux"), files: map[string]string{}, builtin: map[string]bool{}}
	if _, err := os.Stat(k.image); err != nil {
		return kernel{}, fmt.Errorf("there is no kernel %q: %w: run scripts/vm-setup.sh", series, err)
	}
	list, err := os.ReadFile(filepath.Join(dir, "modules", "modules.builtin"))
	if err != nil {
		return kernel{}, fmt.Errorf("kernel %s: %w", series, err)
	}
	for path := range strings.FieldsSeq(string(list)) {
		k.builtin[moduleName(path)] = true
	}
	err = filepath.WalkDir(filepath.Join(dir, "modules"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".ko") {
			k.files[moduleName(path)] = path
		}
		return err
	})
	return k, err
}

// moduleName returns the name as dependencies have it: the file's, with one sort of dash.
func moduleName(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")
}

// modules returns the files of the modules and of those that they depend on, in an
// order in which they can be loaded. What is built in needs no file. (depmod, which
// writes such lists, runs when a kernel is installed, and these are not.)
func (k kernel) modules(names ...string) (files []string, err error) {
	for _, name := range names {
		path, ok := k.files[name]
		switch {
		case k.builtin[name] || slices.Contains(files, path):
			continue
		case !ok:
			return nil, fmt.Errorf("the kernel has no module %q", name)
		}
		needed, err := dependencies(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		below, err := k.modules(needed...)
		if err != nil {
			return nil, err
		}
		for _, file := range append(below, path) {
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	return files, nil
}

// dependencies reads what a module says about itself.
func dependencies(path string) ([]string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	section := file.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no module: it has no section .modinfo")
	}
	data, err := section.Data()
	if err != nil {
		return nil, err
	}
	for entry := range strings.SplitSeq(string(data), "\x00") {
		if list, ok := strings.CutPrefix(entry, "depends="); ok {
			return strings.FieldsFunc(list, func(r rune) bool { return r == ',' }), nil
		}
	}
	return nil, nil
}
