/* Convolutions of 3 × 3 tap by tap, at the smaller pictures and where they become smaller: each part (resnet_parts) is
 * added to all the outputs for which its taps lie within the picture. */
#ifndef RESNET_TAPS_H
#define RESNET_TAPS_H

#include "resnet_winograd.h"

/* The outputs that a part adds to, and the inputs of each. */
FOR_CPU static void list_rows(const Convolution *convolution, Part part, Rows *rows) {
    const Shape *shape = &convolution->shape;
    const int around = shape->stride == 1;
    rows->count = 0;
    for (int face = 0; face < convolution->faces; face++) {
        for (int y = 0; y < shape->out_side; y++) {
            for (int x = 0; x < shape->out_side; x++) {
                const int row = y * shape->stride + part.row - around;
                const int column = x * shape->stride + part.column - around;
                if (row < 0 || row >= shape->in_side || column < 0 || column >= shape->in_side) continue;
                rows->in[rows->count] = pixel(convolution->in, face, row, column) - convolution->in->pixels;
                rows->out[rows->count] = pixel(convolution->out, face, y, x) - convolution->out->pixels;
                rows->count++;
            }
        }
    }
}

FOR_CPU static void add_parts(const Convolution *convolution) {
    const Shape *shape = &convolution->shape;
    const float *panel = convolution->weights;
    Part parts[MOST_PARTS];
    Rows rows;
    const int count = resnet_parts(shape, parts);
    for (int i = 0; i < count; i++) {
        const int length = parts[i].taps * shape->inputs;
        list_rows(convolution, parts[i], &rows);
        for (int output = 0; output < shape->outputs; output += PANEL, panel += length * PANEL) {
            multiply(&rows, convolution->in->pixels, (Inputs){1, length, 0}, panel, NULL,
                     convolution->out->pixels + output);
        }
    }
}

/* What the parts are added to: the bias, and what came past the block if it is to be kept. */
FOR_CPU static void begin_pixel(const Convolution *convolution, float *out) {
    for (int channel = 0; channel < convolution->shape.outputs; channel += LANES) {
        const Vector bias = load(convolution->bias + channel), past = load(out + channel);
        store(out + channel, convolution->adds ? past + bias : bias);
    }
}

FOR_CPU static void end_pixel(const Convolution *convolution, float *out) {
    for (int channel = 0; channel < convolution->shape.outputs; channel += LANES) {
        store(out + channel, larger(load(out + channel), all(0)));
    }
}

FOR_CPU static void each_pixel(const Convolution *convolution, void act(const Convolution *, float *)) {
    const int side = convolution->shape.out_side;
    for (int face = 0; face < convolution->faces; face++) {
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) act(convolution, pixel(convolution->out, face, y, x));
        }
    }
}

FOR_CPU static void convolve_by_taps(const Convolution *convolution) {
    each_pixel(convolution, begin_pixel);
    add_parts(convolution);
    each_pixel(convolution, end_pixel);
}

#endif
