/* Pictures in planes of bytes: their shape, and how interleaved pixels get into them. */
#include "picture.h"

#include "face_native.h"
#include "hog.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* Rows begin this far apart at least, so that eight rows of three planes do not fall on the same cache lines: an odd
 * multiple of a line spreads them over all of them. */
static ptrdiff_t spread(ptrdiff_t bytes) {
    const ptrdiff_t lines = (bytes + ROOM_ALIGNMENT - 1) / ROOM_ALIGNMENT;
    return (lines | 1) * ROOM_ALIGNMENT;
}

int picture_shape(struct picture *picture, int32_t width, int32_t height) {
    const ptrdiff_t stride = spread(PICTURE_LEFT + (ptrdiff_t)width + PICTURE_RIGHT);
    const int code = room_for(&picture->room, (size_t)stride * (size_t)height, PICTURE_PLANES);
    if (code != FACE_OK) return code;
    picture->first = (uint8_t *)picture->room.bytes + PICTURE_LEFT;
    picture->plane = stride * height;
    picture->stride = stride;
    picture->width = width;
    picture->height = height;
    return FACE_OK;
}

/* Where the bytes of one colour in 16 of 48 interleaved ones go; -1: not here. Parts 0-2 are the three loads. */
static const int8_t GATHER[PICTURE_PLANES][3][16] = {
    {{0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13}},
    {{1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14}},
    {{2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15}},
};

FACE_AVX2 static inline __m128i gathered(const __m128i parts[3], int32_t plane) {
    __m128i bytes = _mm_setzero_si128();
    for (int part = 0; part < 3; part++) {
        const __m128i places = _mm_loadu_si128((const __m128i *)GATHER[plane][part]);
        bytes = _mm_or_si128(bytes, _mm_shuffle_epi8(parts[part], places));
    }
    return bytes;
}

FACE_AVX2 static void fill_row(const struct picture *picture, int32_t y, const uint8_t *pixels) {
    int32_t x = 0;
    for (; x + 16 <= picture->width; x += 16) {
        const __m128i *from = (const __m128i *)(pixels + 3 * (ptrdiff_t)x);
        const __m128i parts[3] = {_mm_loadu_si128(from), _mm_loadu_si128(from + 1), _mm_loadu_si128(from + 2)};
        for (int32_t plane = 0; plane < PICTURE_PLANES; plane++) {
            _mm_storeu_si128((__m128i *)(picture_row(picture, plane, y) + x), gathered(parts, plane));
        }
    }
    for (; x < picture->width; x++) {
        for (int32_t plane = 0; plane < PICTURE_PLANES; plane++) {
            picture_row(picture, plane, y)[x] = pixels[3 * (ptrdiff_t)x + plane];
        }
    }
}

void picture_fill(struct picture *picture, const uint8_t *pixels, ptrdiff_t stride) {
    for (int32_t y = 0; y < picture->height; y++) fill_row(picture, y, pixels + y * stride);
}

#endif
