/* The gradient of every pixel: dlib/image_transforms/fhog.h, `get_gradient` and the search for `best_o`.
 *
 * The colour with the longest gradient counts. Where two are as long, dlib's vectors take the later one (blue before
 * green before red), and its scalar code, which does the last pixels of a row, the earlier.
 *
 * The direction is the one of 18 unit vectors, 20° apart, that the gradient has the largest product with. dlib tries
 * all of them in float; between two neighbours the choice is a straight line through the origin, so that it comes
 * down to comparing |dx| and |dy| times the slopes of four lines. With these fractions of 65536, rounded down, the
 * comparison is the one of dlib's for each of the 511 × 511 gradients that 8 bits can have (a test tries them all). */
#include "gradient.h"

#include <stdlib.h>

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

/* tan 10° and tan 30° of dlib's rounded unit vectors, then 1 / tan 50° and 1 / tan 70°. Each could be a little
 * smaller or larger: 11550-11565, 37841-37844, 54990-54993, 23832-23855. */
enum { SLOPE_10 = 11555, SLOPE_30 = 37843, FLATNESS_50 = 54991, FLATNESS_70 = 23853 };

enum {
    HALF_TURN = HOG_ORIENTATIONS / 2,
    MIDDLE_SECTOR = 2, /* of the five sectors, 0 to 4, from flat to steep */
    CHUNK_PIXELS = CHUNK_BLOCKS * BLOCK_PIXELS,
    /* Bytes ahead that are fetched: thirty rows are read side by side, more than CPUs follow by themselves. */
    AHEAD = 64,
};

struct interior interior_of(const struct picture *picture) {
    const int32_t cells_down = (picture->height + HOG_CELL / 2) / HOG_CELL;
    const int32_t cells_across = (picture->width + HOG_CELL / 2) / HOG_CELL;
    const int32_t bottom = cells_down * HOG_CELL < picture->height ? cells_down * HOG_CELL : picture->height;
    const int32_t right = cells_across * HOG_CELL < picture->width ? cells_across * HOG_CELL : picture->width;
    const struct interior interior = {right - 1, bottom - 1, 1 + (right - 2) / HOG_CELL * HOG_CELL};
    return interior;
}

/* --- One pixel --- */

static int32_t direction_of(int32_t dx, int32_t dy) {
    const int32_t flat = abs(dx), steep = abs(dy);
    const int32_t sector = (steep > (flat * SLOPE_10 >> 16)) + (steep > (flat * SLOPE_30 >> 16)) +
                           (flat <= (steep * FLATNESS_50 >> 16)) + (flat <= (steep * FLATNESS_70 >> 16));
    if (dx < 0 || (dx == 0 && dy < 0)) return dy < 0 ? HALF_TURN + sector : HALF_TURN - sector;
    return dy < 0 ? (HOG_ORIENTATIONS - sector) % HOG_ORIENTATIONS : sector;
}

struct vote {
    float *strength;
    uint16_t *direction;
};

static void scalar_vote(struct vote vote, const struct picture *picture, int32_t x, int32_t y, int32_t spacing) {
    int32_t longest = -1, dx = 0, dy = 0;
    for (int32_t plane = 0; plane < PICTURE_PLANES; plane++) {
        const uint8_t *pixel = picture_row(picture, plane, y) + x;
        const int32_t across = pixel[1] - pixel[-1], down = pixel[picture->stride] - pixel[-picture->stride];
        const int32_t length = across * across + down * down;
        if (length > longest) {
            longest = length;
            dx = across;
            dy = down;
        }
    }
    *vote.strength = sqrtf((float)longest);
    *vote.direction = (uint16_t)(direction_of(dx, dy) * spacing);
}

/* --- Thirty-two pixels --- */

/* Sixteen gradients, and the squares of their lengths in the order that unpacking gives: 0-3, 8-11 and 4-7, 12-15. */
struct gradients {
    __m256i dx, dy, first_lengths, last_lengths;
};

/* What sixteen pixels of one plane have. `right`, `left`, `below` and `above` are bytes in pairs of neighbours. */
FACE_AVX2 static inline struct gradients gradients_of(__m256i right_left, __m256i below_above) {
    const __m256i difference = _mm256_set1_epi16((short)0xFF01); /* the first byte of a pair less the second */
    struct gradients g;
    g.dx = _mm256_maddubs_epi16(right_left, difference);
    g.dy = _mm256_maddubs_epi16(below_above, difference);
    const __m256i first = _mm256_unpacklo_epi16(g.dx, g.dy), last = _mm256_unpackhi_epi16(g.dx, g.dy);
    g.first_lengths = _mm256_madd_epi16(first, first);
    g.last_lengths = _mm256_madd_epi16(last, last);
    return g;
}

