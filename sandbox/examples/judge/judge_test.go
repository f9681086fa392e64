package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// programs are kinds of programs, and their verdicts. %d is another number in each.
var programs = []struct{ name, verdict, text string }{
	{"right", "OK", `#include <stdio.h>
int main(void) { int a, b; return scanf("%%d%%d", &a, &b) != 2 || printf("%%d\n", a + b + %d * 0) < 0; }`},
	{"wrong", "WA", `#include <stdio.h>
int main(void) { puts("%d00"); return 0; }`},
	{"syntax", "CE", `int main(void) { return %d`},
	{"status", "RE", `int main(void) { return 1 + %d %% 9; }`},
	{"null", "SG", `#include <signal.h>
int main(void) { return *(volatile int *)(%dL * 0); }`},
	{"loop", "TO", `int main(void) { for (volatile long i = %d;; i++) ; }`},
	{"sleep", "TO", `#include <unistd.h>
int main(void) { for (;;) sleep(%d + 1); }`},
	{"ignorer", "TO", `#include <signal.h>
#include <unistd.h>
int main(void) { for (int i = 1; i < 65; i++) signal(i, SIG_IGN); for (;;) sleep(%d + 1); }`},
	{"bomb", "TO", `#include <unistd.h>
int main(void) { for (;;) { fork(); usleep(%d + 1000); } }`},
	{"hog", "RE", `#include <stdlib.h>
#include <string.h>
int main(void) { for (;;) { char *p = malloc(1 << 20); if (!p) return 1; memset(p, %d, 1 << 20); } }`},
	{"daemon", "OK", `#include <stdio.h>
#include <unistd.h>
int main(void) { if (!fork()) { setsid(); if (!fork()) sleep(1000 + %d); return 0; } puts("5"); return 0; }`},
	{"stopped", "TO", `#include <signal.h>
int main(void) { raise(SIGSTOP); return %d; }`},
	{"files", "OK", `#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) { puts(access("/etc/passwd", F_OK) && open("/new%d", O_CREAT | O_WRONLY, 0600) < 0 ? "5" : "seen"); return 0; }`},
	{"output", "WA", `#include <stdio.h>
int main(void) { for (;;) puts("%d"); }`},
	{"abort", "SG", `#include <stdlib.h>
int main(void) { if (%d < 1000) abort(); return 0; }`},
	{"compute", "OK", `#include <stdio.h>
int main(void) { volatile long s = 0; for (long i = 0; i < 3000000 + %d; i++) s += i; puts("5"); return s == 0; }`},
}

// TestJudge: fifty programs, several at a time, and each gets its verdict; nothing is left of any.
func TestJudge(t *testing.T) {
	if out, err := exec.Command("gcc", "-static", "-x", "c", "-o", "/dev/null", "testdata/empty.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc makes no static programs here (make setup): %v: %s", err, out)
	}
	dir := t.TempDir()
	judge := filepath.Join(dir, "judge")
	build := exec.Command("go", "build", "-o", judge, "-ldflags=-E=github.com/gobwrap/gobwrap/sandbox/child.hostEntry", ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	args := []string{"-jobs", "8", "-time", "400ms", "-wall", "3s", "-input", write("input", "2 3\n"), "-answer", write("answer", "5\n")}
	var want []string
	for i, kind := 0, 0; i < 50; kind++ {
		p := programs[kind%len(programs)]
		if p.verdict == "TO" && kind >= len(programs) {
			continue // one of each takes long enough
		}
		i++
		name := fmt.Sprintf("%02d-%s.c", i, p.name)
		args = append(args, write(name, fmt.Sprintf(p.text, i)))
		want = append(want, p.verdict+" "+name)
	}
	cmd := exec.Command(judge, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	if os.Geteuid() == 0 { // whom RLIMIT_NPROC does not limit
		const user = 12345
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) { // that one is everybody's
			if err := os.Chmod(d, 0o755); err != nil {
				break
			}
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]+" ") {
			t.Errorf("%q, want %q", line, want[i])
		}
	}
	t.Logf("\n%s", out)
	left, _ := filepath.Glob(filepath.Join(dir, "judge-*"))
	if len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
