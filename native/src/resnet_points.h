/* Polynomials at Winograd's points and back, one way across a tile: what goes with the filters of resnet_learnt.c. */
#ifndef RESNET_POINTS_H
#define RESNET_POINTS_H

#include "resnet_multiply.h"

enum { MOST_POINTS = 8 };

/* Points 0, 1, -1, infinity. */
FOR_CPU_UNROLLED void at_four_points(const Vector in[4], Vector at[4]) {
    at[0] = in[0] - in[2];
    at[1] = in[2] + in[1];
    at[2] = in[2] - in[1];
    at[3] = in[3] - in[1];
}

/* Points 0, 1, -1, 2, -2, infinity. */
FOR_CPU_UNROLLED void at_six_points(const Vector in[6], Vector at[6]) {
    const Vector even_1 = fused(in[2], all(-4), in[4]), odd_1 = fused(in[1], all(-4), in[3]);
    const Vector even_2 = in[4] - in[2], odd_2 = in[3] - in[1];
    at[0] = fused(in[0], all(4), fused(in[2], all(-5), in[4]));
    at[1] = even_1 + odd_1;
    at[2] = even_1 - odd_1;
    at[3] = fused(odd_2, all(2), even_2);
    at[4] = fused(odd_2, all(-2), even_2);
    at[5] = fused(in[1], all(4), fused(in[3], all(-5), in[5]));
}

/* Points 0, 1, -1, 2, -2, 1/2, -1/2, infinity. */
FOR_CPU_UNROLLED void at_eight_points(const Vector in[8], Vector at[8]) {
    const Vector even_1 = fused(in[4], all(-4.25f), in[2] + in[6]), odd_1 = fused(in[3], all(-4.25f), in[1] + in[5]);
    const Vector even_2 = fused(in[2], all(0.25f), fused(in[4], all(-1.25f), in[6]));
    const Vector odd_2 = fused(in[1], all(0.5f), fused(in[3], all(-2.5f), in[5] + in[5]));
    const Vector even_half = fused(in[2], all(4), fused(in[4], all(-5), in[6]));
    const Vector odd_half = fused(in[5], all(0.5f), fused(in[3], all(-2.5f), in[1] + in[1]));
    at[0] = fused(in[4] - in[2], all(5.25f), in[0] - in[6]);
    at[1] = even_1 + odd_1;
    at[2] = even_1 - odd_1;
    at[3] = even_2 + odd_2;
    at[4] = even_2 - odd_2;
    at[5] = even_half + odd_half;
    at[6] = even_half - odd_half;
    at[7] = fused(in[3] - in[5], all(5.25f), in[7] - in[1]);
}

FOR_CPU_UNROLLED void two_outputs(const Vector at[4], Vector out[2]) {
    out[0] = at[0] + (at[1] + at[2]);
    out[1] = at[1] - at[2] + at[3];
}

/* The stem's, whose filters have one tap more. */
FOR_CPU_UNROLLED void three_outputs(const Vector at[6], Vector out[3]) {
    const Vector even_1 = at[1] + at[2], odd_1 = at[1] - at[2], even_2 = at[3] + at[4], odd_2 = at[3] - at[4];
    out[0] = at[0] + even_1 + even_2;
    out[1] = fused(odd_2, all(2), odd_1);
    out[2] = fused(even_2, all(4), even_1) + at[5];
}

FOR_CPU_UNROLLED void four_outputs(const Vector at[6], Vector out[4]) {
    const Vector even_1 = at[1] + at[2], odd_1 = at[1] - at[2], even_2 = at[3] + at[4], odd_2 = at[3] - at[4];
    out[0] = at[0] + even_1 + even_2;
    out[1] = fused(odd_2, all(2), odd_1);
    out[2] = fused(even_2, all(4), even_1);
    out[3] = fused(odd_2, all(8), odd_1) + at[5];
}

/* The last two points go with 32 times their powers. */
FOR_CPU_UNROLLED void six_outputs(const Vector at[8], Vector out[6]) {
    const Vector even_1 = at[1] + at[2], odd_1 = at[1] - at[2], even_2 = at[3] + at[4], odd_2 = at[3] - at[4];
    const Vector even_half = at[5] + at[6], odd_half = at[5] - at[6];
    out[0] = fused(even_half, all(32), at[0] + even_1 + even_2);
    out[1] = fused(odd_half, all(16), fused(odd_2, all(2), odd_1));
    out[2] = fused(even_half, all(8), fused(even_2, all(4), even_1));
    out[3] = fused(odd_half, all(4), fused(odd_2, all(8), odd_1));
    out[4] = fused(even_half, all(2), fused(even_2, all(16), even_1));
    out[5] = fused(odd_2, all(32), odd_1 + odd_half) + at[7];
}

FOR_CPU_UNROLLED void at_points(const int points, const Vector *in, Vector *at) {
    if (points == 4) at_four_points(in, at);
    if (points == 6) at_six_points(in, at);
    if (points == 8) at_eight_points(in, at);
}

FOR_CPU_UNROLLED void outputs(const int points, const Vector *at, Vector *out) {
    if (points == 4) two_outputs(at, out);
    if (points == 6) four_outputs(at, out);
    if (points == 8) six_outputs(at, out);
}

#endif
