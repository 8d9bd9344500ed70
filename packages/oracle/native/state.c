/* SPDX-License-Identifier: MIT */
/* Reads back what the kernel holds for the calling process: mappings, flags, page-table entries, totals. */
#include "driver.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define ARENA_END (ARENA_START + ARENA_PAGES * page_size)

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAP (1ull << 62)
#define PAGEMAP_FILE (1ull << 61)
#define PAGEMAP_GUARD (1ull << 58)
#define PAGEMAP_UFFD_WP (1ull << 57)
#define PAGEMAP_EXCLUSIVE (1ull << 56)
#define PAGEMAP_SOFT_DIRTY (1ull << 55)
#define PAGEMAP_FRAME ((1ull << 55) - 1)
#define PAGEMAP_ENTRY (PAGEMAP_PRESENT | PAGEMAP_SWAP | PAGEMAP_GUARD | PAGEMAP_UFFD_WP)

/* Bits of an entry as reported. */
#define ENTRY_PRESENT 1u
#define ENTRY_SWAP 2u
#define ENTRY_FILE 4u
#define ENTRY_EXCLUSIVE 8u
#define ENTRY_SOFT_DIRTY 16u
#define ENTRY_UFFD_WP 32u
#define ENTRY_GUARD 64u
#define ENTRY_CONTENT 128u
#define ENTRY_CONTENT_SHIFT 16

/* The two-letter names of smaps and their bits in vm_flags; a name that is not listed sets the last bit. */
static const struct {
	char name[3];
	uint8_t bit;
} flag_names[] = {
	{"rd", 0},  {"wr", 1},  {"ex", 2},  {"sh", 3},  {"mr", 4},  {"mw", 5},  {"me", 6},  {"ms", 7},  {"gd", 8},
	{"um", 9},  {"pf", 10}, {"gu", 11}, {"uw", 12}, {"lo", 13}, {"io", 14}, {"sr", 15}, {"rr", 16}, {"dc", 17},
	{"de", 18}, {"lf", 19}, {"ac", 20}, {"nr", 21}, {"ht", 22}, {"sf", 23}, {"ar", 24}, {"wf", 25}, {"dd", 26},
	{"sd", 27}, {"mm", 28}, {"hg", 29}, {"nh", 30}, {"mg", 31}, {"ss", 37}, {"dp", 40}, {"ui", 41}, {"sl", 42},
};
#define FLAG_UNKNOWN (1ull << 63)

struct mapping {
	uint64_t start, end, offset, inode, flags;
	uint32_t prot;
};

void put(uint32_t word)
{
	if (control->out >= OUTPUT_WORDS) {
		control->overflow = 1;
		return;
	}
	control->output[control->out++] = word;
}

/* A record: operation index, outcome, value (two words), number of process states that follow. */
void begin_record(uint32_t index)
{
	control->record = control->out;
	put(index);
	put(OUTCOME_VALUE);
	put(0);
	put(0);
	put(0);
}

void set_result(uint32_t outcome, uint64_t value)
{
	if (control->overflow)
		return;
	control->output[control->record + 1] = outcome;
	control->output[control->record + 2] = (uint32_t)value;
	control->output[control->record + 3] = (uint32_t)(value >> 32);
}

void open_state_files(void)
{
	self.maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	self.smaps = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	self.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	self.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	self.status = -1;
}

void close_state_files(void)
{
	close(self.maps);
	close(self.smaps);
	close(self.pagemap);
	close(self.statm);
	if (self.status >= 0)
		close(self.status);
}

/* Number in the field "NAME:  123 kB" of /proc/self/status; 0 when there is none. */
unsigned long status_field(const char *name)
{
	if (self.status < 0)
		self.status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	long n = pread(self.status, control->text, 8192, 0);
	if (n <= 0)
		return 0;
	control->text[n] = 0;
	const char *at = strstr(control->text, name);
	if (!at)
		return 0;
	unsigned long value = 0;
	for (at += strlen(name); *at == ' ' || *at == '\t' || *at == ':'; at++)
		;
	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (unsigned long)(*at - '0');
	return value;
}

static const char *decimal(const char *at, uint64_t *value)
{
	*value = 0;
	while (*at == ' ')
		at++;
	while (*at >= '0' && *at <= '9')
		*value = *value * 10 + (uint64_t)(*at++ - '0');
	return at;
}

