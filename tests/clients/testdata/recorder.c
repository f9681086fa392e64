// recorder stands where a client looks for bwrap: it notes how it was called and becomes
// the launcher. Built with the two paths:
//
//	gcc -static -DCALLS='"/where/calls"' -DLAUNCHER='"/the/launcher"' recorder.c
//
// A call is added to CALLS as a line with two lengths, then as many bytes of words, each
// ended by NUL, and as many of what the descriptor of --args holds. That descriptor is
// read through another one, so that the launcher finds it as it was.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char words[1 << 20], held[1 << 20];

static size_t read_held(int fd) {
	char path[64];
	off_t at = lseek(fd, 0, SEEK_CUR);
	if (at < 0) {
		return 0; // a pipe can be read only once
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0) {
		return 0;
	}
	ssize_t n = pread(again, held, sizeof held, at);
	close(again);
	return n < 0 ? 0 : n;
}

int main(int argc, char **argv) {
	size_t length = 0, more = 0;
	char line[64];
	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]) + 1;
		if (length + n > sizeof words) {
			fputs("recorder: too many words\n", stderr);
			return 99;
		}
		memcpy(words + length, argv[i], n);
		length += n;
		if (more == 0 && i + 1 < argc && strcmp(argv[i], "--args") == 0) {
			more = read_held(atoi(argv[i + 1]));
		}
	}
	int out = open(CALLS, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (out < 0) {
		perror("recorder: " CALLS);
		return 99;
	}
	// One write, since several may be called at once.
	size_t head = snprintf(line, sizeof line, "%zu %zu\n", length, more);
	char *all = malloc(head + length + more);
	memcpy(all, line, head);
	memcpy(all + head, words, length);
	memcpy(all + head + length, held, more);
	if (write(out, all, head + length + more) != (ssize_t)(head + length + more)) {
		perror("recorder: " CALLS);
		return 99;
	}
	close(out);
	execv(LAUNCHER, argv);
	perror("recorder: " LAUNCHER);
	return 99;
}
