/* Pixels -> votes: how strong the gradient at each pixel is, and for which direction it counts. */
#ifndef FACE_GRADIENT_H
#define FACE_GRADIENT_H

#include "hog.h"
#include "picture.h"

/* The pixels of a row are counted in blocks of eight that vote for the same two cells: block b is the pixels from
 * x = 8b - 4 on. Eight rows, which vote for the same cells, are worked at together, each two blocks behind the one
 * above it (histogram.c says why): what is done at one step, a block of each row, lies side by side. */
enum {
    WAVE_ROWS = HOG_CELL,
    WAVE_LAG = 2,
    WAVE_STEPS = 32,  /* a power of two; more than are filled and not yet counted: 4 + 7 × 2 */
    CHUNK_BLOCKS = 4, /* that gradient_votes() fills at once */
    BLOCK_PIXELS = HOG_CELL,
    BLOCK_OFFSET = 4,
};

/* Steps go round: step s lies at s % WAVE_STEPS. */
struct votes {
    _Alignas(64) float strengths[WAVE_STEPS][WAVE_ROWS][BLOCK_PIXELS];
    _Alignas(64) uint16_t directions[WAVE_STEPS][WAVE_ROWS][BLOCK_PIXELS]; /* times the `spacing` given */
};

/* Which pixels of a picture have a gradient: 1 <= x < right, 1 <= y < bottom. Those from `scalar` on are computed
 * another way by dlib, whose vectors end there. */
struct interior {
    int32_t right, bottom, scalar;
};

struct interior interior_of(const struct picture *picture);

/* The votes of chunk `chunk` (blocks 4 × chunk to 4 × chunk + 3) in rows `first` to `end` of the wave, which are the
 * picture's from top + first on and have gradients. Pixels of them without one get strength 0. Needs AVX2. */
void gradient_votes(struct votes *votes, const struct picture *picture, const struct interior *interior, int32_t chunk,
                    int32_t top, int32_t first, int32_t end, int32_t spacing);

#endif
