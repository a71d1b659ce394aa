/* Counting votes: dlib/image_transforms/fhog.h, the first half of `impl_extract_fhog_features`.
 *
 * A pixel votes for four cells, the two left and right of it in the rows above and below, each by how near it is. In
 * `band` these four lie side by side, so that a vote is one addition of four floats.
 *
 * Floats must be added up in dlib's order to give dlib's sums: for each cell and direction row by row, and in a row
 * from left to right. Done just so, each addition waits for the one before: neighbours mostly vote for the same bins.
 * Therefore eight rows are counted together, each two blocks behind the one above. The blocks of one step then have no
 * cell in common, and each cell still gets its votes in the right order: a row's from left to right, and all of a row's
 * before any of the next row's, since a block shares cells only with its neighbours. */
#include "histogram.h"

#include <string.h>

#include "face_native.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum {
    /* So many cells (of 8 bytes) one direction's lie behind another's, or 512 more: nothing that is counted at about
     * the same time then lies at the same place of a page of 4096 bytes, by which CPUs guess what a load waits for. */
    SPACING = 28,
    SPACING_STEP = 512,
    LANES = 8,
};

/* Where a pixel lies between the two cells' centres, in sixteenths. Four floats a pixel: how near the left cells are
 * (above, below), then the right; two pixels a line, four lines a block. */
static const _Alignas(32) float ACROSS[BLOCK_PIXELS / 2][8] = {
    {15 / 16.f, 15 / 16.f, 1 / 16.f, 1 / 16.f, 13 / 16.f, 13 / 16.f, 3 / 16.f, 3 / 16.f},
    {11 / 16.f, 11 / 16.f, 5 / 16.f, 5 / 16.f, 9 / 16.f, 9 / 16.f, 7 / 16.f, 7 / 16.f},
    {7 / 16.f, 7 / 16.f, 9 / 16.f, 9 / 16.f, 5 / 16.f, 5 / 16.f, 11 / 16.f, 11 / 16.f},
    {3 / 16.f, 3 / 16.f, 13 / 16.f, 13 / 16.f, 1 / 16.f, 1 / 16.f, 15 / 16.f, 15 / 16.f},
};

/* How near the cells above and below are, row by row. */
static const _Alignas(16) float DOWN[WAVE_ROWS][4] = {
    {15 / 16.f, 1 / 16.f, 15 / 16.f, 1 / 16.f}, {13 / 16.f, 3 / 16.f, 13 / 16.f, 3 / 16.f},
    {11 / 16.f, 5 / 16.f, 11 / 16.f, 5 / 16.f}, {9 / 16.f, 7 / 16.f, 9 / 16.f, 7 / 16.f},
    {7 / 16.f, 9 / 16.f, 7 / 16.f, 9 / 16.f},   {5 / 16.f, 11 / 16.f, 5 / 16.f, 11 / 16.f},
    {3 / 16.f, 13 / 16.f, 3 / 16.f, 13 / 16.f}, {1 / 16.f, 15 / 16.f, 1 / 16.f, 15 / 16.f},
};

/* How many blocks a row has whose last pixel with a gradient is right - 1. */
static int32_t blocks_of(int32_t right) { return right > 1 ? (right - 1 + BLOCK_OFFSET) / BLOCK_PIXELS + 1 : 0; }

int histogram_begin(struct histogram *histogram, const struct picture *picture) {
    histogram->rows = (picture->height + HOG_CELL / 2) / HOG_CELL;
    histogram->columns = (picture->width + HOG_CELL / 2) / HOG_CELL;
    histogram->pitch = (histogram->columns + 2 + LANES - 1) / LANES * LANES + LANES;
    histogram->interior = interior_of(picture);
    histogram->blocks = blocks_of(histogram->interior.right);
    histogram->spacing = (histogram->pitch + SPACING_STEP - 1 - SPACING) / SPACING_STEP * SPACING_STEP + SPACING;
    const size_t rows = (size_t)histogram->rows * (size_t)histogram->pitch;
    const size_t band = (size_t)histogram->spacing * 2 * sizeof(float);
    if (room_for(&histogram->bin_room, rows, HOG_ORIENTATIONS * sizeof(float)) != FACE_OK ||
        room_for(&histogram->norm_room, rows, sizeof(float)) != FACE_OK ||
        room_for(&histogram->band_room, band, HOG_ORIENTATIONS) != FACE_OK) {
        return FACE_NO_MEMORY;
    }
    histogram->bins = histogram->bin_room.bytes;
    histogram->norms = histogram->norm_room.bytes;
    histogram->band = histogram->band_room.bytes;
    memset(histogram->band, 0, band * HOG_ORIENTATIONS);
    return FACE_OK;
}

