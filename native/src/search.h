/* Where a sub-detector could have found something: all windows, by the coarse filters. */
#ifndef FACE_SEARCH_H
#define FACE_SEARCH_H

#include "feature.h"
#include "filters.h"
#include "room.h"

enum { SEARCH_TILE = 32 }; /* windows side by side that are searched together */

/* A bit for each sub-detector, row and column of windows: could this one reach the threshold? */
struct search {
    struct room hit_room, sum_room, line_room;
    uint32_t *hits;     /* [detectors][rows][tiles]; bit i of tile t is column 32 t + i */
    int32_t rows, tiles; /* of windows */
};

/* Search all windows of the features: set a bit wherever dlib's score could be `least_score` above a sub-detector's
 * threshold, or more, and seldom elsewhere. FACE_OK or FACE_NO_MEMORY. Needs AVX2. */
int search_windows(struct search *search, const struct features *features, const struct filters *filters,
                   double least_score);

void search_free(struct search *search);

static inline uint32_t search_hits(const struct search *search, int32_t detector, int32_t row, int32_t tile) {
    return search->hits[((ptrdiff_t)detector * search->rows + row) * search->tiles + tile];
}

#endif
