/* The weights of one target position of a LANCZOS scaling. */
#ifndef LANCZOS_WEIGHTS_H
#define LANCZOS_WEIGHTS_H

#include <stdint.h>

/* Weights are whole numbers of 2^-22, as in Pillow's 8-bit path (PRECISION_BITS in its Resample.c). */
enum { WEIGHT_BITS = 22 };

/* The source positions that make one target position. */
typedef struct {
    int first, count;
    double centre;
} Reach;

/* `scale` is source / target, 1 or more. */
Reach lanczos_reach(int target, double scale, int source);

/* The reach's weights, `count` of them; `room` is for as many numbers. */
void lanczos_weigh(const Reach *reach, double scale, double *room, int32_t *weights);

#endif
