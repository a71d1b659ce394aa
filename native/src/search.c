/* The search: every coarse filter over every cell (coarse.c says what it computes, and why none is missed).
 *
 * Thirty-two windows side by side are a tile, searched from top to bottom, plane after plane, sixteen rows at a time.
 * All filters of a plane take their rows from the same ten vectors of bytes; what they give is kept for the columns. Of
 * 32 windows the sixteen even ones and the sixteen odd ones are a vector each: that is how `pmaddubsw`, which adds up
 * neighbours, leaves them. For the columns it adds up rows: two of them lie byte by byte side by side. */
#include "search.h"

#include <math.h>
#include <string.h>

#include "face_native.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum {
    HALF = SEARCH_TILE / 2,
    PAIR = 2,                                /* rows of cells that lie side by side */
    STEP = 4,                                /* rows of windows that are summed together: two pairs */
    BLOCK = 16,                              /* rows of windows between two turns to the columns */
    BEFORE = HOG_WINDOW / PAIR,              /* pairs that are known from the block before */
    PAIRS = BEFORE + BLOCK / PAIR,           /* pairs that a block's windows see */
    STEP_PAIRS = (HOG_WINDOW + STEP) / PAIR, /* pairs that a step's windows see */
    EVEN_PAIRS = HOG_WINDOW / PAIR,          /* pairs that a window in an even row sees */
    ODD_PAIRS = EVEN_PAIRS + 1,              /* in an odd one: half of the first and of the last */
};

/* One row of a tile: what the sub-detector's filters gave for its windows. */
struct sums {
    _Alignas(32) int16_t halves[2][HALF]; /* even windows, odd windows */
};

/* Two rows of cells, filtered: for each window a byte of the upper and one of the lower. */
struct pair {
    _Alignas(32) uint8_t halves[2][PAIR * HALF];
};

/* A row of cells, filtered, that waits for the one below: even windows 0-7, odd 0-7, even 8-15, odd 8-15. */
struct row {
    _Alignas(32) uint8_t bytes[SEARCH_TILE];
};

/* What a filter keeps. */
struct lines {
    struct pair pairs[PAIRS];
    struct row row;
};

/* Rows of windows in whole blocks. */
static int32_t rows_of_blocks(int32_t rows) { return (rows + BLOCK - 1) / BLOCK * BLOCK; }

/* The most filters that a plane has. */
static int32_t most_filters(const struct filters *filters) {
    int32_t most = 0;
    for (int plane = 0; plane < HOG_PLANES; plane++) {
        const int32_t count = filters->coarse_first[plane + 1] - filters->coarse_first[plane];
        if (count > most) most = count;
    }
    return most;
}

FACE_AVX2 static inline __m256i load(const void *vector) { return _mm256_load_si256((const __m256i *)vector); }

FACE_AVX2 static inline void store(void *place, __m256i vector) { _mm256_store_si256((__m256i *)place, vector); }

FACE_AVX2 static inline __m256i spread(uint32_t weights) { return _mm256_set1_epi32((int32_t)weights); }

/* Add, here and now: left to itself GCC adds in pairs and runs out of registers, which costs half of the speed. */
FACE_AVX2 static inline __m256i added(__m256i sum, __m256i more) {
    sum = _mm256_add_epi16(sum, more);
    __asm__("" : "+x"(sum));
    return sum;
}

/* --- Along a row --- */

/* The sums of two times sixteen windows as bytes: a 256th, rounded down, and 128 more. */
FACE_AVX2 static inline __m256i bytes_of(__m256i even, __m256i odd) {
    const __m256i packed = _mm256_packs_epi16(_mm256_srai_epi16(even, 8), _mm256_srai_epi16(odd, 8));
    return _mm256_xor_si256(packed, _mm256_set1_epi8((char)0x80));
}

/* One filter on a row of cells. `cells`: ten times 32 bytes, each a byte further on. */
FACE_AVX2 static inline __m256i filtered(const __m256i cells[HOG_WINDOW], const struct coarse_filter *filter) {
    __m256i weights = spread(filter->row[0]);
    __m256i even = _mm256_maddubs_epi16(cells[0], weights), odd = _mm256_maddubs_epi16(cells[1], weights);
    for (int two = 1; two < HOG_WINDOW / 2; two++) {
        weights = spread(filter->row[two]);
        even = added(even, _mm256_maddubs_epi16(cells[2 * two], weights));
        odd = added(odd, _mm256_maddubs_epi16(cells[2 * two + 1], weights));
    }
    return bytes_of(even, odd);
}

