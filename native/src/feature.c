/* The features of cells: dlib/image_transforms/fhog.h, the second half of `impl_extract_fhog_features`. */
#include "feature.h"

#include <string.h>

#include "face_native.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum {
    LANES = 8,
    /* A tile of the search begins at a multiple of 32 windows, and reads 41 bytes of each row. */
    TILE = 32,
    TILE_READS = 41,
    /* Rows that the search reads behind the last, for windows that there are none of: it goes by 16. */
    SPARE_ROWS = 16,
};

int features_begin(struct features *features, const struct histogram *histogram) {
    features->rows = features_count(histogram->rows);
    features->columns = features_count(histogram->columns);
    const int32_t tiles = (features->columns + TILE - 1) / TILE;
    const int32_t lines = ((tiles - 1) * TILE + TILE_READS + ROOM_ALIGNMENT - 1) / ROOM_ALIGNMENT;
    const int32_t rows = features->rows + HOG_WINDOW - 1;
    features->pitch = (ptrdiff_t)(lines | 1) * ROOM_ALIGNMENT;
    features->plane = features->pitch * (rows + SPARE_ROWS);
    const int code = room_for(&features->room, (size_t)features->plane, HOG_PLANES);
    if (code != FACE_OK) return code;
    features->bytes = features->room.bytes;
    for (int plane = 0; plane < HOG_PLANES; plane++) {
        uint8_t *first = features->bytes + plane * features->plane;
        uint8_t *last = first + features->pitch * (HOG_BORDER + features->rows);
        memset(first, 0, (size_t)features->pitch * HOG_BORDER);
        memset(last, 0, (size_t)features->pitch * (HOG_BORDER + 1));
    }
    return FACE_OK;
}

/* For each of the four blocks that eight cells lie in: the limit that their bins are cut off at (dlib's `nn`), and
 * what they are multiplied by then (`n`). */
struct limits {
    __m256 limit[HOG_NORMS], factor[HOG_NORMS];
};

FACE_AVX2 static inline __m256 block_sum(const float *above, const float *below) {
    const __m256 upper = _mm256_add_ps(_mm256_loadu_ps(above), _mm256_loadu_ps(above + 1));
    return _mm256_add_ps(_mm256_add_ps(upper, _mm256_loadu_ps(below)), _mm256_loadu_ps(below + 1));
}

FACE_AVX2 static inline struct limits limits_of(const struct histogram *histogram, int32_t row, int32_t column) {
    const float *above = histogram_norms(histogram, row) + column + 1;
    const float *here = above + histogram->pitch, *below = here + histogram->pitch;
    const __m256 sums[HOG_NORMS] = {block_sum(here + 1, below + 1), block_sum(above + 1, here + 1),
                                    block_sum(here, below), block_sum(above, here)};
    struct limits limits;
    for (int norm = 0; norm < HOG_NORMS; norm++) {
        const __m256 root = _mm256_sqrt_ps(_mm256_add_ps(sums[norm], _mm256_set1_ps(0.0001f)));
        limits.limit[norm] = _mm256_mul_ps(_mm256_set1_ps(0.2f), root);
        limits.factor[norm] = _mm256_div_ps(_mm256_set1_ps(0.1f), limits.limit[norm]);
    }
    return limits;
}

struct normed {
    __m256 by[HOG_NORMS];
};

FACE_AVX2 static inline struct normed normed_of(__m256 bin, const struct limits *limits) {
    struct normed normed;
    for (int norm = 0; norm < HOG_NORMS; norm++) {
        normed.by[norm] = _mm256_mul_ps(_mm256_min_ps(bin, limits->limit[norm]), limits->factor[norm]);
    }
    return normed;
}

/* In the order of `dpps`, which dlib's sum of a simd4f compiles to. */
FACE_AVX2 static inline __m256 sum_of(const struct normed *normed) {
    return _mm256_add_ps(_mm256_add_ps(normed->by[0], normed->by[1]), _mm256_add_ps(normed->by[2], normed->by[3]));
}

/* All planes of eight cells from `column` on. dlib adds texture up by threes. */
FACE_AVX2 static inline void cells_of(__m256 planes[HOG_PLANES], const struct histogram *histogram, int32_t row,
                                      int32_t column) {
    const struct limits limits = limits_of(histogram, row, column);
    const float *bins = histogram_bins(histogram, row + 1, 0) + column + 2;
    const ptrdiff_t pitch = histogram->pitch;
    __m256 texture[HOG_NORMS] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int direction = 0; direction < HOG_ORIENTATIONS; direction += 3) {
        struct normed three[3];
        for (int next = 0; next < 3; next++) {
            three[next] = normed_of(_mm256_loadu_ps(bins + (direction + next) * pitch), &limits);
            planes[direction + next] = sum_of(&three[next]);
        }
        for (int norm = 0; norm < HOG_NORMS; norm++) {
            const __m256 two = _mm256_add_ps(three[0].by[norm], three[1].by[norm]);
            texture[norm] = _mm256_add_ps(texture[norm], _mm256_add_ps(two, three[2].by[norm]));
        }
    }
    for (int direction = 0; direction < HOG_UNDIRECTED; direction++) {
        const __m256 ahead = _mm256_loadu_ps(bins + direction * pitch);
        const __m256 back = _mm256_loadu_ps(bins + (direction + HOG_UNDIRECTED) * pitch);
        const struct normed normed = normed_of(_mm256_add_ps(ahead, back), &limits);
        planes[HOG_ORIENTATIONS + direction] = sum_of(&normed);
    }
    for (int norm = 0; norm < HOG_NORMS; norm++) {
        planes[FIRST_TEXTURE + norm] = _mm256_mul_ps(texture[norm], _mm256_set1_ps((float)(2 * 0.2357)));
    }
}

