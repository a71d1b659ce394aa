/* The passes of the LANCZOS resize. Both are one kernel, which sums source pairs of 48 numbers that lie side by side:
 * going down these are 48 columns of a row pair; going across they are the 3 colours × 16 rows of a pixel pair, for
 * which source pixels are spread out first. Sums are exact: they are Pillow's, whatever the order of adding. */
#if defined(__x86_64__)

#include "lanczos_strip.h"

#include <immintrin.h>
#include <string.h>

#include "lanczos_weights.h"

#define AVX2 __attribute__((target("avx2")))

enum {
    VECTORS = TILE_COLUMNS / 8,
    SPREAD_PIXELS = 16,
    SPREAD_BYTES = SPREAD_PIXELS * COLOURS,
    /* How far ahead memory is asked for: the 16 rows are too many for the processor to foresee them all. */
    AHEAD_BYTES = 128,
};

/* Two 32-bit sums of each of the 48 numbers, by the parts of the weights. They may wrap; their total does not. */
typedef struct {
    __m256i low[VECTORS], high[VECTORS];
} Sums;

AVX2 static inline void sums_begin(Sums *sums) {
    for (int i = 0; i < VECTORS; i++) {
        sums->low[i] = _mm256_set1_epi32(1 << (WEIGHT_BITS - 1));
        sums->high[i] = _mm256_setzero_si256();
    }
}

/* Does nothing, and keeps the compiler from moving the sums of a loop's next round before this place: gcc 12 does that
 * until it runs out of registers, and then takes twice the time. */
AVX2 static inline void stay_in_registers(__m256i *low, __m256i *high) {
    __asm__ volatile("" : "+x"(*low), "+x"(*high));
}

/* Add `count` pairs of 48 numbers, `stride` apart. */
AVX2 static inline void sums_add(Sums *sums, const uint16_t *cells, size_t stride, const PairWeights *weights,
                                 int count) {
    for (int pair = 0; pair < count; pair++, cells += stride) {
        const __m256i low = _mm256_set1_epi32(weights[pair].low), high = _mm256_set1_epi32(weights[pair].high);
        for (int i = 0; i < VECTORS; i++) {
            const __m256i numbers = _mm256_load_si256((const __m256i *)cells + i);
            sums->low[i] = _mm256_add_epi32(sums->low[i], _mm256_madd_epi16(numbers, low));
            sums->high[i] = _mm256_add_epi32(sums->high[i], _mm256_madd_epi16(numbers, high));
            stay_in_registers(&sums->low[i], &sums->high[i]);
        }
    }
}

/* 8 totals, rounded to whole numbers, not yet within 0 … 255. */
AVX2 static inline __m256i sums_whole(const Sums *sums, int i) {
    const __m256i total = _mm256_add_epi32(sums->low[i], _mm256_slli_epi32(sums->high[i], LOW_BITS));
    return _mm256_srai_epi32(total, WEIGHT_BITS);
}

/* Four vectors of four 32-bit numbers in each half: rows become columns, in each half by itself. */
AVX2 static inline void transpose(__m256i rows[4]) {
    const __m256i a = _mm256_unpacklo_epi32(rows[0], rows[1]), b = _mm256_unpacklo_epi32(rows[2], rows[3]);
    const __m256i c = _mm256_unpackhi_epi32(rows[0], rows[1]), d = _mm256_unpackhi_epi32(rows[2], rows[3]);
    rows[0] = _mm256_unpacklo_epi64(a, b);
    rows[1] = _mm256_unpackhi_epi64(a, b);
    rows[2] = _mm256_unpacklo_epi64(c, d);
    rows[3] = _mm256_unpackhi_epi64(c, d);
}

/* Spread four colours of a pixel pair, of rows 0–3 and 8–11 from `rows` on. `which` picks their 8 bytes from 16 of each
 * row; each colour becomes 32 bytes, 64 apart: rows 0–3 and then 8–11, of each the two pixels side by side. */
AVX2 static inline void spread_colours(const uint8_t *const *rows, size_t at, __m128i which, uint16_t *cells) {
    const __m256i both = _mm256_broadcastsi128_si256(which);
    __m256i colours[4];
    for (int i = 0; i < 4; i++) {
        const __m128i upper = _mm_loadu_si128((const __m128i *)(rows[i] + at));
        const __m128i lower = _mm_loadu_si128((const __m128i *)(rows[i + 8] + at));
        colours[i] = _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(upper), lower, 1), both);
    }
    transpose(colours);
    for (int i = 0; i < 4; i++) _mm256_store_si256((__m256i *)cells + 2 * i, colours[i]);
}

