package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// snapshot describes every file below a directory, by its path there.
func snapshot(dir string) map[string]string {
	all := map[string]string{}
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		name, relErr := filepath.Rel(dir, path)
		if relErr != nil || err != nil {
			all[name] += fmt.Sprint(" ", err)
			return nil
		}
		all[name] = describe(path)
		return nil
	})
	return all
}

// describe returns all properties of a file that a sandbox could change, except for its times.
func describe(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return err.Error()
	}
	st := info.Sys().(*syscall.Stat_t)
	text := fmt.Sprintf("%v %d:%d dev %x", info.Mode(), st.Uid, st.Gid, st.Rdev)
	switch {
	case info.Mode().IsRegular():
		data, err := os.ReadFile(path)
		text += fmt.Sprintf(" %x %v", sha256.Sum256(data), err)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		text += fmt.Sprint(" ", target, err)
	}
	return text
}

// changes lists what differs, sorted: +new, -gone, ~changed.
func changes(before, after map[string]string) (list []string) {
	for name, text := range after {
		switch old, ok := before[name]; {
		case !ok:
			list = append(list, "+"+name)
		case old != text:
			list = append(list, "~"+name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			list = append(list, "-"+name)
		}
	}
	slices.Sort(list)
	return list
}