/* Pages in total, and pages counted as data or stack. */
void read_totals(uint64_t *total, uint64_t *data)
{
	char text[128];
	uint64_t skipped;
	long n = pread(self.statm, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = 0;
	const char *at = decimal(text, total);
	for (int field = 0; field < 4; field++)
		at = decimal(at, &skipped);
	decimal(at, data);
}

static const char *hexadecimal(const char *at, uint64_t *value)
{
	uint64_t v = 0;
	for (;; at++) {
		unsigned digit = (unsigned char)*at;
		if (digit - '0' < 10)
			v = v << 4 | (digit - '0');
		else if ((digit | 32) - 'a' < 6)
			v = v << 4 | ((digit | 32) - 'a' + 10);
		else
			break;
	}
	*value = v;
	return at;
}

/* "START-END rwxp OFFSET MAJ:MIN INODE ..." */
static void parse_line(const char *at, struct mapping *m)
{
	uint64_t skipped;
	at = hexadecimal(at, &m->start) + 1;
	at = hexadecimal(at, &m->end) + 1;
	m->prot = (at[0] == 'r') | (at[1] == 'w') << 1 | (at[2] == 'x') << 2 | (at[3] == 's') << 3;
	at = hexadecimal(at + 5, &m->offset) + 1;
	at = hexadecimal(at, &skipped) + 1;
	at = hexadecimal(at, &skipped) + 1;
	decimal(at, &m->inode);
	m->flags = 0;
}

static uint64_t parse_flags(const char *at)
{
	uint64_t flags = 0;
	for (; at[0] > ' ' && at[1] > ' '; at += 3) {
		uint64_t bit = FLAG_UNKNOWN;
		for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++)
			if (flag_names[i].name[0] == at[0] && flag_names[i].name[1] == at[1]) {
				bit = 1ull << flag_names[i].bit;
				break;
			}
		flags |= bit;
		if (at[2] != ' ')
			break;
	}
	return flags;
}

static struct mapping found[ARENA_PAGES + 2];

/* Characters of "100001000000-": enough of a line to see that it lies beyond the arena. */
#define LINE_HEAD 16

/* Whether this is the line of a mapping behind the arena. It may be cut short after LINE_HEAD characters. */
static bool is_beyond_arena(const char *line)
{
	uint64_t start;
	if (line[0] >= 'A' && line[0] <= 'Z')
		return false;
	hexadecimal(line, &start);
	return start >= ARENA_END;
}

/* One complete line of maps or smaps. */
static uint32_t take_line(const char *line, uint32_t count, bool *of_arena)
{
	if (line[0] >= 'A' && line[0] <= 'Z') {
		if (*of_arena && !memcmp(line, "VmFlags: ", 9))
			found[count - 1].flags = parse_flags(line + 9);
		return count;
	}
	parse_line(line, &found[count]);
	*of_arena = found[count].end > ARENA_START;
	return count + *of_arena;
}

/*
 * The mappings that reach into the arena, in order, into `found`. The kernel writes no more of the file than is asked
 * for, and most of the cost is in the writing: ask for as much as it was last time.
 */
static uint32_t read_mappings(bool with_flags)
{
	static long usual[2] = {256, 2048};
	char *text = control->text;
	const long room = sizeof control->text - 8192;
	const int file = with_flags ? self.smaps : self.maps;
	long have = 0, seen = 0;
	uint32_t count = 0;
	bool of_arena = false;
	for (;;) {
		long want = have == 0 ? usual[with_flags] : with_flags ? 4096 : 128;
		long n = have < room ? pread(file, text + have, (size_t)want, have) : 0;
		if (n <= 0)
			return count;
		have += n;
		text[have] = 0;
		for (;;) {
			char *line = text + seen;
			if (have - seen >= LINE_HEAD && is_beyond_arena(line)) {
				usual[with_flags] = seen + LINE_HEAD;
				return count;
			}
			char *end = memchr(line, '\n', (size_t)(have - seen));
			if (!end)
				break;
			count = take_line(line, count, &of_arena);
			seen = end + 1 - text;
		}
	}
}

long count_arena_mappings(void)
{
	return read_mappings(false);
}

long count_mappings(void)
{
	char text[4096];
	long count = 0;
	int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	bool fresh = true, kernel_page = false;
	for (;;) {
		long n = read(file, text, sizeof text);
		if (n <= 0)
			break;
		for (long i = 0; i < n; i++) {
			/* [vsyscall] is listed but is no mapping of the process: its address begins with ffff. */
			if (fresh)
				kernel_page = text[i] == 'f';
			fresh = text[i] == '\n';
			if (fresh && !kernel_page)
				count++;
		}
	}
	close(file);
	return count;
}

uint64_t pagemap_entry(unsigned long addr)
{
	uint64_t entry = 0;
	if (pread(self.pagemap, &entry, 8, (off_t)(addr / page_size * 8)) != 8)
		return 0;
	return entry;
}

static uint32_t entry_bits(uint64_t entry)
{
	return (entry & PAGEMAP_PRESENT ? ENTRY_PRESENT : 0) | (entry & PAGEMAP_SWAP ? ENTRY_SWAP : 0) |
	       (entry & PAGEMAP_FILE ? ENTRY_FILE : 0) | (entry & PAGEMAP_EXCLUSIVE ? ENTRY_EXCLUSIVE : 0) |
	       (entry & PAGEMAP_SOFT_DIRTY ? ENTRY_SOFT_DIRTY : 0) | (entry & PAGEMAP_UFFD_WP ? ENTRY_UFFD_WP : 0) |
	       (entry & PAGEMAP_GUARD ? ENTRY_GUARD : 0);
}

