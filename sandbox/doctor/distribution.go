package doctor

import "strings"

// Families of distributions, which differ in their fixes. The name is an ID or an ID_LIKE of
// os-release(5).
const (
	Anywhere = ""
	debian   = "debian"
	ubuntu   = "ubuntu"
	rhel     = "rhel"
	fedora   = "fedora"
	suse     = "suse"
	alpine   = "alpine"
	arch     = "arch"
	alt      = "altlinux"
	nixos    = "nixos"
	gentoo   = "gentoo"
	secure   = "secureblue"

	// Not from os-release: what the owner of a container or service types.
	docker     = "docker"
	podman     = "podman"
	kubernetes = "kubernetes"
	systemd    = "systemd"
)

// osRelease is what os-release(5) holds.
type osRelease struct {
	ID, Like, Version, Name string
}

// os reads os-release.
func (f *facts) os() osRelease {
	text, err := f.Files.Read("/etc/os-release")
	if err != nil {
		text, _ = f.Files.Read("/usr/lib/os-release")
	}
	var o osRelease
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			o.ID = value
		case "ID_LIKE":
			o.Like = value
		case "VERSION_ID":
			o.Version = value
		case "PRETTY_NAME":
			o.Name = value
		}
	}
	if o.Name == "" {
		o.Name = "an unknown distribution"
	}
	return o
}

// places returns the keys by which a fix for this machine is found, the nearest first.
func (f *facts) places() []string {
	var list []string
	if c := f.container(); c != "" {
		list = append(list, c)
	}
	if unit, _ := f.unit(); unit != "" {
		list = append(list, systemd)
	}
	o := f.os()
	list = append(list, o.ID)
	return append(list, strings.Fields(o.Like)...)
}

// el7 reports whether this is Red Hat Enterprise Linux 7 or a rebuild, by the kernel: a
// container has the host's.
func (f *facts) el7() bool { return strings.Contains(f.release(), ".el7") }
