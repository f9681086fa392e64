/*
 * lsm MODEL COMMAND [ARGUMENT…]
 *
 * Runs the command while BPF programs at the hooks of security modules answer as other
 * distributions' kernels do. They are written in instructions, so that no compiler for
 * BPF is needed; the offsets of the fields that they read come from the kernel's own
 * description of its types (BTF).
 *
 * eperm, eacces: nobody may make a user namespace, root neither.
 *
 * ubuntu: Ubuntu's AppArmor with kernel.apparmor_restrict_unprivileged_userns. Everybody
 * may make user namespaces. A maker without CAP_SYS_ADMIN in the initial one is marked,
 * as there by a profile: its descendants inherit the mark, and capabilities that they
 * have by virtue of a user namespace are refused when used.
 *
 * strict: user namespaces give no capabilities, whichever user makes them: capable() is refused in
 * every user namespace but the initial one. Only the command and its descendants are
 * concerned, so that this model can be used on a machine that does other work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "lsm: %s: %s\n", what, strerror(errno));
	exit(125);
}

/* The kernel's types, and where each of them begins: number 1 is the first. */
static char *strings;
static struct btf_type **types;
static unsigned ntypes;

/* How many bytes follow a type's head. */
static size_t tail(const struct btf_type *t)
{
	unsigned n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	}
	return 0;
}

static void read_types(void)
{
	size_t size = 0, room = 16 << 20;
	char *data = malloc(room), *at, *end;
	struct btf_header *head = (void *)data;
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (!data || fd < 0)
		die("the kernel's types");
	while ((n = read(fd, data + size, room - size)) > 0)
		size += n;
	close(fd);
	if (size < sizeof *head || head->magic != BTF_MAGIC)
		die("the kernel's types");
	strings = data + head->hdr_len + head->str_off;
	at = data + head->hdr_len + head->type_off;
	end = at + head->type_len;
	types = malloc((end - at) / sizeof(struct btf_type) * sizeof *types);
	if (!types)
		die("malloc");
	for (ntypes = 1; at < end; ntypes++) {
		types[ntypes] = (void *)at;
		at += sizeof(struct btf_type) + tail(types[ntypes]);
	}
}

static unsigned find(unsigned kind, const char *name)
{
	for (unsigned i = 1; i < ntypes; i++)
		if (BTF_INFO_KIND(types[i]->info) == kind && !strcmp(strings + types[i]->name_off, name))
			return i;
	errno = ESRCH;
	die(name);
	return 0;
}

/* offset says where in a struct a field is, in bytes. */
static int offset(const char *structure, const char *field)
{
	struct btf_type *t = types[find(BTF_KIND_STRUCT, structure)];
	struct btf_member *m = (void *)(t + 1);

	for (unsigned i = 0; i < BTF_INFO_VLEN(t->info); i++, m++)
		if (!strcmp(strings + m->name_off, field))
			return (BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset) / 8;
	errno = ESRCH;
	die(field);
	return 0;
}

/* A program grows here. Jumps name how many instructions they skip. */
static struct bpf_insn prog[64];
static unsigned len;

static void ins(int code, int dst, int src, int off, int imm)
{
	prog[len++] = (struct bpf_insn){ .code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm };
}

#define LOAD(size, dst, src, off) ins(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define STORE(dst, off, src) ins(BPF_STX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define MOVE(dst, src) ins(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, imm) ins(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define ADD(dst, imm) ins(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
#define SKIP(n) ins(BPF_JMP | BPF_JA, 0, 0, n, 0)
#define SKIP_IF_ANY(dst, bits, n) ins(BPF_JMP | BPF_JSET | BPF_K, dst, 0, n, bits)
#define SKIP_IF_0(dst, n) ins(BPF_JMP | BPF_JEQ | BPF_K, dst, 0, n, 0)
#define SKIP_UNLESS_0(dst, n) ins(BPF_JMP | BPF_JNE | BPF_K, dst, 0, n, 0)
#define CALL(function) ins(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_##function)
#define ANSWER(imm) (SET(0, imm), ins(BPF_JMP | BPF_EXIT, 0, 0, 0, 0))
#define MAP(dst, fd) (ins(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, fd), ins(0, 0, 0, 0, 0))

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof *attr);
}

/* attach puts the program at the hook, where it stays as long as this process. */
static void attach(const char *hook)
{
	static char log[1 << 16];
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_LSM,
		.expected_attach_type = BPF_LSM_MAC,
		.insns = (unsigned long)prog,
		.insn_cnt = len,
		.license = (unsigned long)"GPL", /* the helpers ask for it */
		.log_buf = (unsigned long)log,
		.log_size = sizeof log,
		.log_level = 1,
		.attach_btf_id = find(BTF_KIND_FUNC, hook),
	};
	union bpf_attr open = { .raw_tracepoint = { 0 } };
	int fd = bpf(BPF_PROG_LOAD, &load);

	if (fd < 0) {
		fputs(log, stderr);
		die(hook);
	}
	open.raw_tracepoint.prog_fd = fd;
	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &open) < 0)
		die(hook);
	len = 0;
}