/* Spread 8 pixels into 4 pixel pairs, for the same rows. The 12 colours of the pairs are taken by fours, from 16 bytes
 * each that lie within the 8 pixels. */
AVX2 static inline void spread_eight(const uint8_t *const *rows, size_t at, uint16_t *cells) {
    const __m128i first = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, 6, -1, 9, -1);
    const __m128i second = _mm_setr_epi8(1, -1, 4, -1, 2, -1, 5, -1, 6, -1, 9, -1, 7, -1, 10, -1);
    const __m128i third = _mm_setr_epi8(6, -1, 9, -1, 10, -1, 13, -1, 11, -1, 14, -1, 12, -1, 15, -1);
    enum { FOUR_COLOURS = 4 * 2 * STRIP_ROWS };
    spread_colours(rows, at, first, cells);
    spread_colours(rows, at + 6, second, cells + FOUR_COLOURS);
    spread_colours(rows, at + 8, third, cells + 2 * FOUR_COLOURS);
}

/* Spread 16 pixels of 16 rows into 8 pixel pairs, each of 3 colours × 16 rows × 2 pixels. Half of the rows first: where
 * they lie a multiple of 4096 bytes apart, the cache can hold a line of 8 rows only. */
AVX2 static inline void spread(const uint8_t *const rows[STRIP_ROWS], size_t at, uint16_t *cells) {
    for (int half = 0; half < 2; half++) {
        uint16_t *half_cells = cells + half * STRIP_ROWS;
        spread_eight(rows + 4 * half, at, half_cells);
        spread_eight(rows + 4 * half, at + SPREAD_BYTES / 2, half_cells + 4 * PIXEL_PAIR_CELLS);
    }
}

/* Spread the last pixels of a row, fewer than 16: with black after them, which has weight 0. */
AVX2 static void spread_end(const uint8_t *const rows[STRIP_ROWS], size_t at, size_t bytes, uint16_t *cells) {
    uint8_t ends[STRIP_ROWS][SPREAD_BYTES] = {{0}};
    const uint8_t *end_rows[STRIP_ROWS];
    for (int i = 0; i < STRIP_ROWS; i++) {
        if (at < bytes) memcpy(ends[i], rows[i] + at, bytes - at);
        end_rows[i] = ends[i];
    }
    spread(end_rows, 0, cells);
}

AVX2 static inline void spread_at(const uint8_t *const rows[STRIP_ROWS], size_t at, size_t bytes, uint16_t *cells) {
    if (at + AHEAD_BYTES < bytes) {
        for (int i = 0; i < STRIP_ROWS; i++) _mm_prefetch((const char *)rows[i] + at + AHEAD_BYTES, _MM_HINT_T0);
    }
    if (at + SPREAD_BYTES <= bytes) {
        spread(rows, at, cells);
    } else {
        spread_end(rows, at, bytes, cells);
    }
}

/* Which pixel pairs lie on the bench. */
typedef struct {
    int begin, end;
} Span;

static inline uint16_t *on_bench(const Bench *bench, const Span *span, int pixel_pair) {
    return bench->cells + (size_t)(pixel_pair - span->begin) * PIXEL_PAIR_CELLS;
}

/* Have pixel pairs `first` … `end` on the bench; what lies before `first` may go. */
AVX2 static inline void spread_until(const uint8_t *const rows[STRIP_ROWS], size_t bytes, int first, int end,
                                     const Bench *bench, Span *span) {
    while (span->end < end) {
        if (span->end - span->begin + SPREAD_PIXELS / 2 > bench->pixel_pairs) {
            const size_t kept = (size_t)(span->end - first) * PIXEL_PAIR_CELLS * sizeof *bench->cells;
            memmove(bench->cells, on_bench(bench, span, first), kept);
            span->begin = first;
        }
        spread_at(rows, (size_t)span->end * 2 * COLOURS, bytes, on_bench(bench, span, span->end));
        span->end += SPREAD_PIXELS / 2;
    }
}

