/* SPDX-License-Identifier: MIT */
/* Takes all address space outside the arena, so that an address the kernel chooses lies inside it. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is private, reserves nothing and allows no access costs nothing, however large. */
static void fill(unsigned long start, unsigned long end)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	if (start < end)
		mmap((void *)start, end - start, PROT_NONE, flags, -1, 0);
}

static void fill_around_arena(unsigned long start, unsigned long end)
{
	const unsigned long arena_end = ARENA_START + ARENA_PAGES * page_size;
	fill(start, end < ARENA_START ? end : ARENA_START);
	fill(start > arena_end ? start : arena_end, end);
}

/* Where user addresses end: the largest of the known sizes at whose end something can be. */
static unsigned long address_space_end(void)
{
	const unsigned long ends[] = {1ul << 48, 1ul << 47, (1ul << 47) - page_size};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		void *last = (void *)(ends[i] - page_size);
		void *got = mmap(last, page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (got == last)
			munmap(last, page_size);
		if (got == last || errno == EEXIST)
			return ends[i];
	}
	return 1ul << 47;
}

static unsigned long read_number(const char *path)
{
	char text[64] = {0};
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	long n = read(file, text, sizeof text - 1);
	close(file);
	return n > 0 ? strtoul(text, NULL, 10) : 0;
}

void take_everything_else(void)
{
	static char text[65536];
	const unsigned long task_end = address_space_end();
	unsigned long at = read_number("/proc/sys/vm/mmap_min_addr");
	at = (at + page_size - 1) / page_size * page_size;
	if (at == 0)
		at = page_size;
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	for (long n; (n = read(maps, text + have, sizeof text - 1 - have)) > 0; have += (size_t)n)
		;
	close(maps);
	text[have] = 0;
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		char *rest;
		unsigned long start = strtoul(line, &rest, 16), end = strtoul(rest + 1, NULL, 16);
		if (start >= task_end)
			break;
		fill_around_arena(at, start);
		at = end;
	}
	fill_around_arena(at, task_end);
}

/* Makes page `page` of the filler above the arena a mapping of its own. */
static int cut_out(unsigned long page, int prot)
{
	return mprotect((void *)(ARENA_START + (ARENA_PAGES + page) * page_size), page_size, prot);
}

/*
 * Leaves room for `room` mappings in the arena before the system's limit: the filler above the arena is cut into
 * single pages until no more is left. The limit itself belongs to the whole machine and stays as it is.
 */
void set_map_count_room(uint64_t room, uint32_t *outcome, uint64_t *value)
{
	const unsigned long limit = read_number("/proc/sys/vm/max_map_count");
	if (self.map_count_splits)
		mprotect((void *)(ARENA_START + ARENA_PAGES * page_size), (self.map_count_splits + 8ul) * page_size, PROT_NONE);
	const long inside = count_arena_mappings();
	long missing = (long)limit - (long)room - (count_mappings() - inside);
	*outcome = OUTCOME_OMITTED;
	*value = OMITTED_TOO_MANY;
	if (limit == 0 || missing < 3 || (uint64_t)inside > room)
		return;
	self.map_count_splits = (uint32_t)missing;
	/* Every second page makes two mappings more; two side by side make three. What touches the arena stays as it is. */
	unsigned long page = 2;
	if (missing % 2) {
		cut_out(page, PROT_READ);
		cut_out(page + 1, PROT_READ | PROT_EXEC);
		page += 3;
		missing -= 3;
	}
	for (; missing > 0; missing -= 2, page += 2)
		if (cut_out(page, PROT_READ) != 0)
			return;
	*outcome = OUTCOME_VALUE;
	*value = 0;
}
