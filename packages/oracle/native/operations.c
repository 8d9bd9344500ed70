/* SPDX-License-Identifier: MIT */
/* Performs one operation for real, in the calling process. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Not in every libc; the number is the same on all architectures. */
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* linux/capability.h, which not every libc brings along. */
#define CAPABILITY_VERSION_3 0x20080522

/* linux/userfaultfd.h of newer kernels. */
#define USER_MODE_ONLY 1
struct poison_request {
	struct uffdio_range range;
	uint64_t mode;
	int64_t updated;
};
#define IOCTL_POISON _IOWR(UFFDIO, 0x08, struct poison_request)

static sigjmp_buf fault_return;
static volatile int fault_signal;

static void on_fault(int signal)
{
	fault_signal = signal;
	siglongjmp(fault_return, 1);
}

void install_signal_handlers(void)
{
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = on_fault;
	/* The mask is not saved by sigsetjmp(.., 0), so the signal must not be blocked while it is handled. */
	action.sa_flags = SA_NODEFER;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

struct result {
	uint32_t *outcome;
	uint64_t *value;
};

static void give(struct result r, long returned)
{
	*r.outcome = returned == -1 ? OUTCOME_ERROR : OUTCOME_VALUE;
	*r.value = returned == -1 ? (uint64_t)errno : (uint64_t)returned;
}

static void omit(struct result r, enum omission why)
{
	*r.outcome = OUTCOME_OMITTED;
	*r.value = why;
}

/* Accesses the first byte of every extra-th page; a write stores prot. */
static void touch(const struct operation *op, struct result r)
{
	volatile uint64_t at = op->addr;
	const uint64_t end = op->addr + op->length, step = op->extra * page_size;
	if (sigsetjmp(fault_return, 0)) {
		*r.outcome = fault_signal == SIGBUS ? OUTCOME_SIGBUS : OUTCOME_SIGSEGV;
		*r.value = at - ARENA_START;
		return;
	}
	for (; at < end; at += step) {
		volatile uint8_t *byte = (volatile uint8_t *)at;
		if (op->flags & 1)
			*byte = (uint8_t)op->prot;
		else
			(void)*byte;
	}
	give(r, 0);
}

/* The kernel itself notes the pid where all see it, before the new process runs. */
long clone_process(unsigned long flags, uint32_t number)
{
	return syscall(SYS_clone, flags | CLONE_PARENT_SETTID | SIGCHLD, 0, &control->pids[number], 0, 0);
}

static void fork_process(const struct operation *op, struct result r)
{
	uint32_t child = (uint32_t)op->extra;
	if (child >= MAX_PROCESSES || control->pids[child]) {
		omit(r, OMITTED_TOO_MANY);
		return;
	}
	control->forked = 1;
	/* A child of the worker, not of this process: it outlives its parent and dies with the worker. */
	long pid = clone_process(CLONE_PARENT, child);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != worker_pid)
			_exit(1);
		for (uint32_t i = 0; i < self.pin_count; i++)
			close(self.pins[i]);
		self.pin_count = 0;
		if (self.uffd >= 0)
			close(self.uffd);
		self.uffd = -1;
		close_state_files();
		open_state_files();
		self.number = child;
		process_main();
	}
	give(r, pid > 0 ? (long)child : -1);
}

static void name_file(const struct operation *op, struct result r)
{
	uint32_t number = (uint32_t)op->extra;
	if (number >= MAX_FILES) {
		omit(r, OMITTED_TOO_MANY);
		return;
	}
	/* Made by the worker before the program began. */
	int file = (int)op->reserved;
	control->files[number] = file;
	struct stat st = {0};
	if (file >= 0)
		fstat(file, &st);
	give(r, file < 0 ? -1 : (long)st.st_ino);
}

/* A long-term pin of a range for device access: a buffer registered with a ring of its own. */
static void pin(const struct operation *op, struct result r)
{
	struct io_uring_params params = {0};
	struct iovec range = {.iov_base = (void *)op->addr, .iov_len = op->length};
	if (self.pin_count >= MAX_PINS) {
		omit(r, OMITTED_TOO_MANY);
		return;
	}
	int ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (ring < 0) {
		omit(r, OMITTED_NO_PIN);
		return;
	}
	long done = syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &range, 1);
	give(r, done);
	if (done == 0)
		self.pins[self.pin_count++] = ring;
	else
		close(ring);
}

/* Closing a ring lets go of its buffers some time later; unregistering does it at once. */
void drop_pins(void)
{
	for (uint32_t i = 0; i < self.pin_count; i++) {
		syscall(SYS_io_uring_register, self.pins[i], IORING_UNREGISTER_BUFFERS, NULL, 0);
		close(self.pins[i]);
	}
	self.pin_count = 0;
}

void give_up(unsigned capability)
{
	struct {
		uint32_t version;
		int pid;
	} header = {CAPABILITY_VERSION_3, 0};
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2];
	if (syscall(SYS_capget, &header, data) != 0)
		return;
	data[0].effective &= ~(1u << capability);
	syscall(SYS_capset, &header, data);
}