/* All filters of a plane on one row of cells. The upper row of a pair waits; the lower one completes pair `pair`. */
FACE_AVX2 static inline void filter_row(struct lines *lines, const struct coarse_filter *filter, int32_t count,
                                        const uint8_t *bytes, int32_t pair, int is_lower) {
    __m256i cells[HOG_WINDOW];
    for (int i = 0; i < HOG_WINDOW; i++) cells[i] = _mm256_loadu_si256((const __m256i *)(bytes + i));
    for (int32_t i = 0; i < count; i++) {
        const __m256i row = filtered(cells, &filter[i]);
        if (is_lower) {
            const __m256i upper = load(lines[i].row.bytes);
            store(lines[i].pairs[pair].halves[0], _mm256_unpacklo_epi8(upper, row));
            store(lines[i].pairs[pair].halves[1], _mm256_unpackhi_epi8(upper, row));
        } else {
            store(lines[i].row.bytes, row);
        }
    }
}

FACE_AVX2 static void filter_pair(struct lines *lines, const struct coarse_filter *filter, int32_t count,
                                  const uint8_t *bytes, ptrdiff_t pitch, int32_t pair) {
    filter_row(lines, filter, count, bytes, pair, 0);
    filter_row(lines, filter, count, bytes + pitch, pair, 1);
}

/* --- Down a column --- */

/* The sum of a column so far; `pair` is its first if `is_first`. */
FACE_AVX2 static inline __m256i with_pair(__m256i sum, __m256i pair, __m256i weights, int is_first) {
    const __m256i products = _mm256_maddubs_epi16(pair, weights);
    return is_first ? products : added(sum, products);
}

/* Add one filter to half of the sums of four rows of windows. `pairs`: from the first row on. The last two rows see
 * what the first two see a pair later. */
FACE_AVX2 static inline void add_columns(__m256i sums[STEP], const struct pair *pairs, int half,
                                         const struct coarse_filter *filter) {
    __m256i columns[STEP], even[STEP_PAIRS], odd[STEP_PAIRS];
#pragma GCC unroll 7
    for (int i = 0; i < STEP_PAIRS; i++) {
        const __m256i pair = load(pairs[i].halves[half]);
        if (i < EVEN_PAIRS) {
            even[i] = spread(filter->column[i]);
            columns[0] = with_pair(columns[0], pair, even[i], i == 0);
        }
        if (i < ODD_PAIRS) {
            odd[i] = spread(filter->odd_column[i]);
            columns[1] = with_pair(columns[1], pair, odd[i], i == 0);
        }
        if (i >= 1 && i <= EVEN_PAIRS) columns[2] = with_pair(columns[2], pair, even[i - 1], i == 1);
        if (i >= 1 && i <= ODD_PAIRS) columns[3] = with_pair(columns[3], pair, odd[i - 1], i == 1);
    }
    const __m256i factor = spread(filter->factor);
    for (int row = 0; row < STEP; row++) sums[row] = added(sums[row], _mm256_mulhrs_epi16(columns[row], factor));
}

/* All filters of a plane and sub-detector on four rows of windows. Returns how many these filters are. */
FACE_AVX2 static inline int32_t filter_columns(struct sums *sums, int32_t detectors, const struct lines *lines,
                                               int32_t first, const struct coarse_filter *filter, int32_t count) {
    const int32_t detector = filter[0].detector;
    int32_t end = 0;
    while (end < count && filter[end].detector == detector) end++;
    for (int half = 0; half < 2; half++) {
        __m256i rows[STEP];
        for (int row = 0; row < STEP; row++) rows[row] = load(sums[row * detectors + detector].halves[half]);
        for (int32_t i = 0; i < end; i++) add_columns(rows, lines[i].pairs + first, half, &filter[i]);
        for (int row = 0; row < STEP; row++) store(sums[row * detectors + detector].halves[half], rows[row]);
    }
    return end;
}

FACE_AVX2 static void filter_step(struct sums *sums, int32_t detectors, const struct lines *lines, int32_t first,
                                  const struct coarse_filter *filter, int32_t count) {
    for (int32_t i = 0; i < count;) i += filter_columns(sums, detectors, lines + i, first, filter + i, count - i);
}

/* --- Tiles --- */

/* The last pairs of a block are the first of the next. */
static void keep_pairs(struct lines *lines, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        memmove(lines[i].pairs, lines[i].pairs + PAIRS - BEFORE, BEFORE * sizeof(struct pair));
    }
}

