package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// patience is how long systemd may take.
const patience = 30 * time.Second

// enterScope asks systemd for a scope with the limits, moves this process there, and looks whether
// they are in force. systemd removes the scope when it is empty.
func enterScope(l limits, words []string) (name string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	manager, err := connect(ctx)
	if err != nil {
		return "", err
	}
	defer manager.Close()
	name = fmt.Sprintf("%s-%d-%d.scope", program, os.Getpid(), time.Now().UnixNano())
	done := make(chan string, 1)
	if _, err := manager.StartTransientUnitContext(ctx, name, "fail", properties(l, words), done); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	select {
	case result := <-done:
		if result != "done" {
			return "", fmt.Errorf("%s: the job ended as %q", name, result)
		}
	case <-ctx.Done():
		return "", fmt.Errorf("%s: no answer within %v", name, patience)
	}
	dir, _, err := whereWeAre()
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(dir, "/"+name) {
		return "", fmt.Errorf("%s: this process is in %s", name, dir)
	}
	return name, l.holds(dir)
}

// connect reaches root's systemd, or the user's own.
func connect(ctx context.Context) (*dbus.Conn, error) {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return nil, errors.New("it does not run here")
	}
	if os.Geteuid() == 0 {
		return dbus.NewWithContext(ctx) // by the bus, or else directly
	}
	return dbus.NewUserConnectionContext(ctx)
}

// properties returns those of a scope (org.freedesktop.systemd1(5)).
func properties(l limits, words []string) []dbus.Property {
	list := []dbus.Property{
		dbus.PropDescription(program + " " + strings.Join(words, " ")),
		dbus.PropPids(uint32(os.Getpid())),
		{Name: "CollectMode", Value: godbus.MakeVariant("inactive-or-failed")},
	}
	number := func(name string, n uint64) {
		list = append(list, dbus.Property{Name: name, Value: godbus.MakeVariant(n)})
	}
	if l.memory != 0 {
		number("MemoryMax", l.memory)
		number("MemorySwapMax", 0)
	}
	if l.tasks != 0 {
		number("TasksMax", l.tasks)
	}
	if l.cpus != 0 {
		number("CPUQuotaPerSecUSec", uint64(l.cpus.Microseconds()))
	}
	return list
}