static void refuse(int error)
{
	ANSWER(-error);
	attach("bpf_lsm_userns_create");
}

/*
 * In the models' programs: r6 is a pointer to a struct cred or task_struct, r7 the mark.
 * The stack has the key of the map, a task's address, at KEY, and a value at MARK.
 */
enum { KEY = -8, MARK = -16 };
enum { CAP_SYS_ADMIN_BIT = 1 << 21 };

/* look_up leaves in r0 where the mark of the current task is, or 0. */
static void look_up(int map)
{
	CALL(get_current_task);
	STORE(10, KEY, 0);
	MAP(1, map);
	MOVE(2, 10);
	ADD(2, KEY);
	CALL(map_lookup_elem);
}

/* note stores r7 as the mark of the task whose address is at KEY, and answers. */
static void note(int map, int answer)
{
	STORE(10, MARK, 7);
	MAP(1, map);
	MOVE(2, 10);
	ADD(2, KEY);
	MOVE(3, 10);
	ADD(3, MARK);
	SET(4, BPF_ANY);
	CALL(map_update_elem);
	ANSWER(answer);
}

/* marks makes the map from tasks to marks. */
static int marks(void)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = 8,
		.value_size = 8,
		.max_entries = 1 << 16,
	};
	int map = bpf(BPF_MAP_CREATE, &create);

	if (map < 0)
		die("a map");
	return map;
}

/* inherit, at task_alloc(task, flags): a task begins with the mark of its maker. */
static void inherit(int map)
{
	LOAD(BPF_DW, 6, 1, 0);
	SET(7, 0);
	look_up(map);
	SKIP_IF_0(0, 1);
	LOAD(BPF_DW, 7, 0, 0);
	STORE(10, KEY, 6);
	note(map, 0);
	attach("bpf_lsm_task_alloc");
}

/* confine, at capable(cred, ns, cap, opts): refused to a marked task in a user namespace. */
static void confine(int map)
{
	LOAD(BPF_DW, 6, 1, 0);
	LOAD(BPF_DW, 2, 6, offset("cred", "user_ns"));
	LOAD(BPF_W, 2, 2, offset("user_namespace", "level"));
	SKIP_UNLESS_0(2, 2);
	ANSWER(0);
	look_up(map);
	SKIP_UNLESS_0(0, 2);
	ANSWER(0);
	LOAD(BPF_DW, 7, 0, 0);
	SKIP_UNLESS_0(7, 2);
	ANSWER(0);
	ANSWER(-EPERM);
	attach("bpf_lsm_capable");
}

static void ubuntu(void)
{
	int map = marks();
	int user_ns = offset("cred", "user_ns"), level = offset("user_namespace", "level");

	/* userns_create(cred): the current task's mark is 0 if the maker is privileged. */
	LOAD(BPF_DW, 6, 1, 0);
	SET(7, 1);
	LOAD(BPF_W, 2, 6, offset("cred", "cap_effective"));
	SKIP_IF_ANY(2, CAP_SYS_ADMIN_BIT, 1);
	SKIP(4);
	LOAD(BPF_DW, 2, 6, user_ns);
	LOAD(BPF_W, 2, 2, level);
	SKIP_UNLESS_0(2, 1);
	SET(7, 0);
	CALL(get_current_task);
	STORE(10, KEY, 0);
	note(map, 0);
	attach("bpf_lsm_userns_create");
	inherit(map);
	confine(map);
}

/* MARK_ME is the prctl(2) that marks the command in the model strict. No kernel knows it. */
enum { MARK_ME = 0x676f6277 };

static void strict(void)
{
	int map = marks();

	/* task_prctl(option, …): ENOSYS stands for no opinion. */
	LOAD(BPF_DW, 2, 1, 0);
	ins(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 2, MARK_ME);
	ANSWER(-ENOSYS);
	SET(7, 1);
	CALL(get_current_task);
	STORE(10, KEY, 0);
	note(map, -ENOSYS);
	attach("bpf_lsm_task_prctl");
	inherit(map);
	confine(map);
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: lsm ubuntu|strict|eperm|eacces COMMAND [ARGUMENT…]\n");
		return 125;
	}
	read_types();
	if (!strcmp(argv[1], "ubuntu"))
		ubuntu();
	else if (!strcmp(argv[1], "strict"))
		strict();
	else if (!strcmp(argv[1], "eperm"))
		refuse(EPERM);
	else if (!strcmp(argv[1], "eacces"))
		refuse(EACCES);
	else {
		fprintf(stderr, "lsm: no such model: %s\n", argv[1]);
		return 125;
	}
	pid = fork();
	if (pid == 0) {
		prctl(MARK_ME); /* refused as unknown; the hook has seen it */
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("the command");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
