/* The whole network: the stem, the blocks, and the 128 numbers of their mean. */
#ifndef RESNET_BLOCKS_H
#define RESNET_BLOCKS_H

#include "resnet_stem.h"
#include "resnet_taps.h"

/* Convolution `index` and relu; a block's second one adds to what came past the block. */
FOR_CPU static void convolve(const Learnt *learnt, const Room *room, int index, const Plane *in, const Plane *out,
                             int faces) {
    const Convolution convolution = {
        .shape = resnet_shape(index),
        .weights = learnt->weights[index],
        .bias = learnt->biases[index],
        .in = in,
        .out = out,
        .faces = faces,
        .adds = index % 2,
    };
    switch (convolution.shape.points) {
        case 4: convolve_by_winograd(4, &convolution, room); break;
        case 6: convolve_by_winograd(6, &convolution, room); break;
        case 8: convolve_by_winograd(8, &convolution, room); break;
        default: convolve_by_taps(&convolution); break;
    }
}

/* The way past a block that makes the picture smaller: means of 2 × 2, and zeros in the channels that are new. */
FOR_CPU static void halve(const Plane *in, const Plane *out, int side, int faces) {
    const ptrdiff_t down = (ptrdiff_t)in->width * in->channels, across = in->channels;
    for (int i = 0; i < faces * side * side; i++) {
        const int face = i / (side * side), y = i / side % side, x = i % side;
        const float *from = pixel(in, face, 2 * y, 2 * x);
        float *to = pixel(out, face, y, x);
        for (int channel = 0; channel < in->channels; channel += LANES, from += LANES) {
            const Vector sum = load(from) + load(from + across) + load(from + down) + load(from + down + across);
            store(to + channel, sum * all(0.25f));
        }
        for (int channel = in->channels; channel < out->channels; channel += LANES) store(to + channel, all(0));
    }
}

/* Blocks `first` … `end` of some faces, from a stage on; `in` are the planes of all stages. */
FOR_CPU static void go_through(const Learnt *learnt, const Room *room, const Plane *in, int stage, int first, int end,
                               int faces) {
    for (int block = first; block < end; block++) {
        const Plane *from = &in[stage];
        if (resnet_shape(2 * block).stride == 2) {
            stage++;
            halve(from, &in[stage], resnet_side(stage), faces);
        }
        convolve(learnt, room, 2 * block, from, &room->within[stage], faces);
        convolve(learnt, room, 2 * block + 1, &room->within[stage], &in[stage], faces);
    }
}

/* The mean of what is left, 2 × 2 pixels, times the last weights. */
FOR_CPU static void finish(const Learnt *learnt, const Plane *in, int faces, float *encodings) {
    float means[TOGETHER * LAST_CHANNELS];
    Rows rows = {.count = faces};
    for (int face = 0; face < faces; face++) {
        const float *from = pixel(in, face, 0, 0);
        rows.in[face] = face * LAST_CHANNELS;
        rows.out[face] = face * ENCODING_LENGTH;
        for (int channel = 0; channel < LAST_CHANNELS; channel += LANES, from += LANES) {
            const Vector sum = load(from) + load(from + LAST_CHANNELS) + load(from + 2 * LAST_CHANNELS) +
                               load(from + 3 * LAST_CHANNELS);
            store(means + rows.in[face] + channel, sum * all(0.25f));
        }
    }
    for (int i = 0; i < ENCODING_LENGTH; i += PANEL) {
        const float *panel = learnt->output + i * LAST_CHANNELS;
        multiply(&rows, means, (Inputs){1, LAST_CHANNELS, 0}, panel, NOTHING, encodings + i);
    }
}

FOR_CPU static void run(const Learnt *learnt, const Room *room, const uint8_t *const *chips, size_t count,
                        float *encodings) {
    for (size_t first = 0; first < count; first += TOGETHER) {
        const int faces = count - first < TOGETHER ? (int)(count - first) : TOGETHER;
        for (int face = 0; face < faces; face++) {
            Plane of_face[EARLY_STAGES] = {room->in[0], room->in[1]};
            of_face[1].pixels = pixel(&room->in[1], face, 0, 0);
            stem(learnt, room, chips[first + (size_t)face], &of_face[0]);
            go_through(learnt, room, of_face, 0, 0, EARLY_BLOCKS, 1);
        }
        go_through(learnt, room, room->in, 1, EARLY_BLOCKS, BLOCKS, faces);
        finish(learnt, &room->in[STAGES - 1], faces, encodings + first * ENCODING_LENGTH);
    }
}

#endif
