package e2e_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tmpfsModes are operands of --perms for a tmpfs. Without --perms ("") the mode is 0755.
var tmpfsModes = []string{
	"", "0", "0000", "0001", "0100", "0111", "0300", "0444", "0500", "0555", "0600", "0700", "0711", "0750", "0755", "0777", "01777", "02755",
	"03777", "04711", "07000", "07777",
}

// withMode returns the options of mount with --perms before them, and the mode as stat shows it.
func withMode(mode string, mount ...string) (options []string, shown string) {
	if mode == "" {
		return mount, "755"
	}
	n, _ := strconv.ParseUint(mode, 8, 32)
	return append([]string{"--perms", mode}, mount...), fmt.Sprintf("%o", n)
}

// seen returns a command line that runs stat on paths in a sandbox. The options that show the system's programs
// stand between first and last.
func seen(first, last []string, paths ...string) []string {
	return slices.Concat(
		[]string{gobwrap}, first,
		[]string{"--ro-bind", "/usr", "/usr", "--ro-bind-try", "/lib", "/lib", "--ro-bind-try", "/lib64", "/lib64"}, last,
		[]string{"--", "/usr/bin/stat", "-c", "%n %a %u %g %F"}, paths,
	)
}

// shows returns the line that the command of seen prints for a directory of the caller's.
func (who identity) shows(path, mode string) string {
	return fmt.Sprintf("%s %s %d %d directory\n", path, mode, who.id, who.id)
}

// TestTmpfsModes: a tmpfs has the mode of --perms, and belongs to the user. In setuid mode the first process
// sends the mode to the broker, as a decimal number with the same digits.
func TestTmpfsModes(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		// All modes at once, each on a directory that is made for it, and on one that is there.
		var options, paths []string
		want := ""
		for i, mode := range tmpfsModes {
			for _, path := range []string{fmt.Sprint("/made/", i), fmt.Sprint("/there/", i)} {
				mount, shown := withMode(mode, "--tmpfs", path)
				if strings.HasPrefix(path, "/there") {
					options = append(options, "--dir", path)
				}
				options, paths = append(options, mount...), append(paths, path)
				want += who.shows(path, shown)
			}
		}
		launch{who: who, wrap: e.Wrap, args: seen(nil, options, paths...)}.run(t).OK(t, want)

		for _, mode := range []string{"0700", "01777", "0000", "0755", "0555"} {
			mount := func(path string, more ...string) []string {
				options, _ := withMode(mode, append(more, "--tmpfs", path)...)
				return options
			}
			_, shown := withMode(mode)
			for name, c := range map[string]struct {
				options []string
				path    string
			}{
				"with a size":            {mount("/t", "--size", "1048576"), "/t"},
				"of any size":            {mount("/t", "--size", "1152921504606846976"), "/t"},
				"through a link":         {append([]string{"--dir", "/x", "--symlink", "x", "/l"}, mount("/l")...), "/x"},
				"over a tmpfs":           {append([]string{"--perms", "0711", "--tmpfs", "/t"}, mount("/t")...), "/t"},
				"below one":              {append([]string{"--perms", "0700", "--tmpfs", "/t"}, mount("/t/a/t")...), "/t/a/t"},
				"then read-only":         {append(mount("/t"), "--remount-ro", "/t"), "/t"},
				"then another mode":      {[]string{"--perms", "0421", "--tmpfs", "/t", "--chmod", mode, "/t"}, "/t"},
				"that a directory keeps": {append(mount("/t"), "--dir", "/t"), "/t"},
			} {
				t.Run(mode+" "+name, func(t *testing.T) {
					launch{who: who, wrap: e.Wrap, args: seen(nil, c.options, c.path)}.run(t).OK(t, who.shows(c.path, shown))
				})
			}
		}
	})
}

// TestTmpfsModeOnRoot: the same for a tmpfs at the root of the sandbox, however the path is written. If the
// mode refuses writing, set-up can create nothing there in setuid mode, where it has only the user's rights.
func TestTmpfsModeOnRoot(t *testing.T) {
	t.Parallel()
	eachSide(t, func(t *testing.T, who identity, e engine) {
		for _, mode := range []string{"", "0300", "0700", "0711", "0755", "0777", "01777", "07777"} {
			for path, there := range map[string][]string{
				"/": nil, "/l": {"--dir", "/under", "--symlink", "/", "/l"}, "/d/..": {"--dir", "/d"},
			} {
				mount, shown := withMode(mode, "--tmpfs", path)
				t.Run(mode+" on "+strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
					launch{who: who, wrap: e.Wrap, args: seen(slices.Concat(there, mount), nil, "/")}.run(t).OK(t, who.shows("/", shown))
				})
			}
		}
		for _, mode := range []string{"0000", "0100", "0555"} {
			mount, shown := withMode(mode, "--tmpfs", "/")
			// A later --chmod replaces the mode.
			t.Run(mode+" and back", func(t *testing.T) {
				launch{who: who, wrap: e.Wrap, args: seen(append(mount, "--chmod", "0711", "/"), nil, "/")}.run(t).OK(t, who.shows("/", "711"))
			})
			// A mode that is set last does not hinder set-up.
			t.Run(mode+" at the end", func(t *testing.T) {
				o := launch{who: who, wrap: e.Wrap, args: seen([]string{"--tmpfs", "/"}, []string{"--chmod", mode, "/"}, "/")}.run(t)
				if mode == "0000" && who.id != 0 {
					o.Refused(t, "Permission denied")
				} else {
					o.OK(t, who.shows("/", shown))
				}
			})
			t.Run(mode, func(t *testing.T) {
				late := []string{"--ro-bind", filepath.Join(base, "bin"), "/h", "--", "/h/probe", "echo", "in"}
				o := launch{who: who, wrap: e.Wrap, args: slices.Concat([]string{gobwrap}, mount, late)}.run(t)
				switch {
				case who.setuid:
					o.Refused(t, "Permission denied")
				case mode == "0000" && who.id != 0:
					o.Refused(t, "")
				default:
					o.OK(t, "in\n")
				}
			})
		}
	})
}