static uint64_t frame_word(int file, uint64_t frame)
{
	uint64_t word = 0;
	if (file < 0 || pread(file, &word, 8, (off_t)(frame * 8)) != 8)
		return 0;
	return word;
}

/* What is said of one page: the entry's frame and bits, and on request its frame's map count and flags. */
struct page {
	uint32_t frame, bits, mapcount, frame_flags;
};

static struct page describe(uint64_t entry, uint64_t addr, bool readable, bool counts)
{
	struct page page = {.frame = (uint32_t)(entry & PAGEMAP_FRAME), .bits = entry_bits(entry)};
	if ((page.bits & ENTRY_PRESENT) && readable)
		page.bits |= ENTRY_CONTENT | (uint32_t) * (volatile uint8_t *)addr << ENTRY_CONTENT_SHIFT;
	if ((page.bits & ENTRY_PRESENT) && counts && page.frame) {
		page.mapcount = (uint32_t)frame_word(self.kpagecount, page.frame);
		page.frame_flags = (uint32_t)frame_word(self.kpageflags, page.frame);
	}
	return page;
}

/* Runs of neighbouring pages that differ only in consecutive frames: [page, count, frame, bits, mapcount, flags]. */
struct runs {
	struct page last;
	uint64_t next;
	uint32_t count;
};

static void add_page(struct runs *runs, struct page page, uint64_t at)
{
	const struct page *last = &runs->last;
	const bool joins = runs->count && at == runs->next && page.bits == last->bits && page.frame == last->frame + 1 &&
			   page.mapcount == last->mapcount && page.frame_flags == last->frame_flags;
	runs->last = page;
	runs->next = at + page_size;
	if (joins && !control->overflow) {
		control->output[control->out - 5]++;
		return;
	}
	put((uint32_t)((at - ARENA_START) / page_size));
	put(1);
	put(page.frame);
	put(page.bits);
	put(page.mapcount);
	put(page.frame_flags);
	runs->count++;
}

/* A hole of more pages than this is dearer to read over than another call is. */
#define LONG_HOLE 256

/* The entries of mappings `from` .. `to`-1, which lie close together. */
static void report_pages_of(uint32_t from, uint32_t to, bool counts, struct runs *runs)
{
	const uint64_t low = found[from].start, high = found[to - 1].end;
	const size_t bytes = (high - low) / page_size * 8;
	if (pread(self.pagemap, control->entries, bytes, (off_t)(low / page_size * 8)) != (ssize_t)bytes)
		return;
	for (uint32_t i = from; i < to; i++) {
		for (uint64_t at = found[i].start; at < found[i].end; at += page_size) {
			const uint64_t entry = control->entries[(at - low) / page_size];
			if (entry & PAGEMAP_ENTRY)
				add_page(runs, describe(entry, at, found[i].prot & 1, counts), at);
		}
	}
}

static uint32_t report_pages(uint32_t mappings, bool counts)
{
	struct runs runs = {0};
	if (self.pagemap < 0)
		return 0;
	for (uint32_t from = 0, to; from < mappings; from = to) {
		for (to = from + 1; to < mappings; to++)
			if (found[to].start - found[to - 1].end > LONG_HOLE * page_size)
				break;
		report_pages_of(from, to, counts, &runs);
	}
	return runs.count;
}

/*
 * One process state: [process, what is in it, total, data, locked, mappings, page runs], then the mappings
 * [start, end, prot, inode, offset, flags low, flags high], then the runs. Pages, relative to the start.
 */
void report_state(uint32_t want)
{
	if (want == 0)
		return;
	const bool with_flags = want & WANT_FLAGS;
	uint64_t total, data, locked = want & WANT_LOCKED ? status_field("VmLck") * 1024 / page_size : 0;
	read_totals(&total, &data);
	uint32_t mappings = read_mappings(with_flags);
	put(self.number);
	put(want);
	put((uint32_t)(total - control->base_total));
	put((uint32_t)(data - control->base_data));
	put((uint32_t)locked);
	put(mappings);
	uint32_t runs_at = control->out;
	put(0);
	for (uint32_t i = 0; i < mappings; i++) {
		/* What reaches out of the arena has merged with what fills the rest; it shows as far as it is inside. */
		if (found[i].start < ARENA_START)
			found[i].start = ARENA_START;
		if (found[i].end > ARENA_END)
			found[i].end = ARENA_END;
		put((uint32_t)((found[i].start - ARENA_START) / page_size));
		put((uint32_t)((found[i].end - ARENA_START) / page_size));
		put(found[i].prot);
		put((uint32_t)found[i].inode);
		put((uint32_t)(found[i].offset / page_size));
		put((uint32_t)found[i].flags);
		put((uint32_t)(found[i].flags >> 32));
	}
	uint32_t runs = report_pages(mappings, want & WANT_COUNTS);
	if (control->overflow)
		return;
	control->output[runs_at] = runs;
	control->output[control->record + 4]++;
}
