/* Filters of small integers that are nearly a sub-detector's own. */
#ifndef FACE_COARSE_H
#define FACE_COARSE_H

#include "filters.h"

/* The most filters that a sub-detector can have: HOG_PLANES × HOG_WINDOW / 3 (scan_fhog_pyramid.h,
 * `apply_filters_to_fhog`). */
enum { MOST_FILTERS = HOG_PLANES * HOG_WINDOW / 3 };

/* Make the coarse filters of the sub-detector `index`, whose `filter`s are given, and set its scale and margin.
 * Returns how many they are (at most as many as the filters), or -1 if the weights are out of all proportion. */
int32_t coarse_make(struct coarse_filter *coarse, struct detector *detector, int32_t index,
                    const struct filter *filter);

#endif
