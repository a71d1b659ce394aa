/* The weights of a LANCZOS scaling, the same whole numbers as Pillow's: precompute_coeffs, lanczos_filter and
 * normalize_coeffs_8bpc in its Resample.c. Its arithmetic, two sines a weight, costs as much as a tenth of the picture;
 * so weights are made in a cheaper way first, and as Pillow does it where a rounding could come out another way. */
#include "lanczos_weights.h"

#include <math.h>

static const double PI = 3.14159265358979323846;
/* Lobes of the filter on each side, in target positions. */
static const double SUPPORT = 3.0;
static const double ONE = 1 << WEIGHT_BITS;

Reach lanczos_reach(int target, double scale, int source) {
    const double centre = (target + 0.5) * scale, support = SUPPORT * scale;
    int first = (int)(centre - support + 0.5), end = (int)(centre + support + 0.5);
    if (first < 0) first = 0;
    if (end > source) end = source;
    return (Reach){.first = first, .count = end - first, .centre = centre};
}

static double sinc(double x) {
    if (x == 0.0) return 1.0;
    x = x * PI;
    return sin(x) / x;
}

static double lanczos(double x) { return -SUPPORT <= x && x < SUPPORT ? sinc(x) * sinc(x / 3) : 0.0; }

/* As Pillow does it, every operation in its order. */
static void weigh_exactly(const Reach *reach, double scale, double *room, int32_t *weights) {
    const double shrink = 1.0 / scale;
    double sum = 0.0;
    for (int i = 0; i < reach->count; i++) {
        room[i] = lanczos((i + reach->first - reach->centre + 0.5) * shrink);
        sum += room[i];
    }
    for (int i = 0; i < reach->count; i++) {
        const double weight = room[i] / sum;
        weights[i] = (int32_t)(weight < 0 ? -0.5 + weight * ONE : 0.5 + weight * ONE);
    }
}

/* lanczos(x) of a = x · pi / 3 and s = sin(a): sin(3a) · sin(a) / 3a², where sin(3a) = 3s - 4s³. Around 0, where that
 * would magnify the errors of s, the first terms of its series. */
static double lanczos_of_sine(double a, double s) {
    const double aa = a * a, ss = s * s;
    if (aa < 1e-6) return 1.0 - aa * (5.0 / 3.0 - aa * (14.0 / 15.0));
    return ss * (3.0 - 4.0 * ss) / (3.0 * aa);
}

/* The same from one sine: the others follow by turning its angle on. Tells whether all weights are beyond doubt.
 *
 * Each turn adds 3.3e-16 to the error of the sine, the filter makes it 2000 times as large at most (at a = 0.001), and
 * there are 6 turns or little more to each 1 of the sum of weights: that is 2e-5 of ONE. A rounding is in doubt within
 * five times as much. */
static int weigh_quickly(const Reach *reach, double scale, double *room, int32_t *weights) {
    const double doubt = 1e-4;
    const double turn = PI / 3 / scale, start = (reach->first - reach->centre + 0.5) * turn;
    const double turn_sine = sin(turn), turn_cosine = cos(turn);
    double sine = sin(start), cosine = cos(start), sum = 0.0, nearest = 1.0;
    for (int i = 0; i < reach->count; i++) {
        room[i] = lanczos_of_sine(start + i * turn, sine);
        sum += room[i];
        const double next = sine * turn_cosine + cosine * turn_sine;
        cosine = cosine * turn_cosine - sine * turn_sine;
        sine = next;
    }
    for (int i = 0; i < reach->count; i++) {
        const double weight = room[i] / sum * ONE, below = floor(weight);
        const double from_half = fabs(weight - below - 0.5);
        nearest = from_half < nearest ? from_half : nearest;
        weights[i] = (int32_t)floor(weight + 0.5);
    }
    return nearest > doubt;
}

void lanczos_weigh(const Reach *reach, double scale, double *room, int32_t *weights) {
    if (!weigh_quickly(reach, scale, room, weights)) weigh_exactly(reach, scale, room, weights);
}