/* --- Bytes --- */

FACE_AVX2 static inline __m256i scaled(__m256 plane, float scale) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(plane, _mm256_set1_ps(scale)));
}

/* Eight cells of four planes: from 32 bit integers to bytes. */
FACE_AVX2 static inline void store_planes(uint8_t *bytes, ptrdiff_t plane, const __m256i cells[4]) {
    const __m256i packed =
        _mm256_packus_epi16(_mm256_packs_epi32(cells[0], cells[1]), _mm256_packs_epi32(cells[2], cells[3]));
    const __m256i sorted = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    const __m128i first = _mm256_castsi256_si128(sorted), last = _mm256_extracti128_si256(sorted, 1);
    _mm_storel_epi64((__m128i *)bytes, first);
    _mm_storel_epi64((__m128i *)(bytes + plane), _mm_unpackhi_epi64(first, first));
    _mm_storel_epi64((__m128i *)(bytes + 2 * plane), last);
    _mm_storel_epi64((__m128i *)(bytes + 3 * plane), _mm_unpackhi_epi64(last, last));
}

FACE_AVX2 static inline void store_cells(uint8_t *bytes, ptrdiff_t plane, const __m256 planes[HOG_PLANES]) {
    for (int first = 0; first < FIRST_TEXTURE - 3; first += 4) {
        const __m256i cells[4] = {scaled(planes[first], FEATURE_SCALE), scaled(planes[first + 1], FEATURE_SCALE),
                                  scaled(planes[first + 2], FEATURE_SCALE), scaled(planes[first + 3], FEATURE_SCALE)};
        store_planes(bytes + first * plane, plane, cells);
    }
    /* The last four that are no texture overlap the four before: 27 is no multiple of 4. */
    const int last = FIRST_TEXTURE - 4;
    const __m256i cells[4] = {scaled(planes[last], FEATURE_SCALE), scaled(planes[last + 1], FEATURE_SCALE),
                              scaled(planes[last + 2], FEATURE_SCALE), scaled(planes[last + 3], FEATURE_SCALE)};
    store_planes(bytes + last * plane, plane, cells);
    const __m256i texture[4] = {
        scaled(planes[FIRST_TEXTURE], TEXTURE_SCALE), scaled(planes[FIRST_TEXTURE + 1], TEXTURE_SCALE),
        scaled(planes[FIRST_TEXTURE + 2], TEXTURE_SCALE), scaled(planes[FIRST_TEXTURE + 3], TEXTURE_SCALE)};
    store_planes(bytes + FIRST_TEXTURE * plane, plane, texture);
}

/* Fetch where the next row's cells will go. */
FACE_AVX2 static inline void fetch_ahead(const uint8_t *bytes, ptrdiff_t plane) {
    for (int i = 0; i < HOG_PLANES; i++) _mm_prefetch((const char *)(bytes + i * plane), _MM_HINT_T0);
}

FACE_AVX2 void features_row(struct features *features, const struct histogram *histogram, int32_t row) {
    uint8_t *bytes = features->bytes + features->pitch * (HOG_BORDER + row);
    for (int32_t column = 0; column < features->columns; column += LANES) {
        __m256 planes[HOG_PLANES];
        if (column % ROOM_ALIGNMENT == 0) fetch_ahead(bytes + features->pitch + column, features->plane);
        cells_of(planes, histogram, row, column);
        store_cells(bytes + HOG_BORDER + column, features->plane, planes);
    }
    for (int plane = 0; plane < HOG_PLANES; plane++) {
        memset(bytes + plane * features->plane, 0, HOG_BORDER);
        memset(bytes + plane * features->plane + HOG_BORDER + features->columns, 0, HOG_BORDER + 1);
    }
}

/* --- Floats --- */

/* A row of a window: its columns from `first` to `end` lie on the picture, from `column` of the histogram on. */
FACE_AVX2 static void window_row(struct window *window, int32_t row, const struct histogram *histogram, int32_t y,
                                 int32_t column, int32_t first, int32_t end) {
    for (int32_t next = first; next < end; next += LANES) {
        __m256 planes[HOG_PLANES];
        cells_of(planes, histogram, y, column + next);
        for (int plane = 0; plane < HOG_PLANES; plane++) {
            _mm256_storeu_ps(window->cells[plane][row] + next, planes[plane]);
        }
    }
    for (int plane = 0; plane < HOG_PLANES && end < HOG_WINDOW; plane++) {
        memset(window->cells[plane][row] + end, 0, (size_t)(HOG_WINDOW - end) * sizeof(float));
    }
}

void features_window(struct window *window, const struct histogram *histogram, int32_t row, int32_t column) {
    const int32_t rows = features_count(histogram->rows), columns = features_count(histogram->columns);
    const int32_t left = column - HOG_BORDER, top = row - HOG_BORDER;
    const int32_t first = left < 0 ? -left : 0;
    const int32_t end = left + HOG_WINDOW > columns ? columns - left : HOG_WINDOW;
    if (first > 0 || top < 0 || top + HOG_WINDOW > rows) memset(window, 0, sizeof(*window));
    for (int32_t y = 0; y < HOG_WINDOW; y++) {
        if (top + y >= 0 && top + y < rows) window_row(window, y, histogram, top + y, left, first, end);
    }
}

#endif
