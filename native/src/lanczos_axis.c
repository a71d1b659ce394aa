/* Lays the weights of an axis out for the passes of lanczos_strip.c. */
#include "lanczos_axis.h"

#include <stdlib.h>

#include "face_native.h"
#include "lanczos_weights.h"

/* How many pairs the widest reach touches. */
static int most_pairs(double scale, int source, int target) {
    int most = 0;
    for (int i = 0; i < target; i++) {
        const Reach reach = lanczos_reach(i, scale, source);
        const int pairs = (reach.first % 2 + reach.count + 1) / 2;
        if (pairs > most) most = pairs;
    }
    return most;
}

/* Put a weight into the lower or upper half of its pair. */
static void put(PairWeights *pair, int upper, int32_t weight) {
    const uint32_t low = (uint32_t)weight & ((1u << LOW_BITS) - 1);
    const uint32_t high = (uint32_t)((weight - (int32_t)low) / (1 << LOW_BITS)) & 0xFFFF;
    const int shift = upper ? 16 : 0;
    pair->low = (int32_t)((uint32_t)pair->low | low << shift);
    pair->high = (int32_t)((uint32_t)pair->high | high << shift);
}

/* `room` and `weights` are for as many numbers as the widest reach has. */
static void fill(Axis *axis, int source, int target, double *room, int32_t *weights) {
    const double scale = (double)source / target;
    const int last_first = (source + 1) / 2 - axis->pairs;
    for (int i = 0; i < target; i++) {
        const Reach reach = lanczos_reach(i, scale, source);
        const int first = reach.first / 2 < last_first ? reach.first / 2 : last_first;
        PairWeights *pairs = axis->weights + (size_t)i * (size_t)axis->pairs;
        axis->first[i] = first;
        lanczos_weigh(&reach, scale, room, weights);
        for (int j = 0, at = reach.first - 2 * first; j < reach.count; j++, at++) {
            put(&pairs[at / 2], at % 2, weights[j]);
        }
    }
}

int lanczos_axis_make(Axis *axis, int source, int target) {
    axis->pairs = most_pairs((double)source / target, source, target);
    axis->first = malloc((size_t)target * sizeof *axis->first);
    axis->weights = calloc((size_t)target * (size_t)axis->pairs, sizeof *axis->weights);
    const size_t widest = 2 * (size_t)axis->pairs;
    double *room = malloc(widest * sizeof *room);
    int32_t *weights = malloc(widest * sizeof *weights);
    const int have_all = axis->first && axis->weights && room && weights;
    if (have_all) fill(axis, source, target, room, weights);
    free(room);
    free(weights);
    return have_all ? FACE_OK : FACE_NO_MEMORY;
}

void lanczos_axis_free(Axis *axis) {
    free(axis->first);
    free(axis->weights);
}