/* extra: 0 MEMLOCK, 1 AS, 2 DATA (the latter two on top of what the process had at the start). length: bytes. */
static void set_limit(const struct operation *op, struct result r)
{
	static const int which[] = {RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_DATA};
	struct rlimit limit;
	uint64_t bytes = op->length;
	if (op->extra > 2) {
		omit(r, OMITTED_UNKNOWN);
		return;
	}
	/* Root may lock as much as it likes; the limit shows only without that right. */
	if (op->extra == 0)
		give_up(CAPABILITY_IPC_LOCK);
	if (op->extra == 1)
		bytes += control->base_total * page_size;
	if (op->extra == 2)
		bytes += control->base_data_limit * page_size;
	getrlimit(which[op->extra], &limit);
	limit.rlim_cur = bytes;
	give(r, setrlimit(which[op->extra], &limit));
}

/* One that is not told of the kernel's own accesses: users other than root may have only such. */
int open_uffd(void)
{
	const int flags = O_CLOEXEC | O_NONBLOCK;
	int uffd = (int)syscall(SYS_userfaultfd, flags | USER_MODE_ONLY);
	return uffd >= 0 ? uffd : (int)syscall(SYS_userfaultfd, flags);
}

static int own_uffd(uint64_t features)
{
	if (self.uffd >= 0)
		return self.uffd;
	/* A fault that nobody answers would stop the process for good; it is a SIGBUS instead. */
	struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS | features};
	int uffd = open_uffd();
	if (uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) != 0) {
		close(uffd);
		uffd = -1;
	}
	self.uffd = uffd;
	return uffd;
}

static void userfault(const struct operation *op, struct result r)
{
	int uffd = own_uffd(op->code == OP_UFFD ? op->extra : 0);
	const struct uffdio_range range = {.start = op->addr, .len = op->length};
	if (uffd < 0) {
		omit(r, OMITTED_NO_UFFD);
		return;
	}
	if (op->code == OP_UFFD) {
		struct uffdio_register request = {.range = range, .mode = op->flags};
		give(r, ioctl(uffd, UFFDIO_REGISTER, &request));
	} else if (op->code == OP_UFFD_WP) {
		struct uffdio_writeprotect request = {.range = range, .mode = op->flags};
		give(r, ioctl(uffd, UFFDIO_WRITEPROTECT, &request));
	} else {
		struct poison_request request = {.range = range};
		give(r, ioctl(uffd, IOCTL_POISON, &request));
	}
}

static void clear_soft_dirty(struct result r)
{
	int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	give(r, file >= 0 && write(file, "4", 1) == 1 ? 0 : -1);
	close(file);
}

static void perform_mapping(const struct operation *op, struct result r)
{
	int file = op->file && op->file <= MAX_FILES ? control->files[op->file - 1] : -1;
	give(r, syscall(SYS_mmap, op->addr, op->length, op->prot, op->flags, file, op->target));
}

void perform(const struct operation *op, uint32_t *outcome, uint64_t *value)
{
	const struct result r = {outcome, value};
	errno = 0;
	switch (op->code) {
	case OP_LOOK:
		return give(r, 0);
	case OP_MMAP:
		return perform_mapping(op, r);
	case OP_MUNMAP:
		return give(r, syscall(SYS_munmap, op->addr, op->length));
	case OP_MREMAP:
		return give(r, syscall(SYS_mremap, op->addr, op->length, op->extra, (unsigned long)op->flags, op->target));
	case OP_MPROTECT:
		return give(r, syscall(SYS_mprotect, op->addr, op->length, (unsigned long)op->prot));
	case OP_MADVISE:
		return give(r, syscall(SYS_madvise, op->addr, op->length, (unsigned long)op->flags));
	case OP_MLOCK:
		return give(r, syscall(SYS_mlock2, op->addr, op->length, (unsigned long)op->flags));
	case OP_MUNLOCK:
		return give(r, syscall(SYS_munlock, op->addr, op->length));
	case OP_MSEAL:
		return give(r, syscall(SYS_mseal, op->addr, op->length, 0ul));
	case OP_TOUCH:
		return touch(op, r);
	case OP_FORK:
		return fork_process(op, r);
	case OP_MEMFD:
		return name_file(op, r);
	case OP_PIN:
		return pin(op, r);
	case OP_UNPIN:
		drop_pins();
		return give(r, 0);
	case OP_RLIMIT:
		return set_limit(op, r);
	case OP_MAPLIMIT:
		return set_map_count_room(op->extra, outcome, value);
	case OP_UFFD:
	case OP_UFFD_WP:
	case OP_UFFD_POISON:
		return userfault(op, r);
	case OP_CLEARREFS:
		return clear_soft_dirty(r);
	default:
		return omit(r, OMITTED_UNKNOWN);
	}
}
