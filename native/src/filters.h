/* The filters of all sub-detectors, in two forms: dlib's floats, and small integers that are nearly the same. */
#ifndef FACE_FILTERS_H
#define FACE_FILTERS_H

#include <stdint.h>

#include "face_native.h"
#include "hog.h"
#include "room.h"

/* One part of a plane's filter: ten weights along a row, then ten down the column of what that gave. */
struct filter {
    int32_t plane;
    float row[HOG_WINDOW], column[HOG_WINDOW];
};

/* The same for the search, ready to be spread over a vector: two weights of a byte each side by side, twice. */
struct coarse_filter {
    int32_t plane, detector;
    uint32_t row[HOG_WINDOW / 2];
    uint32_t column[HOG_WINDOW / 2];         /* for windows that begin in an even row: weights 0 and 1, 2 and 3 ... */
    uint32_t odd_column[HOG_WINDOW / 2 + 1]; /* in an odd one: nothing and 0, 1 and 2 ... 9 and nothing */
    uint32_t factor;                         /* of 16 bits, twice; 2^15 is 1 */
};

/* A sub-detector. What its coarse filters add up to, an integer that begins at `start`, says something about dlib's
 * score: no window with a score of x or above has a sum below `scale` × (x - `margin`). */
struct detector {
    double threshold, scale, margin;
    int16_t start;
    int32_t first, end; /* its filters */
};

struct filters {
    struct room detector_room, filter_room, coarse_room;
    int32_t detectors;
    struct detector *detector;
    struct filter *filter;                /* by detector, then in dlib's order */
    struct coarse_filter *coarse;         /* by plane, then detector */
    int32_t coarse_first[HOG_PLANES + 1]; /* of each plane; then their count */
};

/* FACE_OK, FACE_NO_MEMORY or FACE_BAD_WEIGHTS. */
int filters_make(struct filters *filters, const struct face_hog_weights *weights);

void filters_free(struct filters *filters);

#endif
