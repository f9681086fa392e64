package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gobwrap/gobwrap/mounts"
	"github.com/gobwrap/gobwrap/sandbox"
	"github.com/gobwrap/gobwrap/sandbox/child"
	"github.com/gobwrap/gobwrap/sandbox/plan"
)

const maxLayers = plan.MaxLayers

// fd reads a descriptor's number and checks that the caller has it open.
func (p *parser) fd(word string) (int, error) {
	n, ok := decimal(word, 31)
	if !ok {
		return 0, errors.New("Invalid fd: " + word)
	}
	fd := int(n)
	if !child.Passed(fd) {
		return 0, errors.New(p.opt.name + ": fd " + word + " is not open: Bad file descriptor")
	}
	p.usesN[fd] = true
	return fd, nil
}

// passedSource refuses a host path that names a descriptor which the caller did not
// pass: where the path is looked up, the number may be one of the launcher's own.
func passedSource(source string) error {
	path := mounts.BoxPath(source)
	for _, dir := range []string{"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"} {
		rest, ok := strings.CutPrefix(path, dir)
		number, _, _ := strings.Cut(rest, "/")
		if n, valid := decimal(number, 31); ok && valid && !child.Passed(int(n)) {
			return errors.New("Can't find source path " + source + ": No such file or directory")
		}
	}
	return nil
}

// dataFD is fd for a descriptor that is read to its end, which works once.
func (p *parser) dataFD(word string) (int, error) {
	fd, err := p.fd(word)
	if err != nil {
		return 0, err
	}
	me := strings.Join(append([]string{p.opt.name}, p.args...), " ")
	if who, used := p.data[fd]; used {
		return 0, errors.New(me + ": fd " + word + " was already used up by " + who)
	}
	p.data[fd] = me
	return fd, nil
}

// use makes the payload's copy of fd be closed.
func (p *parser) use(fd int) {
	c := &p.opts.spec.Command
	if slices.Contains(c.Used, fd) {
		return
	}
	c.Used = append(c.Used, fd)
}

// read is use for a descriptor that the front end alone needs.
func (p *parser) read(fd int) {
	p.use(fd)
	if c := &p.opts.spec.Command; !slices.Contains(c.Read, fd) { // an option may be given twice
		c.Read = append(c.Read, fd)
	}
}

// tell is fdOption for a descriptor that the front end writes to.
func tell(where func(*spec) *sandbox.FD) setter {
	set := fdOption(where)
	return func(p *parser) error {
		if err := set(p); err != nil {
			return err
		}
		p.read(where(&p.opts.spec).N())
		return nil
	}
}

// named is a descriptor that the option at work names.
func (p *parser) named(fd int) sandbox.FD {
	f := sandbox.SetFD(fd)
	f.From = p.origin()
	return f
}

func fdOption(where func(*spec) *sandbox.FD) setter {
	return func(p *parser) error {
		fd, err := p.fd(p.args[0])
		if err != nil {
			return err
		}
		p.use(fd)
		*where(&p.opts.spec) = p.named(fd)
		return nil
	}
}

func (p *parser) syncFD() error {
	fd, err := p.fd(p.args[0])
	if err != nil {
		return err
	}
	p.use(fd)
	s := &p.opts.spec.Session
	s.SyncFDs = append(s.SyncFDs, p.named(fd))
	return nil
}

// maxArgsFile bounds what --args reads, in bytes.
const maxArgsFile = 1 << 28

// argsFD reads options from a descriptor, in place. The first word that is no option
// ends them; what follows it is dropped, as bwrap has it.
func (p *parser) argsFD() error {
	if p.inFile {
		return errors.New("--args not supported in arguments file")
	}
	fd, err := p.dataFD(p.args[0])
	if err != nil {
		return err
	}
	p.read(fd)
	data, err := readAll(fd, maxArgsFile)
	if err != nil {
		return errors.New("Can't read --args data: " + err.Error())
	}
	rest := p.words
	p.words, p.inFile = fileWords(data), true
	err = p.run()
	p.words, p.inFile = rest, false
	switch {
	case err != nil:
		return err
	case p.perms.Given():
		return errPerms
	case p.size != 0:
		return errSize
	}
	return nil
}

// fileWords splits NUL-separated words; the last may lack its NUL.
func fileWords(data []byte) []string {
	text := strings.TrimSuffix(string(data), "\x00")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}

// readAll reads fd from where it stands to its end, but no more than limit bytes.
func readAll(fd, limit int) ([]byte, error) {
	data := make([]byte, 0, 4096)
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := syscall.Read(child.Here(fd), data[len(data):cap(data)])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, errors.New(capital(err.Error()))
		}
		if n == 0 {
			return data, nil
		}
		data = data[:len(data)+n]
		if len(data) > limit {
			return nil, errors.New("there are more than " + strconv.Itoa(limit) + " bytes")
		}
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
