package vm

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gobwrap/gobwrap/tests/lib/testbin"
)

// Machine is what to boot, and what to run in it.
type Machine struct {
	Kernel  string            // a series of [Kernels]
	Script  string            // for sh, as root
	Files   map[string]string // names below /run/vm in the guest, and files of the host; *.c is compiled
	Modules []string          // to load, beyond those that the root file system needs
	Params  string            // further words of the kernel's command line
	Timeout time.Duration     // of one boot and the script; 0 is half an hour

	// Processors is how many it has; 0 is one, of which the emulation takes half the time that it takes of two.
	Processors int
	Output     io.Writer // gets the output as it comes, if not nil
}

// Result is what came out of a machine that ran its script to the end.
type Result struct {
	Output string // what the script wrote to standard output and to standard error
	Status int    // its exit status, or 128 and the signal
	Boots  int    // how often it was booted: more than once after a fault of the emulator
	Took   time.Duration
}

//go:embed guest/init.c
var initSource []byte

//go:embed guest/lsm.c
var lsmSource []byte

const (
	qemu      = "qemu-system-x86_64"
	virtiofsd = "/usr/lib/qemu/virtiofsd"
	memory    = "512M"
)

// Boot boots the machine, up to mostBoots times, runs the script in it and waits until both have ended. The
// error is about the machine; a script that fails is a Result.
func Boot(ctx context.Context, m Machine) (Result, error) {
	for n := 1; ; n++ {
		result, err := boot(ctx, m)
		if err == nil {
			result.Boots = n
			return result, nil
		}
		if n == mostBoots || !isEmulatorFault(err) {
			return Result{}, fmt.Errorf("booting %s: %w", m.Kernel, err)
		}
	}
}

// mostBoots is how often a machine is booted before a fault of the emulator is an error.
const mostBoots = 3

// isEmulatorFault reports whether a kernel has met a breakpoint of its own. It puts one into its code for a
// moment while it changes an instruction, and takes it away when no processor can be there any more. With two
// emulated processors QEMU may still execute it afterwards.
func isEmulatorFault(err error) bool { return strings.Contains(err.Error(), "Oops: int3: ") }

func boot(ctx context.Context, m Machine) (result Result, err error) {
	if err := prerequisites(); err != nil {
		return Result{}, err
	}
	dir, err := os.MkdirTemp("", "vm-")
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	image, err := prepare(dir, m)
	if err != nil {
		return Result{}, err
	}
	if m.Timeout == 0 {
		m.Timeout = 30 * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, m.Timeout, fmt.Errorf("it had not ended after %v", m.Timeout))
	defer cancel()
	var output bytes.Buffer
	if m.Output == nil {
		m.Output = io.Discard
	}
	begin := time.Now()
	err = run(ctx, dir, io.MultiWriter(&output, m.Output), arguments(dir, image, m))
	result = Result{Output: output.String(), Took: time.Since(begin)}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause // what ended the machine, and not how it ended
	}
	status, _ := os.ReadFile(filepath.Join(dir, "status"))
	if err == nil {
		if result.Status, err = strconv.Atoi(strings.TrimSpace(string(status))); err != nil {
			err = errors.New("the machine ended without the script's status")
		}
	}
	if err != nil {
		return Result{}, fmt.Errorf("%w%s", err, autopsy(dir, result.Output))
	}
	return result, nil
}

// prerequisites says what is missing before something fails for want of it.
func prerequisites() error {
	if os.Geteuid() != 0 {
		return errors.New("a mount namespace and a view of all files are needed: run it as root")
	}
	for _, tool := range []string{qemu, virtiofsd, "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing: run scripts/vm-setup.sh", tool)
		}
	}
	return nil
}

// prepare writes the initramfs and returns the kernel's image.
func prepare(dir string, m Machine) (image string, err error) {
	k, err := findKernel(m.Kernel)
	if err != nil {
		return "", err
	}
	modules, err := k.modules(slices.Concat(rootModules, m.Modules)...)
	if err != nil {
		return "", err
	}
	files := map[string]string{} // entries of the archive
	for _, path := range modules {
		files[filepath.Base(path)] = path
	}
	for name, path := range m.Files {
		files["vm/"+name] = path
	}
	for name, source := range map[string][]byte{"init": initSource, "vm/lsm": lsmSource} {
		files[name] = filepath.Join(dir, filepath.Base(name)+".c")
		if err := os.WriteFile(files[name], source, 0o600); err != nil {
			return "", err
		}
	}
	var a archive
	a.add("vm", cpioDir, nil)
	a.add("vm/script", cpioFile, []byte(m.Script))
	a.add("modules", cpioFile, []byte(order(modules)))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := files[name]
		if strings.HasSuffix(path, ".c") {
			if path, err = compile(dir, path); err != nil {
				return "", err
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		a.add(name, cpioFile, data)
	}
	return k.image, os.WriteFile(filepath.Join(dir, "initramfs"), a.bytes(), 0o600)
}

// order returns the list by which the guest loads the modules.
func order(modules []string) (list string) {
	for _, path := range modules {
		list += "/" + filepath.Base(path) + "\n"
	}
	return list
}

// compile makes a program that needs nothing of the guest's.
func compile(dir, source string) (program string, err error) {
	program = filepath.Join(dir, strings.TrimSuffix(filepath.Base(source), ".c")+".program")
	return program, testbin.C(program, source)
}

// arguments are QEMU's. The ports are those of guest/init.c.
func arguments(dir, image string, m Machine) []string {
	in := func(name string) string { return filepath.Join(dir, name) }
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none",
		"-accel", "tcg,thread=multi", "-cpu", "max", "-smp", strconv.Itoa(max(1, m.Processors)), "-m", memory,
		// The daemon reads and writes the guest's memory.
		"-object", "memory-backend-memfd,id=memory,share=on,size=" + memory,
		"-machine", "q35,memory-backend=memory",
		"-chardev", "socket,id=root,path=" + in("socket"), "-device", "vhost-user-fs-pci,chardev=root,tag=root",
		"-serial", "file:" + in("console"), "-serial", "stdio", "-serial", "file:" + in("status"),
		"-kernel", image, "-initrd", in("initramfs"),
		// A panic restarts the machine at once, and a restart ends QEMU.
		"-no-reboot", "-append", "console=ttyS0 panic=-1 loglevel=5 cryptomgr.notests " + m.Params,
	}
}

// autopsy returns what a machine left that did not do its work.
func autopsy(dir, output string) string {
	complaints, _ := os.ReadFile(filepath.Join(dir, "complaints"))
	console, _ := os.ReadFile(filepath.Join(dir, "console"))
	var text strings.Builder
	for _, part := range []struct{ title, text string }{
		{"QEMU and virtiofsd said", string(complaints)},
		{"the console's last lines", string(console)},
		{"the script's last lines", output},
	} {
		lines := strings.Split(strings.TrimSpace(part.text), "\n")
		if lines = lines[max(0, len(lines)-20):]; lines[0] != "" {
			fmt.Fprintf(&text, "\n%s:\n  %s", part.title, strings.Join(lines, "\n  "))
		}
	}
	return text.String()
}
