/* One level of the pyramid: a picture, and all windows of it that score enough. */
#ifndef FACE_LEVEL_H
#define FACE_LEVEL_H

#include "feature.h"
#include "filters.h"
#include "histogram.h"
#include "resize.h"
#include "search.h"

struct hit {
    float score;
    int32_t detector, row, column;
};

/* What scanning a level takes: one thread at a time. */
struct level {
    struct histogram histogram;
    struct features features;
    struct search search;
    struct window window;
    struct room hit_room;
    size_t hits; /* of all levels that this one scanned since it was set to 0 */
};

/* Scan a picture and append its hits: by row, column and sub-detector. If `resize` is not NULL, the picture is what it
 * fills, and is filled on the way. FACE_OK or FACE_NO_MEMORY. */
int level_scan(struct level *level, const struct picture *picture, struct resize *resize,
               const struct filters *filters, double least_score);

void level_free(struct level *level);

#endif