/* The longer of two, pixel by pixel; the later plane's where they are as long. */
FACE_AVX2 static inline struct gradients longer(struct gradients later, struct gradients earlier) {
    const __m256i first = _mm256_cmpgt_epi32(earlier.first_lengths, later.first_lengths);
    const __m256i last = _mm256_cmpgt_epi32(earlier.last_lengths, later.last_lengths);
    const __m256i is_longer = _mm256_packs_epi32(first, last);
    struct gradients g;
    g.dx = _mm256_blendv_epi8(later.dx, earlier.dx, is_longer);
    g.dy = _mm256_blendv_epi8(later.dy, earlier.dy, is_longer);
    g.first_lengths = _mm256_max_epi32(later.first_lengths, earlier.first_lengths);
    g.last_lengths = _mm256_max_epi32(later.last_lengths, earlier.last_lengths);
    return g;
}

/* direction_of() for sixteen pixels. A gradient of (0, 0) gets any direction: its strength is 0. */
FACE_AVX2 static inline __m256i directions_of(__m256i dx, __m256i dy) {
    const __m256i zero = _mm256_setzero_si256(), whole = _mm256_set1_epi16(HOG_ORIENTATIONS);
    const __m256i flat = _mm256_abs_epi16(dx), steep = _mm256_abs_epi16(dy);
    const __m256i at_10 = _mm256_mulhi_epu16(flat, _mm256_set1_epi16(SLOPE_10));
    const __m256i at_30 = _mm256_mulhi_epu16(flat, _mm256_set1_epi16((short)SLOPE_30));
    const __m256i at_50 = _mm256_mulhi_epu16(steep, _mm256_set1_epi16((short)FLATNESS_50));
    const __m256i at_70 = _mm256_mulhi_epu16(steep, _mm256_set1_epi16(FLATNESS_70));
    /* A true comparison is -1. */
    __m256i sector = _mm256_sub_epi16(_mm256_set1_epi16(MIDDLE_SECTOR), _mm256_cmpgt_epi16(steep, at_10));
    sector = _mm256_sub_epi16(sector, _mm256_cmpgt_epi16(steep, at_30));
    sector = _mm256_add_epi16(sector, _mm256_cmpgt_epi16(flat, at_50));
    sector = _mm256_add_epi16(sector, _mm256_cmpgt_epi16(flat, at_70));
    const __m256i up = _mm256_cmpgt_epi16(zero, dy);
    const __m256i back = _mm256_cmpgt_epi16(zero, _mm256_add_epi16(dx, up)); /* dx < 0, or = 0 where dy < 0 */
    const __m256i falls = _mm256_xor_si256(up, back); /* from 9 or 18 down, not from 0 or 9 up */
    const __m256i half = _mm256_set1_epi16(HALF_TURN);
    const __m256i turns = _mm256_add_epi16(_mm256_and_si256(up, half), _mm256_and_si256(falls, half));
    const __m256i signed_sector = _mm256_sub_epi16(_mm256_xor_si256(sector, falls), falls);
    const __m256i direction = _mm256_add_epi16(turns, signed_sector);
    return _mm256_andnot_si256(_mm256_cmpeq_epi16(direction, whole), direction);
}

/* Store eight pixels at a step, and eight two steps later. */
FACE_AVX2 static inline void store_votes(struct votes *votes, int32_t step, int32_t row, struct gradients g,
                                         __m256i spacing) {
    const __m256i bins = _mm256_mullo_epi16(directions_of(g.dx, g.dy), spacing);
    const __m256 first = _mm256_sqrt_ps(_mm256_cvtepi32_ps(g.first_lengths));
    const __m256 last = _mm256_sqrt_ps(_mm256_cvtepi32_ps(g.last_lengths));
    const int32_t now = step % WAVE_STEPS, later = (step + 2) % WAVE_STEPS;
    _mm256_store_ps(votes->strengths[now][row], _mm256_permute2f128_ps(first, last, 0x20));
    _mm256_store_ps(votes->strengths[later][row], _mm256_permute2f128_ps(first, last, 0x31));
    _mm_store_si128((__m128i *)votes->directions[now][row], _mm256_castsi256_si128(bins));
    _mm_store_si128((__m128i *)votes->directions[later][row], _mm256_extracti128_si256(bins, 1));
}

/* Neighbours of 32 pixels in one plane, byte by byte. */
struct neighbours {
    __m256i left, right, above, below;
};