/* 48 columns of 16 rows -> the same columns of 8 row pairs. */
AVX2 static inline void turn(const __m256i columns[TILE_COLUMNS], uint16_t *const pairs[STRIP_PAIRS], size_t at) {
    for (int i = 0; i < TILE_COLUMNS; i += 4) {
        __m256i four[4] = {columns[i], columns[i + 1], columns[i + 2], columns[i + 3]};
        transpose(four);
        for (int j = 0; j < 4; j++) {
            _mm_store_si128((__m128i *)(pairs[j] + 2 * (at + (size_t)i)), _mm256_castsi256_si128(four[j]));
            _mm_store_si128((__m128i *)(pairs[j + 4] + 2 * (at + (size_t)i)), _mm256_extracti128_si256(four[j], 1));
        }
    }
}

AVX2 void lanczos_across(const Axis *axis, int source, int target, const uint8_t *const rows[STRIP_ROWS],
                         const Bench *bench, uint16_t *const pairs[STRIP_PAIRS]) {
    enum { TILE_PIXELS = TILE_COLUMNS / COLOURS };
    const __m256i most = _mm256_set1_epi16(255);
    const size_t bytes = (size_t)source * COLOURS;
    __m256i columns[TILE_COLUMNS] = {0};
    Span span = {axis->first[0], axis->first[0]};
    for (int x = 0; x < target; x++) {
        const int first = axis->first[x], in_tile = x % TILE_PIXELS;
        spread_until(rows, bytes, first, first + axis->pairs, bench, &span);
        Sums sums;
        sums_begin(&sums);
        sums_add(&sums, on_bench(bench, &span, first), PIXEL_PAIR_CELLS,
                 axis->weights + (size_t)x * (size_t)axis->pairs, axis->pairs);
        for (int i = 0; i < COLOURS; i++) {
            const __m256i rows_0_to_15 = _mm256_packus_epi32(sums_whole(&sums, 2 * i), sums_whole(&sums, 2 * i + 1));
            columns[in_tile * COLOURS + i] = _mm256_min_epu16(rows_0_to_15, most);
        }
        if (in_tile == TILE_PIXELS - 1 || x == target - 1) turn(columns, pairs, (size_t)(x - in_tile) * COLOURS);
    }
}

/* 48 columns of a finished row. */
AVX2 static inline void sums_bytes(const Sums *sums, uint8_t bytes[TILE_COLUMNS]) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i a = _mm256_packs_epi32(sums_whole(sums, 0), sums_whole(sums, 1));
    const __m256i b = _mm256_packs_epi32(sums_whole(sums, 2), sums_whole(sums, 3));
    const __m256i c = _mm256_packs_epi32(sums_whole(sums, 4), sums_whole(sums, 5));
    _mm256_storeu_si256((__m256i *)bytes, _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order));
    const __m256i rest = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(c, c), order);
    _mm_storeu_si128((__m128i *)(bytes + 32), _mm256_castsi256_si128(rest));
}

AVX2 void lanczos_down(const Axis *axis, int y, const Ring *ring, size_t columns, uint8_t *row) {
    const PairWeights *weights = axis->weights + (size_t)y * (size_t)axis->pairs;
    const int slot = axis->first[y] % ring->count, room = ring->count - slot;
    const int head = axis->pairs < room ? axis->pairs : room;
    for (size_t at = 0; at < columns; at += TILE_COLUMNS) {
        Sums sums;
        sums_begin(&sums);
        sums_add(&sums, ring->cells + (size_t)slot * ring->stride + 2 * at, ring->stride, weights, head);
        sums_add(&sums, ring->cells + 2 * at, ring->stride, weights + head, axis->pairs - head);
        if (at + TILE_COLUMNS <= columns) {
            sums_bytes(&sums, row + at);
        } else {
            uint8_t end[TILE_COLUMNS];
            sums_bytes(&sums, end);
            memcpy(row + at, end, columns - at);
        }
    }
}

AVX2 void lanczos_widen(const uint8_t *const rows[STRIP_ROWS], size_t columns, uint16_t *const pairs[STRIP_PAIRS]) {
    for (int i = 0; i < STRIP_PAIRS; i++) {
        const uint8_t *first = rows[2 * i], *second = rows[2 * i + 1];
        for (size_t at = 0; at < columns; at++) {
            pairs[i][2 * at] = first[at];
            pairs[i][2 * at + 1] = second[at];
        }
    }
}

AVX2 void lanczos_narrow(const uint16_t *pair, int which, size_t columns, uint8_t *row) {
    for (size_t at = 0; at < columns; at++) row[at] = (uint8_t)pair[2 * at + (size_t)which];
}

#endif
