/* What the LANCZOS resize does with a strip of 16 rows, by AVX2.
 *
 * A column is one colour of one pixel. Besides rows of bytes there are row pairs: two rows in one, each number of 16
 * bits, column 0 of the first row, column 0 of the second, column 1 of the first, … A strip has 8 of them. */
#ifndef LANCZOS_STRIP_H
#define LANCZOS_STRIP_H

#include <stddef.h>
#include <stdint.h>

#include "lanczos_axis.h"

enum {
    COLOURS = 3,
    STRIP_ROWS = 16,
    STRIP_PAIRS = STRIP_ROWS / 2,
    /* Columns that are worked on at once; row pairs have room for a multiple of them, and start on 64 bytes. */
    TILE_COLUMNS = 48,
};

/* Row pairs in a ring: pair i begins at cells + i % count · stride. */
typedef struct {
    uint16_t *cells;
    size_t stride;
    int count;
} Ring;

static inline uint16_t *ring_pair(const Ring *ring, int pair) {
    return ring->cells + (size_t)(pair % ring->count) * ring->stride;
}

/* Where source pixels lie spread out while their strip is scaled; used again for every strip. */
typedef struct {
    uint16_t *cells;
    int pixel_pairs;
} Bench;

/* What a bench needs: 16-bit numbers of one pixel pair, and the least room in pixel pairs beyond an axis' `pairs`. */
enum { PIXEL_PAIR_CELLS = 2 * COLOURS * STRIP_ROWS, BENCH_ROOM = 64 };

/* Scale 16 rows of `source` pixels to `target` pixels each, by `axis`. */
void lanczos_across(const Axis *axis, int source, int target, const uint8_t *const rows[STRIP_ROWS], const Bench *bench,
                    uint16_t *const pairs[STRIP_PAIRS]);

/* Make row `y` of a picture scaled by `axis`, from the row pairs that it needs. */
void lanczos_down(const Axis *axis, int y, const Ring *ring, size_t columns, uint8_t *row);

/* 16 rows as they are -> row pairs. */
void lanczos_widen(const uint8_t *const rows[STRIP_ROWS], size_t columns, uint16_t *const pairs[STRIP_PAIRS]);

/* The first (0) or second (1) row of a row pair. */
void lanczos_narrow(const uint16_t *pair, int which, size_t columns, uint8_t *row);

#endif