FACE_AVX2 static inline struct neighbours neighbours_of(const uint8_t *pixels, ptrdiff_t stride) {
    const struct neighbours n = {
        _mm256_loadu_si256((const __m256i *)(pixels - 1)), _mm256_loadu_si256((const __m256i *)(pixels + 1)),
        _mm256_loadu_si256((const __m256i *)(pixels - stride)), _mm256_loadu_si256((const __m256i *)(pixels + stride))};
    return n;
}

/* The pixels 0-7 and 16-23. */
FACE_AVX2 static inline struct gradients first_half(struct neighbours n) {
    return gradients_of(_mm256_unpacklo_epi8(n.right, n.left), _mm256_unpacklo_epi8(n.below, n.above));
}

/* The pixels 8-15 and 24-31. */
FACE_AVX2 static inline struct gradients second_half(struct neighbours n) {
    return gradients_of(_mm256_unpackhi_epi8(n.right, n.left), _mm256_unpackhi_epi8(n.below, n.above));
}

/* The votes of a chunk, as if each of its pixels had a gradient: what lies around the picture is read, too. */
FACE_AVX2 static void vector_votes(struct votes *votes, const struct picture *picture, int32_t chunk, int32_t top,
                                   int32_t first, int32_t end, int32_t spacing) {
    const ptrdiff_t stride = picture->stride, plane = picture->plane;
    const __m256i spacings = _mm256_set1_epi16((short)spacing);
    const uint8_t *pixels = picture_row(picture, 0, top + first) + (ptrdiff_t)chunk * CHUNK_PIXELS - BLOCK_OFFSET;
    for (int32_t row = first; row < end; row++, pixels += stride) {
        const struct neighbours red = neighbours_of(pixels, stride);
        const struct neighbours green = neighbours_of(pixels + plane, stride);
        const struct neighbours blue = neighbours_of(pixels + 2 * plane, stride);
        const int32_t step = chunk * CHUNK_BLOCKS + WAVE_LAG * row;
        for (int i = 0; i < PICTURE_PLANES; i++) {
            _mm_prefetch((const char *)(pixels + i * plane + stride + AHEAD), _MM_HINT_T0);
        }
        const struct gradients first_ones = longer(longer(first_half(blue), first_half(green)), first_half(red));
        store_votes(votes, step, row, first_ones, spacings);
        const struct gradients second_ones = longer(longer(second_half(blue), second_half(green)), second_half(red));
        store_votes(votes, step + 1, row, second_ones, spacings);
    }
}

/* --- Rows --- */

/* Where the vote of a chunk's pixel lies. */
static struct vote vote_of(struct votes *votes, int32_t chunk, int32_t row, int32_t pixel) {
    const int32_t block = chunk * CHUNK_BLOCKS + pixel / BLOCK_PIXELS;
    const int32_t step = (block + WAVE_LAG * row) % WAVE_STEPS;
    const struct vote vote = {&votes->strengths[step][row][pixel % BLOCK_PIXELS],
                              &votes->directions[step][row][pixel % BLOCK_PIXELS]};
    return vote;
}

/* Do over the votes of dlib's scalar code, and take away those behind them in the last block. */
static void mend_end(struct votes *votes, const struct picture *picture, const struct interior *interior, int32_t y,
                     int32_t chunk, int32_t row, int32_t spacing) {
    const int32_t begin = chunk * CHUNK_PIXELS - BLOCK_OFFSET;
    const int32_t end_of_blocks = ((interior->right - 1 - begin) / BLOCK_PIXELS + 1) * BLOCK_PIXELS;
    const int32_t end = end_of_blocks < CHUNK_PIXELS ? end_of_blocks : CHUNK_PIXELS;
    for (int32_t pixel = interior->scalar > begin ? interior->scalar - begin : 0; pixel < end; pixel++) {
        const struct vote vote = vote_of(votes, chunk, row, pixel);
        if (begin + pixel < interior->right) {
            scalar_vote(vote, picture, begin + pixel, y, spacing);
        } else {
            *vote.strength = 0;
        }
    }
}

void gradient_votes(struct votes *votes, const struct picture *picture, const struct interior *interior, int32_t chunk,
                    int32_t top, int32_t first, int32_t end, int32_t spacing) {
    vector_votes(votes, picture, chunk, top, first, end, spacing);
    for (int32_t row = first; row < end && chunk == 0; row++) {
        for (int32_t pixel = 0; pixel <= BLOCK_OFFSET; pixel++) *vote_of(votes, 0, row, pixel).strength = 0;
    }
    if ((chunk + 1) * CHUNK_PIXELS - BLOCK_OFFSET <= interior->scalar) return;
    for (int32_t row = first; row < end; row++) {
        mend_end(votes, picture, interior, top + row, chunk, row, spacing);
    }
}

#endif
