/* Bilinear resizing: dlib/image_transforms/interpolation.h, `resize_image` for two RGB pictures, to the last bit.
 *
 * dlib computes four columns at a time in float, and the last few of a row in double, with another order of
 * operations. Which columns are which follows from its own float positions, so these are computed the same way; but
 * once a picture and not once a row. */
#include "resize.h"

#include <math.h>

#include "face_native.h"
#include "hog.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum {
    DLIB_LANES = 4, /* columns that dlib computes together: simd4f */
    LANES = 8,
};

/* A shuffle that takes one byte into the low end of 32 bits and clears the others; the byte's place is added. */
static const uint32_t ONE_BYTE = 0x80808000u;

static double step_of(int32_t source, int32_t target) { return (source - 1) / (double)(target > 1 ? target - 1 : 1); }

/* Positions of dlib's columns, four by four, while a right neighbour exists; returns how many columns these are. */
static int32_t vector_positions(const struct resize *resize, float *positions) {
    const int32_t width = resize->target->width;
    const double first = -4 * resize->across;
    const float step = (float)(4 * resize->across);
    float x[DLIB_LANES];
    for (int lane = 0; lane < DLIB_LANES; lane++) x[lane] = (float)(first + lane * resize->across);
    int32_t column = 0;
    for (; column < width; column += DLIB_LANES) {
        for (int lane = 0; lane < DLIB_LANES; lane++) x[lane] += step;
        if ((int32_t)x[DLIB_LANES - 1] + 1 >= resize->source->width) break;
        for (int lane = 0; lane < DLIB_LANES; lane++) positions[column + lane] = x[lane];
    }
    return column < width ? column : width;
}

/* Turn positions into what the vectors need. Columns behind the last stay where they are harmless. */
static void make_columns(struct resize *resize, int32_t groups) {
    float *positions = resize->fractions;
    for (int32_t column = resize->vector_columns; column < groups * LANES; column++) positions[column] = 0;
    for (int32_t group = 0; group < groups; group++) {
        const int32_t begin = (int32_t)positions[group * LANES];
        resize->begins[group] = begin;
        for (int32_t column = group * LANES; column < (group + 1) * LANES; column++) {
            const int32_t left = column < resize->vector_columns ? (int32_t)positions[column] : begin;
            resize->shuffles[column] = (int32_t)(ONE_BYTE + (uint32_t)(left - begin));
            resize->fractions[column] = positions[column] - (float)left;
        }
    }
}

int resize_begin(struct resize *resize, const struct picture *source, struct picture *target) {
    const size_t groups = ((size_t)target->width + LANES - 1) / LANES;
    const int code = room_for(&resize->room, groups * (2 * LANES + 1), sizeof(int32_t));
    if (code != FACE_OK) return code;
    resize->source = source;
    resize->target = target;
    resize->fractions = resize->room.bytes;
    resize->shuffles = (int32_t *)(resize->fractions + groups * LANES);
    resize->begins = resize->shuffles + groups * LANES;
    resize->across = step_of(source->width, target->width);
    resize->down = step_of(source->height, target->height);
    resize->position = -resize->down;
    resize->row = 0;
    resize->vector_columns = vector_positions(resize, resize->fractions);
    make_columns(resize, (int32_t)groups);
    return FACE_OK;
}


/* What eight columns of a target row take of their four neighbours. */
struct weights {
    __m256 top_left, top_right, bottom_left, bottom_right;
};

/* The neighbours of eight columns in one source row. */
struct neighbours {
    __m256 left, right;
};

FACE_AVX2 static inline struct weights weights_of(__m256 fraction, double part) {
    const __m256 rest = _mm256_sub_ps(_mm256_set1_ps(1), fraction);
    const __m256 upper = _mm256_set1_ps((float)(1 - part)), lower = _mm256_set1_ps((float)part);
    const struct weights weights = {_mm256_mul_ps(upper, rest), _mm256_mul_ps(upper, fraction),
                                    _mm256_mul_ps(lower, rest), _mm256_mul_ps(lower, fraction)};
    return weights;
}

FACE_AVX2 static inline struct neighbours neighbours_of(const uint8_t *bytes, __m256i left) {
    const __m256i sixteen = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
    const __m256i right = _mm256_add_epi32(left, _mm256_set1_epi32(1));
    const struct neighbours neighbours = {_mm256_cvtepi32_ps(_mm256_shuffle_epi8(sixteen, left)),
                                          _mm256_cvtepi32_ps(_mm256_shuffle_epi8(sixteen, right))};
    return neighbours;
}

/* Eight columns of one plane, as 32 bit integers. */
FACE_AVX2 static inline __m256i mixed(struct neighbours top, struct neighbours bottom, struct weights weights) {
    __m256 sum = _mm256_add_ps(_mm256_mul_ps(weights.top_left, top.left), _mm256_mul_ps(weights.top_right, top.right));
    sum = _mm256_add_ps(sum, _mm256_mul_ps(weights.bottom_left, bottom.left));
    sum = _mm256_add_ps(sum, _mm256_mul_ps(weights.bottom_right, bottom.right));
    return _mm256_cvttps_epi32(sum);
}

/* Store eight pixels of three planes, given as 32 bit integers from 0 to 255. */
FACE_AVX2 static inline void store_pixels(uint8_t *target, ptrdiff_t plane, const __m256i colours[3]) {
    const __m256i first = _mm256_packs_epi32(colours[0], colours[1]);
    const __m256i last = _mm256_packs_epi32(colours[2], colours[2]);
    const __m256i bytes = _mm256_packus_epi16(first, last);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i sorted = _mm256_permutevar8x32_epi32(bytes, order);
    const __m128i red_green = _mm256_castsi256_si128(sorted);
    _mm_storel_epi64((__m128i *)target, red_green);
    _mm_storel_epi64((__m128i *)(target + plane), _mm_unpackhi_epi64(red_green, red_green));
    _mm_storel_epi64((__m128i *)(target + 2 * plane), _mm256_extracti128_si256(sorted, 1));
}

