//go:build clients

package clients_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// blue is the colour of pictures and pages.
var blue = color.RGBA{R: 51, G: 102, B: 204, A: 255}

// give puts a file into the client's home.
func (w *world) give(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join(w.home, name)
	mustDo(t, os.WriteFile(path, data, 0o644))
	mustDo(t, os.Chown(path, uid, uid))
}

// directory makes a directory there.
func (w *world) directory(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join(w.home, name)
	mustDo(t, os.Mkdir(path, 0o755))
	mustDo(t, os.Chown(path, uid, uid))
}

// page gives page.html, with something replaced.
func (w *world) page(t *testing.T, old, now string) {
	t.Helper()
	page, err := os.ReadFile("testdata/page.html")
	mustDo(t, err)
	w.give(t, "page.html", bytes.Replace(page, []byte(old), []byte(now), 1))
}

func picture(width, height int) image.Image {
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(p, p.Bounds(), image.NewUniform(blue), image.Point{}, draw.Src)
	return p
}

// shows checks that a PNG file is a blue picture of a size, or of any.
func shows(t *testing.T, path string, width, height int) {
	t.Helper()
	file, err := os.Open(path)
	mustDo(t, err)
	defer file.Close()
	p, err := png.Decode(file)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	size := p.Bounds().Size()
	if size.X != width || size.Y != height {
		t.Errorf("%s is %v, want %d by %d", path, size, width, height)
	}
	if have := color.RGBAModel.Convert(p.At(size.X/2, size.Y/2)); have != blue {
		t.Errorf("%s shows %v, want %v", path, have, blue)
	}
}

// thumbnail has a thumbnail made, and gives those that there are.
func thumbnail(t *testing.T, launcher string) (*world, outcome, []string) {
	t.Helper()
	w := newWorld(t, launcher)
	var data bytes.Buffer
	mustDo(t, png.Encode(&data, picture(400, 200)))
	w.give(t, "picture.png", data.Bytes())
	o := w.run(t, "python3", filepath.Join(base, "testdata", "thumbnail.py"))
	made, _ := filepath.Glob(filepath.Join(w.home, ".cache/thumbnails/normal/*.png"))
	return w, o, made
}

// TestThumbnailer: gnome-desktop has a thumbnail made and saves it. Its library runs
// bwrap as found on PATH.
func TestThumbnailer(t *testing.T) {
	eachMode(t, func(t *testing.T, launcher string) {
		w, o, made := thumbnail(t, launcher)
		if o.Status != "0" || len(made) != 1 {
			t.Fatalf("thumbnails %v: %s", made, o)
		}
		shows(t, made[0], 128, 64)
		list := w.calls(t)
		want(t, list, 1, "gdk-pixbuf-thumbnailer", "--unshare-all", "--seccomp", "--chdir", "--die-with-parent")
		documented(t, "gnome-desktop", list)
	})
}

// TestThumbnailerControl: with a launcher that fails there is none.
func TestThumbnailerControl(t *testing.T) {
	t.Parallel()
	if w, o, made := thumbnail(t, "/bin/false"); o.Status == "0" || len(made) > 0 || len(w.calls(t)) == 0 {
		t.Errorf("it works without a launcher, or did not call it: %s", o)
	}
}

const comment = "made by nobody"

// clean has a picture with a comment cleaned, and gives what came of it.
func clean(t *testing.T, launcher string) (*world, outcome, []byte) {
	t.Helper()
	w := newWorld(t, launcher)
	var data bytes.Buffer
	mustDo(t, jpeg.Encode(&data, picture(40, 20), nil))
	// A comment follows the two bytes that begin every such file.
	segment := append([]byte{0xff, 0xfe, 0, byte(2 + len(comment))}, comment...)
	w.give(t, "picture.jpg", slices.Insert(data.Bytes(), 2, segment...))
	w.directory(t, "out")
	o := w.run(t, "python3", filepath.Join(base, "testdata", "mat2.py"))
	cleaned, _ := os.ReadFile(filepath.Join(w.home, "out/picture.jpg"))
	return w, o, cleaned
}

// TestMat2: mat2 reads and removes the metadata of a picture.
func TestMat2(t *testing.T) {
	eachMode(t, func(t *testing.T, launcher string) {
		w, o, cleaned := clean(t, launcher)
		o.says(t, map[string]string{"type": "image/jpeg", "before": comment, "cleaned": "True", "after": "None"})
		if p, err := jpeg.Decode(bytes.NewReader(cleaned)); err != nil || p.Bounds().Dx() != 40 || bytes.Contains(cleaned, []byte(comment)) {
			t.Errorf("this is not a clean picture (%v): %q", err, cleaned)
		}
		list := w.calls(t)
		want(t, list, 3, "exiftool", "--unshare-user-try", "--unshare-cgroup-try", "--new-session", "--cap-drop", "--chdir")
		documented(t, "mat2", list)
	})
}

// TestMat2Control: with a launcher that fails nothing is read or cleaned.
func TestMat2Control(t *testing.T) {
	t.Parallel()
	if w, o, cleaned := clean(t, "/bin/false"); o.Status == "0" || cleaned != nil || len(w.calls(t)) == 0 {
		t.Errorf("it works without a launcher, or did not call it: %s", o)
	}
}
