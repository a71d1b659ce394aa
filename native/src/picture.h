/* A picture as the scan holds it: three planes of bytes, with room around each row that vectors may read. */
#ifndef FACE_PICTURE_H
#define FACE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "room.h"

/* Bytes before and behind each row that may be read and overwritten; what is in them never matters. */
enum { PICTURE_LEFT = 32, PICTURE_RIGHT = 64, PICTURE_PLANES = 3 };

struct picture {
    struct room room;
    uint8_t *first;   /* the upper left pixel's red */
    ptrdiff_t plane;  /* bytes from a plane to the next: red, green, blue */
    ptrdiff_t stride; /* bytes from a row to the next */
    int32_t width, height;
};

/* Give the picture a size; its pixels are then undefined. FACE_OK or FACE_NO_MEMORY. */
int picture_shape(struct picture *picture, int32_t width, int32_t height);

/* Fill a picture of that size from rows of red, green, blue bytes, `stride` bytes apart. Needs AVX2. */
void picture_fill(struct picture *picture, const uint8_t *pixels, ptrdiff_t stride);

static inline uint8_t *picture_row(const struct picture *picture, int32_t plane, int32_t y)
{
    return picture->first + plane * picture->plane + y * picture->stride;
}

#endif
