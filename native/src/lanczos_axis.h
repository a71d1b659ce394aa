/* How one axis of a picture is scaled by LANCZOS: which source positions make a target position, and their weights. */
#ifndef LANCZOS_AXIS_H
#define LANCZOS_AXIS_H

#include <stdint.h>

/* A weight is high · 2^11 + low with 0 <= low < 2^11: two 16-bit numbers, whose products give the exact sum. They have
 * room: each weight was divided by the sum of its target's weights, which is half the largest or more. */
enum { LOW_BITS = 11 };

/* The weights of two neighbouring source positions, the first one's in the lower 16 bits. */
typedef struct {
    int32_t low, high;
} PairWeights;

/* Target i is the sum of `pairs` source pairs from pair first[i] on (positions 2 · first[i], 2 · first[i] + 1, …),
 * weighted with weights[i · pairs] and on. Every target has the same number of pairs, some with weights of 0, and none
 * lies beyond the last source position, but for the second half of the last pair of an odd source. */
typedef struct {
    int pairs;
    int32_t *first;
    PairWeights *weights;
} Axis;

/* For 1 <= target < source. Returns FACE_OK or FACE_NO_MEMORY; lanczos_axis_free() is due in both cases. */
int lanczos_axis_make(Axis *axis, int source, int target);
void lanczos_axis_free(Axis *axis);

#endif
