/* Memory that is kept from one scan to the next. */
#define _DEFAULT_SOURCE /* madvise, MAP_ANONYMOUS */

#include "room.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "face_native.h"

/* Blocks from this size on come from the kernel and go back to it at once: the C library keeps what it is given back,
 * and a photo's peak would be the sum of all sizes. They begin where huge pages do: the kernel then hands out 2 MB at a
 * time, but for the last part, and not 4096 bytes, which would take a fifth of the time of a first scan. */
static const size_t LARGE = (size_t)4 << 20;
static const size_t HUGE_PAGE = (size_t)2 << 20;
static const size_t PAGE = (size_t)1 << 12;

static size_t rounded_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

/* The size of the block for `count` × `each` bytes, or 0 if there is no such number. */
static size_t block_size(size_t count, size_t each) {
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes) || bytes > PTRDIFF_MAX / 2) return 0;
    bytes += ROOM_SLACK;
    return rounded_up(bytes, bytes < LARGE ? ROOM_ALIGNMENT : PAGE);
}

static void give_back(void *block, size_t size) {
    if (size > 0) munmap(block, size);
}

/* A block whose size is a multiple of a page. The kernel only promises small pages: what lies before and behind the part
 * that is wanted goes back. */
static void *large_block(size_t size) {
    uint8_t *whole = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) return NULL;
    const size_t before = rounded_up((uintptr_t)whole, HUGE_PAGE) - (uintptr_t)whole;
    give_back(whole, before);
    give_back(whole + before + size, HUGE_PAGE - before);
#ifdef MADV_HUGEPAGE
    madvise(whole + before, size, MADV_HUGEPAGE); /* no more than a wish */
#endif
    return whole + before;
}

static void *block_of(size_t size) { return size < LARGE ? aligned_alloc(ROOM_ALIGNMENT, size) : large_block(size); }

int room_for(struct room *room, size_t count, size_t each) {
    const size_t size = block_size(count, each);
    if (size == 0) return FACE_NO_MEMORY;
    if (size <= room->size) return FACE_OK;
    room_free(room);
    room->bytes = block_of(size);
    if (room->bytes == NULL) return FACE_NO_MEMORY;
    room->size = size;
    return FACE_OK;
}

int room_grow(struct room *room, size_t used, size_t count, size_t each) {
    const size_t size = block_size(count, each);
    if (size != 0 && size <= room->size) return FACE_OK;
    struct room larger = {NULL, 0};
    if (size == 0 || (room_for(&larger, size, 2) != FACE_OK && room_for(&larger, count, each) != FACE_OK)) {
        return FACE_NO_MEMORY;
    }
    if (used > 0) memcpy(larger.bytes, room->bytes, used);
    room_free(room);
    *room = larger;
    return FACE_OK;
}

void room_free(struct room *room) {
    if (room->size < LARGE) free(room->bytes);
    else give_back(room->bytes, room->size);
    room->bytes = NULL;
    room->size = 0;
}
