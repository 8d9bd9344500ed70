/* SPDX-License-Identifier: MIT */
/*
 * The live driver of vmakit: runs programs of memory-management calls in processes of its own and says what the
 * kernel made of them. It speaks frames of 32-bit words over stdin and stdout; src/driver/protocol.ts is the other
 * end and must say the same.
 */
#ifndef VMAKIT_DRIVER_H
#define VMAKIT_DRIVER_H

#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROTOCOL_VERSION 1

/* The window of address space in which programs work. Everything else of a process's address space is taken. */
#define ARENA_START 0x100000000000ul
#define ARENA_PAGES 4096ul

#define MAX_PROCESSES 64
#define MAX_FILES 64
#define MAX_PINS 256
#define MAX_OPERATIONS 65536
#define OUTPUT_WORDS (16u << 20)

/* Numbers of linux/capability.h. */
#define CAPABILITY_IPC_LOCK 14
#define CAPABILITY_SYS_RAWIO 17

enum code {
	OP_LOOK = 0,
	OP_MMAP = 1,
	OP_MUNMAP = 2,
	OP_MREMAP = 3,
	OP_MPROTECT = 4,
	OP_MADVISE = 5,
	OP_MLOCK = 6,
	OP_MUNLOCK = 7,
	OP_MSEAL = 8,
	OP_TOUCH = 9,
	OP_FORK = 10,
	OP_EXIT = 11,
	OP_MEMFD = 12,
	OP_PIN = 13,
	OP_UNPIN = 14,
	OP_RLIMIT = 15,
	OP_MAPLIMIT = 16,
	OP_UFFD = 17,
	OP_UFFD_WP = 18,
	OP_UFFD_POISON = 19,
	OP_CLEARREFS = 20,
};

/* How much of the acting process's state an operation reports. */
#define WANT_MAPS 1u   /* mappings and page-table entries */
#define WANT_FLAGS 2u  /* and the flags of each mapping */
#define WANT_COUNTS 4u /* and map count and page flags of each page's frame (root) */
#define WANT_LOCKED 8u /* and how many pages are locked */

/* One operation as it comes in: 56 bytes, little endian. Addresses and lengths are bytes. */
struct operation {
	uint8_t code;
	uint8_t process;
	uint16_t want;
	uint32_t flags;
	uint64_t addr;
	uint64_t length;
	uint64_t extra;
	uint64_t target;
	uint32_t prot;
	uint32_t file; /* number of a memfd, plus one; 0: none */
	uint64_t reserved; /* here: the descriptor of the file that OP_MEMFD names */
};

enum outcome {
	OUTCOME_VALUE = 0,    /* value: what the call returned */
	OUTCOME_ERROR = 1,    /* value: errno */
	OUTCOME_SIGSEGV = 2,  /* value: byte offset of the page from the start of the arena */
	OUTCOME_SIGBUS = 3,
	OUTCOME_DIED = 4,     /* the process did not survive; value: wait status */
	OUTCOME_OMITTED = 5,  /* not performed; value: enum omission */
	OUTCOME_HUNG = 6,     /* no answer in time; everything was killed */
};

enum omission {
	OMITTED_NO_PROCESS = 1,
	OMITTED_NO_PIN = 2,
	OMITTED_NO_UFFD = 3,
	OMITTED_UNKNOWN = 4,
	OMITTED_TOO_MANY = 5,
};

/* Memory shared by the worker and the processes of a program. */
struct control {
	/* Whose turn it is: a process number, or TURN_WORKER. A futex. */
	uint32_t turn;
	uint32_t worker_wake; /* a futex: changes whenever the worker should look */
	uint32_t done;
	uint32_t next;        /* the next operation */
	uint32_t count;
	uint32_t out;         /* words written to output */
	uint32_t record;      /* where the record of the running operation begins */
	uint32_t overflow;
	uint32_t forked;      /* some page may be shared by processes */
	int32_t exiting;      /* pid of the process that is about to end, 0: none */
	uint32_t exiting_process;
	int32_t pids[MAX_PROCESSES];
	int32_t files[MAX_FILES];
	/* Pages before the first operation: in total, data and stack, and data as its limit counts it. */
	uint64_t base_total, base_data, base_data_limit;
	struct operation operations[MAX_OPERATIONS];
	uint32_t output[OUTPUT_WORDS];
	char text[4 << 20];
	uint64_t entries[ARENA_PAGES + 1];
};

#define TURN_WORKER 0xffffffffu

/* What each process has for itself (private memory, copied by fork). */
struct self {
	uint32_t number;
	int maps, smaps, pagemap, statm, status;
	int kpagecount, kpageflags;
	int uffd;
	int pins[MAX_PINS];
	uint32_t pin_count;
	uint32_t map_count_splits;
};

extern struct control *control;
extern struct self self;
extern unsigned long page_size;
extern int worker_pid;

/* operations.c */
void install_signal_handlers(void);
void perform(const struct operation *op, uint32_t *outcome, uint64_t *value);
void drop_pins(void);
void give_up(unsigned capability);
int open_uffd(void);
long clone_process(unsigned long flags, uint32_t number);

/* state.c */
void open_state_files(void);
void close_state_files(void);
void report_state(uint32_t want);
void put(uint32_t word);
void begin_record(uint32_t index);
void set_result(uint32_t outcome, uint64_t value);
unsigned long status_field(const char *name);
void read_totals(uint64_t *total, uint64_t *data);
uint64_t pagemap_entry(unsigned long addr);
long count_mappings(void);
long count_arena_mappings(void);

/* fill.c */
void take_everything_else(void);
void set_map_count_room(uint64_t room, uint32_t *outcome, uint64_t *value);

/* process.c */
void process_main(void) __attribute__((noreturn));
void wake(uint32_t *word);
void wait_while(uint32_t *word, uint32_t value);

#endif