void histogram_free(struct histogram *histogram) {
    room_free(&histogram->bin_room);
    room_free(&histogram->norm_room);
    room_free(&histogram->band_room);
}

/* --- Counting --- */

FACE_AVX2 static inline void add_four(float *cells, __m128 votes) {
    _mm_storeu_ps(cells, _mm_add_ps(_mm_loadu_ps(cells), votes));
}

/* The votes of two pixels. dlib's vectors multiply (down × (across × strength)), its scalar code, for pixels from
 * `scalar` on, ((down × across) × strength): down × across is exact, so that the same steps do both. */
FACE_AVX2 static inline __m256 votes_of(__m256 strengths, int pair, __m256 down, int32_t scalar) {
    const __m256 across = _mm256_load_ps(ACROSS[pair]);
    if (scalar >= 2 * pair + 2) return _mm256_mul_ps(down, _mm256_mul_ps(across, strengths));
    const __m256 both = _mm256_mul_ps(_mm256_mul_ps(down, across), strengths);
    if (scalar <= 2 * pair) return both;
    return _mm256_blend_ps(_mm256_mul_ps(down, _mm256_mul_ps(across, strengths)), both, 0xF0);
}

/* Eight pixels. `cells`: where direction 0 of the left cell above begins. */
FACE_AVX2 static inline void count_block(float *cells, const struct votes *votes, int32_t step, int32_t row,
                                         int32_t scalar) {
    const __m256i first = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m256i second = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
    const __m256 down = _mm256_broadcast_ps((const __m128 *)DOWN[row]);
    for (int half = 0; half < 2; half++) {
        uint64_t bins;
        memcpy(&bins, votes->directions[step][row] + 4 * half, sizeof(bins));
        const __m256 strengths = _mm256_broadcast_ps((const __m128 *)(votes->strengths[step][row] + 4 * half));
        const __m256 left = votes_of(_mm256_permutevar_ps(strengths, first), 2 * half, down, scalar);
        const __m256 right = votes_of(_mm256_permutevar_ps(strengths, second), 2 * half + 1, down, scalar);
        add_four(cells + 2 * (bins & 0xFFFF), _mm256_castps256_ps128(left));
        add_four(cells + 2 * (bins >> 16 & 0xFFFF), _mm256_extractf128_ps(left, 1));
        add_four(cells + 2 * (bins >> 32 & 0xFFFF), _mm256_castps256_ps128(right));
        add_four(cells + 2 * (bins >> 48), _mm256_extractf128_ps(right, 1));
    }
}

/* Where the band's cell left of and above block `block` begins. */
static inline float *cell_of(const struct histogram *histogram, int32_t block) {
    return histogram->band + 2 * (ptrdiff_t)block;
}

/* One block of each row, all inside the picture and done by dlib's vectors. */
FACE_AVX2 static void count_step(const struct histogram *histogram, int32_t step) {
    float *cells = cell_of(histogram, step);
    for (int32_t row = 0; row < WAVE_ROWS; row++) {
        count_block(cells - 2 * WAVE_LAG * row, &histogram->votes, step % WAVE_STEPS, row, BLOCK_PIXELS);
    }
}

/* The same for those rows from `first` to `end` that have a block at this step, vector or not. */
FACE_AVX2 static void count_rest(const struct histogram *histogram, int32_t step, int32_t first, int32_t end) {
    for (int32_t row = first; row < end; row++) {
        const int32_t block = step - WAVE_LAG * row;
        if (block < 0 || block >= histogram->blocks) continue;
        const int32_t scalar = histogram->interior.scalar - (block * BLOCK_PIXELS - BLOCK_OFFSET);
        count_block(cell_of(histogram, block), &histogram->votes, step % WAVE_STEPS, row, scalar);
    }
}