static void filter_plane(struct sums *sums, struct lines *lines, const struct features *features,
                         const struct filters *filters, int32_t plane, int32_t column) {
    const struct coarse_filter *filter = filters->coarse + filters->coarse_first[plane];
    const int32_t count = filters->coarse_first[plane + 1] - filters->coarse_first[plane];
    const ptrdiff_t pitch = features->pitch;
    const uint8_t *bytes = features->bytes + plane * features->plane + column;
    for (int32_t pair = 0; pair < BEFORE; pair++) {
        filter_pair(lines, filter, count, bytes + pair * PAIR * pitch, pitch, pair);
    }
    for (int32_t block = 0; block < features->rows; block += BLOCK) {
        for (int32_t pair = BEFORE; pair < PAIRS; pair++) {
            filter_pair(lines, filter, count, bytes + (block + pair * PAIR) * pitch, pitch, pair);
        }
        for (int32_t row = 0; row < BLOCK; row += STEP) {
            struct sums *first = sums + (ptrdiff_t)(block + row) * filters->detectors;
            filter_step(first, filters->detectors, lines, row / PAIR, filter, count);
        }
        keep_pairs(lines, count);
    }
}

/* All sums of a tile begin where their sub-detector's begin. */
static void begin_sums(struct sums *sums, const struct filters *filters, int32_t rows) {
    for (int32_t index = 0; index < rows * filters->detectors; index++) {
        const int16_t start = filters->detector[index % filters->detectors].start;
        for (int window = 0; window < HALF; window++) {
            sums[index].halves[0][window] = start;
            sums[index].halves[1][window] = start;
        }
    }
}

/* The least sum that can belong to a score, as far as 16 bits reach: above them all there is no such sum. */
static int32_t least_sum(const struct detector *detector, double least_score) {
    const double least = ceil(detector->scale * (detector->threshold + least_score - detector->margin));
    if (!(least <= INT16_MAX)) return INT16_MAX + 1;
    return least > INT16_MIN ? (int32_t)least : INT16_MIN;
}

/* A bit for each window whose sum is not below `least`. */
FACE_AVX2 static inline uint32_t hits_of(const struct sums *sums, int32_t least) {
    if (least > INT16_MAX) return 0;
    const __m256i limit = _mm256_set1_epi16((int16_t)least);
    const __m256i low_bytes = _mm256_set1_epi16(0xFF);
    const __m256i even = _mm256_cmpgt_epi16(limit, load(sums->halves[0]));
    const __m256i odd = _mm256_cmpgt_epi16(limit, load(sums->halves[1]));
    const __m256i below = _mm256_or_si256(_mm256_and_si256(even, low_bytes), _mm256_andnot_si256(low_bytes, odd));
    return ~(uint32_t)_mm256_movemask_epi8(below);
}

static void note_hits(struct search *search, const struct sums *sums, const struct filters *filters, int32_t tile,
                      int32_t columns, double least_score) {
    const int32_t left = columns - tile * SEARCH_TILE;
    const uint32_t inside = left < SEARCH_TILE ? (1u << left) - 1 : UINT32_MAX;
    for (int32_t index = 0; index < filters->detectors; index++) {
        const int32_t least = least_sum(&filters->detector[index], least_score);
        uint32_t *hits = search->hits + (ptrdiff_t)index * search->rows * search->tiles + tile;
        for (int32_t row = 0; row < search->rows; row++) {
            const struct sums *sum = &sums[(ptrdiff_t)row * filters->detectors + index];
            hits[(ptrdiff_t)row * search->tiles] = hits_of(sum, least) & inside;
        }
    }
}

static int make_room(struct search *search, const struct filters *filters) {
    const size_t detectors = (size_t)filters->detectors, rows = (size_t)rows_of_blocks(search->rows);
    if (room_for(&search->hit_room, detectors * rows * (size_t)search->tiles, sizeof(uint32_t)) != FACE_OK ||
        room_for(&search->sum_room, detectors * rows, sizeof(struct sums)) != FACE_OK ||
        room_for(&search->line_room, (size_t)most_filters(filters), sizeof(struct lines)) != FACE_OK) {
        return FACE_NO_MEMORY;
    }
    search->hits = search->hit_room.bytes;
    return FACE_OK;
}

int search_windows(struct search *search, const struct features *features, const struct filters *filters,
                   double least_score) {
    search->rows = features->rows;
    search->tiles = (features->columns + SEARCH_TILE - 1) / SEARCH_TILE;
    const int code = make_room(search, filters);
    if (code != FACE_OK) return code;
    struct sums *sums = search->sum_room.bytes;
    for (int32_t tile = 0; tile < search->tiles; tile++) {
        begin_sums(sums, filters, rows_of_blocks(search->rows));
        for (int32_t plane = 0; plane < HOG_PLANES; plane++) {
            filter_plane(sums, search->line_room.bytes, features, filters, plane, tile * SEARCH_TILE);
        }
        note_hits(search, sums, filters, tile, features->columns, least_score);
    }
    return FACE_OK;
}

void search_free(struct search *search) {
    room_free(&search->hit_room);
    room_free(&search->sum_room);
    room_free(&search->line_room);
}

#endif
