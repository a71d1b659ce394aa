/* Convolutions of 3 × 3 with stride 1 by Winograd: tiles of pixels are taken to the points of resnet_points.h, both
 * ways; there each point is multiplied by itself; and what that gives is taken back to pixels. */
#ifndef RESNET_WINOGRAD_H
#define RESNET_WINOGRAD_H

#include "resnet_points.h"

/* A convolution: its weights and what it goes from and to, for some faces. */
typedef struct {
    Shape shape;
    const float *weights, *bias;
    const Plane *in, *out;
    int faces;
    int adds; /* to what is there, which came past the block; else over it */
} Convolution;

static inline float *pixel(const Plane *plane, int face, int row, int column) {
    return plane->pixels + (ptrdiff_t)((size_t)face * plane->face) +
           (ptrdiff_t)(row * plane->width + column) * plane->channels;
}

/* A tile: the face, and the row and column of its first output. */
typedef struct {
    int face, row, column;
} Tile;

static inline Tile tile_at(int index, int across, int outputs) {
    const int of_face = index % (across * across);
    return (Tile){index / (across * across), of_face / across * outputs, of_face % across * outputs};
}

/* points × points pixels from `in` on -> the same number of points, `apart` from each other. */
FOR_CPU_UNROLLED void tile_to_points(const int points, const Plane *plane, const float *in, float *tile, size_t apart) {
    const ptrdiff_t row = (ptrdiff_t)plane->width * plane->channels;
    for (int channel = 0; channel < plane->channels; channel += LANES) {
        Vector half[MOST_POINTS][MOST_POINTS], line[MOST_POINTS], at[MOST_POINTS];
        for (int x = 0; x < points; x++) {
            for (int y = 0; y < points; y++) line[y] = load(in + y * row + x * plane->channels + channel);
            at_points(points, line, at);
            for (int y = 0; y < points; y++) half[y][x] = at[y];
        }
        for (int y = 0; y < points; y++) {
            at_points(points, half[y], at);
            for (int x = 0; x < points; x++) store(tile + (size_t)(y * points + x) * apart + channel, at[x]);
        }
    }
}

/* Products at points × points, `apart` from each other -> the tile's outputs, of which `rows` × `columns` lie within
 * the picture. */
FOR_CPU_UNROLLED void tile_to_pixels(const int points, const Convolution *convolution, const float *products,
                                     size_t apart, float *out, int rows, int columns) {
    const int channels = convolution->shape.outputs, count = points - 2;
    const ptrdiff_t row = (ptrdiff_t)convolution->out->width * channels;
    for (int channel = 0; channel < channels; channel += LANES) {
        Vector half[MOST_POINTS][MOST_POINTS], line[MOST_POINTS], made[MOST_POINTS];
        const Vector bias = load(convolution->bias + channel);
        for (int x = 0; x < points; x++) {
            for (int y = 0; y < points; y++) line[y] = load(products + (size_t)(y * points + x) * apart + channel);
            outputs(points, line, made);
            for (int y = 0; y < count; y++) half[y][x] = made[y];
        }
        for (int y = 0; y < count && y < rows; y++) {
            outputs(points, half[y], made);
            for (int x = 0; x < count && x < columns; x++) {
                float *to = out + y * row + x * channels + channel;
                const Vector past = convolution->adds ? load(to) : all(0);
                store(to, larger(made[x] + bias + past, all(0)));
            }
        }
    }
}

/* Multiply `count` tiles, at each point. */
FOR_CPU static void multiply_tiles(const int points, const Convolution *convolution, const Room *room, int count,
                                   size_t in_apart, size_t out_apart) {
    const int inputs = convolution->shape.inputs, channels = convolution->shape.outputs;
    const float *panel = convolution->weights;
    Rows rows = {.count = count};
    for (int i = 0; i < count; i++) {
        rows.in[i] = i * inputs;
        rows.out[i] = i * channels;
    }
    for (int point = 0; point < points * points; point++) {
        const float *in = room->tiles + (size_t)point * in_apart;
        float *out = room->products + (size_t)point * out_apart;
        for (int output = 0; output < channels; output += PANEL, panel += inputs * PANEL) {
            multiply(&rows, in, (Inputs){1, inputs, 0}, panel, NOTHING, out + output);
        }
    }
}

FOR_CPU_UNROLLED void convolve_by_winograd(const int points, const Convolution *convolution, const Room *room) {
    const Shape *shape = &convolution->shape;
    const int made = points - 2, across = (shape->out_side + made - 1) / made, most = resnet_strip(points);
    const int total = across * across * convolution->faces;
    for (int first = 0; first < total; first += most) {
        const int count = total - first < most ? total - first : most;
        const size_t in_apart = (size_t)(count * shape->inputs + GAP);
        const size_t out_apart = (size_t)(count * shape->outputs + GAP);
        for (int i = 0; i < count; i++) {
            const Tile tile = tile_at(first + i, across, made);
            const float *in = pixel(convolution->in, tile.face, tile.row - 1, tile.column - 1);
            tile_to_points(points, convolution->in, in, room->tiles + i * shape->inputs, in_apart);
        }
        multiply_tiles(points, convolution, room, count, in_apart, out_apart);
        for (int i = 0; i < count; i++) {
            const Tile tile = tile_at(first + i, across, made);
            float *out = pixel(convolution->out, tile.face, tile.row, tile.column);
            tile_to_pixels(points, convolution, room->products + i * shape->outputs, out_apart, out,
                           shape->out_side - tile.row, shape->out_side - tile.column);
        }
    }
}

#endif
