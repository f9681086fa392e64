// fusefs mounts a file system of its own, served by user ID and open to nobody else,
// and becomes another program:
//
//	fusefs DIR ID PROGRAM ARGS...
//
// It has a file "file" that says "served", and a directory "dir" with the same in it.
// The server lives as long as the program. What is spoken is in linux/fuse.h.
//
// FUSEFS_ERROR in the environment is the errno of the answer to a request for what kind of
// file something is; "dead" is a server that ends at once. With FUSEFS_FILE the file system is
// a single file.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { TOP = FUSE_ROOT_ID, DIRECTORY, FILE_ }; // nodes

static const char content[] = "served\n";
static unsigned id;
static int broken; // FUSEFS_ERROR
static int single; // FUSEFS_FILE

static void check(int failed, const char *what) {
	if (failed) {
		perror(what);
		_exit(99);
	}
}

static void answer(int fd, __u64 unique, int error, const void *data, size_t n) {
	struct fuse_out_header head = {sizeof head + n, -error, unique};
	struct iovec parts[2] = {{&head, sizeof head}, {(void *)data, n}};
	if (writev(fd, parts, 2) < 0)
		perror("fusefs: writev");
}

static struct fuse_attr attributes(__u64 node) {
	struct fuse_attr a = {.ino = node, .size = sizeof content - 1, .mode = S_IFREG | 0600, .nlink = 1, .uid = id, .gid = id};
	if (node != FILE_ && !single) {
		a.mode = S_IFDIR | 0700;
		a.nlink = 2;
	}
	return a;
}

static void serve(int fd, const struct fuse_in_header *in, const void *rest) {
	struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096};
	struct fuse_attr_out attr = {.attr = attributes(in->nodeid)};
	struct fuse_entry_out entry = {0};
	struct fuse_open_out handle = {0};
	const struct fuse_read_in *read = rest;

	switch (in->opcode) {
	case FUSE_INIT:
		answer(fd, in->unique, 0, &init, sizeof init);
		break;
	case FUSE_LOOKUP:
		entry.nodeid = !strcmp(rest, "file") ? FILE_ : !strcmp(rest, "dir") && in->nodeid == TOP ? DIRECTORY : 0;
		entry.attr = attributes(entry.nodeid);
		answer(fd, in->unique, entry.nodeid ? 0 : ENOENT, &entry, entry.nodeid ? sizeof entry : 0);
		break;
	case FUSE_GETATTR:
		answer(fd, in->unique, broken, &attr, broken ? 0 : sizeof attr);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(fd, in->unique, 0, &handle, sizeof handle);
		break;
	case FUSE_READ:
		answer(fd, in->unique, 0, content, read->offset ? 0 : sizeof content - 1);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer(fd, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET: // have no answer
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fd, in->unique, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv) {
	static char buf[1 << 17];
	char options[200];
	if (argc < 4)
		return 99;
	id = strtoul(argv[2], NULL, 10);
	const char *error = getenv("FUSEFS_ERROR");
	int dead = error && !strcmp(error, "dead");
	broken = error && !dead ? atoi(error) : 0;
	single = getenv("FUSEFS_FILE") != NULL;
	char device[4096];
	snprintf(device, sizeof device, "%s.device", argv[0]);
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) // a container without it
		fd = open(device, O_RDWR | O_CLOEXEC);
	check(fd < 0, "fusefs: /dev/fuse");
	snprintf(options, sizeof options, "fd=%d,rootmode=%o,user_id=%u,group_id=%u", fd, single ? S_IFREG : S_IFDIR, id, id);
	check(mount("e2e", argv[1], "fuse", MS_NOSUID | MS_NODEV, options), "fusefs: mount");
	pid_t parent = getpid(), server = fork();
	check(server < 0, "fusefs: fork");
	if (server) {
		execvp(argv[3], argv + 3);
		check(1, argv[3]);
	}
	check(setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id), "fusefs: ids");
	check(prctl(PR_SET_PDEATHSIG, SIGKILL), "fusefs: death signal");
	if (getppid() != parent) // it has ended, and asked for nothing
		return 0;
	close(0), close(1), close(2);
	for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0 || errno == EINTR || errno == ENOENT;)
		if (n > 0 && dead)
			break;
		else if (n > 0)
			serve(fd, (void *)buf, buf + sizeof(struct fuse_in_header));
	return 0;
}