/* Blocks that are done by dlib's vectors from end to end. */
static int32_t whole_blocks(const struct histogram *histogram) {
    return (histogram->interior.scalar + BLOCK_OFFSET) / BLOCK_PIXELS;
}

/* The picture's rows from top + first to top + end, as rows `first` to `end` of the wave. */
static void count_rows(struct histogram *histogram, const struct picture *picture, int32_t top, int32_t first,
                       int32_t end) {
    const int32_t lag = WAVE_LAG * (WAVE_ROWS - 1);
    const int32_t first_full = end - first == WAVE_ROWS ? lag : INT32_MAX;
    for (int32_t chunk = 0; chunk * CHUNK_BLOCKS < histogram->blocks + lag; chunk++) {
        if (chunk * CHUNK_BLOCKS < histogram->blocks) {
            gradient_votes(&histogram->votes, picture, &histogram->interior, chunk, top, first, end,
                           histogram->spacing);
        }
        for (int32_t step = chunk * CHUNK_BLOCKS; step < (chunk + 1) * CHUNK_BLOCKS; step++) {
            if (step >= first_full && step < whole_blocks(histogram)) {
                count_step(histogram, step);
            } else {
                count_rest(histogram, step, first, end);
            }
        }
    }
}

/* --- Finishing --- */

/* Take eight cells of the row above out of the band; the row below moves up, and nothing is below it. */
FACE_AVX2 static inline __m256 take_above(float *cells) {
    const __m256 first = _mm256_loadu_ps(cells), last = _mm256_loadu_ps(cells + LANES);
    const __m256 above = _mm256_shuffle_ps(first, last, 0x88);
    _mm256_storeu_si256((__m256i *)cells, _mm256_srli_epi64(_mm256_castps_si256(first), 32));
    _mm256_storeu_si256((__m256i *)(cells + LANES), _mm256_srli_epi64(_mm256_castps_si256(last), 32));
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(above), 0xD8));
}

/* Store eight bins, and fetch where the next row's will go. */
FACE_AVX2 static inline void store_bins(float *bins, __m256 values, ptrdiff_t pitch) {
    _mm256_storeu_ps(bins, values);
    _mm_prefetch((const char *)(bins + HOG_ORIENTATIONS * pitch), _MM_HINT_T0);
}

/* Write row `row` and its norms. Row -1, outside of the picture, is dropped. */
FACE_AVX2 static void finish_row(struct histogram *histogram, int32_t row) {
    const ptrdiff_t spacing = 2 * (ptrdiff_t)histogram->spacing, pitch = histogram->pitch;
    float *bins = histogram->bins + (row < 0 ? 0 : row) * HOG_ORIENTATIONS * pitch;
    float *norms = histogram->norms + (row < 0 ? 0 : row) * pitch;
    for (int32_t column = 0; column < histogram->columns + 2; column += LANES) {
        float *cells = histogram->band + 2 * (ptrdiff_t)column;
        __m256 norm = _mm256_setzero_ps();
        for (int direction = 0; direction < HOG_UNDIRECTED; direction++) {
            const __m256 ahead = take_above(cells + direction * spacing);
            const __m256 back = take_above(cells + (direction + HOG_UNDIRECTED) * spacing);
            const __m256 both = _mm256_add_ps(ahead, back);
            norm = _mm256_add_ps(norm, _mm256_mul_ps(both, both));
            store_bins(bins + direction * pitch + column, ahead, pitch);
            store_bins(bins + (direction + HOG_UNDIRECTED) * pitch + column, back, pitch);
        }
        _mm256_storeu_ps(norms + column, norm);
    }
}

void histogram_band(struct histogram *histogram, const struct picture *picture, int32_t band) {
    const int32_t top = band * HOG_CELL - BLOCK_OFFSET;
    const int32_t first = top < 1 ? 1 - top : 0;
    const int32_t rest = histogram->interior.bottom - top;
    count_rows(histogram, picture, top, first, rest < WAVE_ROWS ? rest : WAVE_ROWS);
    finish_row(histogram, band - 1);
}

#endif