/* Where a target row lies between two source rows, and how far below the upper one. */
struct place {
    int32_t top, bottom;
    double part;
};

/* Fetch what the target rows after these need: a level is larger than the caches near by. */
FACE_AVX2 static inline void fetch_ahead(const uint8_t *bottom, ptrdiff_t stride) {
    _mm_prefetch((const char *)(bottom + stride), _MM_HINT_T0);
    _mm_prefetch((const char *)(bottom + 2 * stride), _MM_HINT_T0);
}

/* Target rows whose source rows are the same, or one row on: `first` and the row after it, or, if `rows` is 1, `first`
 * alone. Source rows that both need are converted once. */
FACE_AVX2 static inline void vector_rows(const struct resize *resize, struct place first, struct place second, int rows,
                                         int are_same) {
    /* A copy: what is written, bytes, could otherwise be any of its fields. */
    const struct resize columns = *resize;
    const ptrdiff_t plane = columns.source->plane, target_plane = columns.target->plane;
    const ptrdiff_t stride = columns.target->stride;
    const uint8_t *top = picture_row(columns.source, 0, first.top);
    const uint8_t *middle = picture_row(columns.source, 0, first.bottom);
    const uint8_t *bottom = picture_row(columns.source, 0, second.bottom);
    uint8_t *target = picture_row(columns.target, 0, columns.row);
    for (int32_t column = 0; column < columns.vector_columns; column += LANES) {
        const __m256 fraction = _mm256_load_ps(columns.fractions + column);
        const struct weights upper = weights_of(fraction, first.part), lower = weights_of(fraction, second.part);
        const __m256i left = _mm256_load_si256((const __m256i *)(columns.shuffles + column));
        const ptrdiff_t begin = columns.begins[column / LANES];
        __m256i above[PICTURE_PLANES], below[PICTURE_PLANES];
        for (int i = 0; i < PICTURE_PLANES; i++) {
            fetch_ahead(bottom + begin + i * plane, columns.source->stride);
            const struct neighbours a = neighbours_of(top + begin + i * plane, left);
            const struct neighbours b = neighbours_of(middle + begin + i * plane, left);
            above[i] = mixed(a, b, upper);
            if (rows == 1) continue;
            below[i] = are_same ? mixed(a, b, lower)
                                : mixed(b, neighbours_of(bottom + begin + i * plane, left), lower);
        }
        store_pixels(target + column, target_plane, above);
        if (rows > 1) store_pixels(target + column + stride, target_plane, below);
    }
}

FACE_AVX2 static void one_row(const struct resize *resize, struct place place) {
    vector_rows(resize, place, place, 1, 1);
}

FACE_AVX2 static void two_rows_of_same(const struct resize *resize, struct place first, struct place second) {
    vector_rows(resize, first, second, 2, 1);
}

FACE_AVX2 static void two_rows(const struct resize *resize, struct place first, struct place second) {
    vector_rows(resize, first, second, 2, 0);
}

/* --- The end of a row --- */

static int32_t clamped(double position, int32_t count) {
    const int32_t index = (int32_t)floor(position);
    return index < count ? index : count - 1;
}

static void scalar_row(const struct resize *resize, int32_t row, struct place place) {
    const struct picture *source = resize->source;
    double x = -resize->across + resize->vector_columns * resize->across;
    for (int32_t column = resize->vector_columns; column < resize->target->width; column++) {
        x += resize->across;
        const int32_t left = clamped(x, source->width);
        const int32_t right = left + 1 < source->width ? left + 1 : left;
        const double fraction = x - left;
        for (int32_t plane = 0; plane < PICTURE_PLANES; plane++) {
            const uint8_t *above = picture_row(source, plane, place.top);
            const uint8_t *below = picture_row(source, plane, place.bottom);
            const double upper = (1 - fraction) * above[left] + fraction * above[right];
            const double lower = (1 - fraction) * below[left] + fraction * below[right];
            const double pixel = (1 - place.part) * upper + place.part * lower;
            picture_row(resize->target, plane, row)[column] = (uint8_t)pixel;
        }
    }
}

/* --- Rows --- */

static struct place place_of(double position, int32_t height) {
    const int32_t top = clamped(position, height);
    const struct place place = {top, top + 1 < height ? top + 1 : top, position - top};
    return place;
}

/* Fill the next row, or the next two if there are two before `end` and they have a source row in common. */
static int32_t fill_next(const struct resize *resize, struct place first, struct place second, int32_t end) {
    const int is_last = resize->row + 1 >= end;
    if (!is_last && second.top == first.top) {
        two_rows_of_same(resize, first, second);
    } else if (!is_last && second.top == first.bottom) {
        two_rows(resize, first, second);
    } else {
        one_row(resize, first);
        return 1;
    }
    scalar_row(resize, resize->row + 1, second);
    return 2;
}

void resize_rows(struct resize *resize, int32_t end) {
    const int32_t height = resize->source->height;
    while (resize->row < end) {
        const double next = resize->position + resize->down, after = next + resize->down;
        const struct place first = place_of(next, height), second = place_of(after, height);
        const int32_t rows = fill_next(resize, first, second, end);
        scalar_row(resize, resize->row, first);
        resize->position = rows == 1 ? next : after;
        resize->row += rows;
    }
}

#endif
