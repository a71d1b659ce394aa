/* Checked weights -> filters, exact and coarse. */
#include "filters.h"

#include <math.h>
#include <string.h>

#include "coarse.h"

#if defined(__x86_64__)

enum { MOST_DETECTORS = 100, MOST_LEVELS = 1000 };

static int are_finite(const float *weights) {
    for (int32_t i = 0; i < HOG_WINDOW; i++) {
        if (!isfinite(weights[i])) return 0;
    }
    return 1;
}

/* Is filter `i` one of its sub-detector or the next one's, of a plane that there is, and made of numbers? */
static int is_good(const struct face_hog_weights *weights, int32_t i) {
    const int32_t before = i == 0 ? -1 : weights->detector[i - 1];
    const int32_t step = weights->detector[i] - before;
    return (step == 0 || step == 1) && weights->plane[i] >= 0 && weights->plane[i] < HOG_PLANES &&
           are_finite(weights->rows + (ptrdiff_t)i * HOG_WINDOW) &&
           are_finite(weights->columns + (ptrdiff_t)i * HOG_WINDOW);
}

static int are_good(const struct face_hog_weights *weights) {
    if (weights->least_level_width < 1 || weights->least_level_height < 1) return 0;
    if (weights->most_levels < 1 || weights->most_levels > MOST_LEVELS) return 0;
    if (weights->detectors < 1 || weights->detectors > MOST_DETECTORS) return 0;
    if (weights->filters < weights->detectors || weights->filters > weights->detectors * MOST_FILTERS) return 0;
    for (int32_t i = 0; i < weights->detectors; i++) {
        if (!isfinite(weights->thresholds[i])) return 0;
    }
    for (int32_t i = 0; i < weights->filters; i++) {
        if (!is_good(weights, i)) return 0;
    }
    return weights->detector[weights->filters - 1] == weights->detectors - 1;
}

static void copy_filters(struct filters *filters, const struct face_hog_weights *weights) {
    for (int32_t i = 0; i < weights->filters; i++) {
        struct filter *filter = &filters->filter[i];
        struct detector *detector = &filters->detector[weights->detector[i]];
        filter->plane = weights->plane[i];
        memcpy(filter->row, weights->rows + (ptrdiff_t)i * HOG_WINDOW, sizeof(filter->row));
        memcpy(filter->column, weights->columns + (ptrdiff_t)i * HOG_WINDOW, sizeof(filter->column));
        if (i == 0 || weights->detector[i] != weights->detector[i - 1]) detector->first = i;
        detector->end = i + 1;
        detector->threshold = weights->thresholds[weights->detector[i]];
    }
}

/* Put the coarse filters in the order of their planes; those of a plane stay in the order of their detectors. */
static void sort_by_plane(struct filters *filters, const struct coarse_filter *unsorted, int32_t count) {
    int32_t placed = 0;
    for (int32_t plane = 0; plane < HOG_PLANES; plane++) {
        filters->coarse_first[plane] = placed;
        for (int32_t i = 0; i < count; i++) {
            if (unsorted[i].plane == plane) filters->coarse[placed++] = unsorted[i];
        }
    }
    filters->coarse_first[HOG_PLANES] = placed;
}

static int make_coarse(struct filters *filters, struct coarse_filter *unsorted) {
    int32_t count = 0;
    for (int32_t index = 0; index < filters->detectors; index++) {
        struct detector *detector = &filters->detector[index];
        if (detector->end - detector->first > MOST_FILTERS) return FACE_BAD_WEIGHTS;
        const int32_t made = coarse_make(unsorted + count, detector, index, filters->filter + detector->first);
        if (made < 0) return FACE_BAD_WEIGHTS;
        count += made;
    }
    sort_by_plane(filters, unsorted, count);
    return FACE_OK;
}

int filters_make(struct filters *filters, const struct face_hog_weights *weights) {
    memset(filters, 0, sizeof(*filters));
    if (!are_good(weights)) return FACE_BAD_WEIGHTS;
    struct room unsorted = {NULL, 0};
    const size_t count = (size_t)weights->filters;
    int code = FACE_NO_MEMORY;
    if (room_for(&filters->detector_room, (size_t)weights->detectors, sizeof(struct detector)) == FACE_OK &&
        room_for(&filters->filter_room, count, sizeof(struct filter)) == FACE_OK &&
        room_for(&filters->coarse_room, count, sizeof(struct coarse_filter)) == FACE_OK &&
        room_for(&unsorted, count, sizeof(struct coarse_filter)) == FACE_OK) {
        filters->detectors = weights->detectors;
        filters->detector = filters->detector_room.bytes;
        filters->filter = filters->filter_room.bytes;
        filters->coarse = filters->coarse_room.bytes;
        copy_filters(filters, weights);
        code = make_coarse(filters, unsorted.bytes);
    }
    room_free(&unsorted);
    if (code != FACE_OK) filters_free(filters);
    return code;
}

void filters_free(struct filters *filters) {
    room_free(&filters->detector_room);
    room_free(&filters->filter_room);
    room_free(&filters->coarse_room);
}

#endif
