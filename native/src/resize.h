/* Bilinear resizing with the rounding of dlib's `resize_image`, a few rows at a time. */
#ifndef FACE_RESIZE_H
#define FACE_RESIZE_H

#include "picture.h"

/* A resize that is under way: the next target row is `row`. */
struct resize {
    const struct picture *source;
    struct picture *target;
    struct room room;
    /* For each eight target columns: the source column that their vectors begin at, how far from it each column's
     * left neighbour lies (in a form that shuffles take), and how far from that the column itself. */
    int32_t *begins;
    int32_t *shuffles;
    float *fractions;
    int32_t vector_columns; /* so many columns are computed in float, as dlib's vectors do, the rest in double */
    double across, down;    /* source pixels from a target pixel to the next */
    double position;        /* the source row of `row` - 1 */
    int32_t row;
};

/* Begin to fill `target`, which has its shape, from `source`; both have pixels. FACE_OK or FACE_NO_MEMORY. */
int resize_begin(struct resize *resize, const struct picture *source, struct picture *target);

/* Fill the target's rows before `end` that are not filled yet. Needs AVX2. */
void resize_rows(struct resize *resize, int32_t end);

#endif
