// Command everyday does what Go programs do: threads, timers, files, pipes, processes and
// sockets. It prints "fine".
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

func main() {
	for _, f := range []func() error{threads, files, processes, sockets} {
		if err := f(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fmt.Println("fine")
}

func threads() error {
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			runtime.LockOSThread()
			time.Sleep(time.Millisecond)
		})
	}
	all.Wait()
	runtime.GC()
	return nil
}

func files() error {
	dir, err := os.MkdirTemp("/tmp", "program")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "x")
	if err := os.WriteFile(name, []byte("text"), 0o600); err != nil {
		return err
	}
	if err := os.Rename(name, name+"y"); err != nil {
		return err
	}
	if err := os.Chmod(name+"y", 0o640); err != nil {
		return err
	}
	_, err = os.Stat(name + "y")
	return err
}

func processes() error {
	out, err := exec.Command("/bin/sh", "-c", "echo a | cat").Output()
	if err == nil && string(out) != "a\n" {
		err = fmt.Errorf("a process said %q", out)
	}
	return err
}

func sockets() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, "hello")
			_ = c.Close()
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	text, err := io.ReadAll(c)
	if err == nil && string(text) != "hello" {
		err = fmt.Errorf("a socket said %q", text)
	}
	return err
}
