/* Divides one allocation into the parts that a run works in. */
#include "resnet_room.h"

#include <stdlib.h>

#include "face_native.h"

enum { LINE = 64, LINE_NUMBERS = LINE / sizeof(float) };

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* The next `count` numbers of a memory of which `used` are taken, from a cache line on; without memory, NULL. */
static float *take(float *memory, size_t *used, size_t count) {
    const size_t at = *used;
    *used += (count + GAP + LINE_NUMBERS - 1) / LINE_NUMBERS * LINE_NUMBERS;
    return memory ? memory + at : NULL;
}

static size_t tile_numbers(void) {
    size_t most = STEM_ROWS * STEM_TILES * STEM_TILE;
    for (int stage = 0; stage < STAGES; stage++) {
        const int points = resnet_points(stage);
        const int of_point = resnet_strip(points) * resnet_channels(stage) + GAP;
        most = larger(most, (size_t)(points * points * of_point));
    }
    return most;
}

static Plane take_plane(float *memory, size_t *used, int stage, int faces) {
    const int side = resnet_side(stage), points = resnet_points(stage), tile = points - 2;
    Plane plane = {.width = points ? (side + tile - 1) / tile * tile + 2 : side, .channels = resnet_channels(stage)};
    const size_t row = (size_t)(plane.width * plane.channels);
    plane.face = (size_t)plane.width * row + GAP;
    plane.pixels = take(memory, used, (size_t)faces * plane.face);
    if (plane.pixels && points) plane.pixels += row + (size_t)plane.channels;
    return plane;
}

/* How many numbers it takes in all. */
static size_t divide(Room *room, float *memory) {
    size_t used = 0;
    room->stem_lines = take(memory, &used, POOL * STEM_LINE);
    room->tiles = take(memory, &used, tile_numbers());
    room->products = take(memory, &used, tile_numbers());
    for (int stage = 0; stage < STAGES; stage++) {
        room->in[stage] = take_plane(memory, &used, stage, stage >= EARLY_STAGES - 1 ? TOGETHER : 1);
        room->within[stage] = take_plane(memory, &used, stage, stage >= EARLY_STAGES ? TOGETHER : 1);
    }
    return used;
}

int resnet_room_make(Room *room) {
    const size_t bytes = divide(room, NULL) * sizeof(float);
    room->memory = calloc(bytes + LINE, 1);
    if (!room->memory) return FACE_NO_MEMORY;
    const uintptr_t after = (uintptr_t)room->memory + LINE - 1;
    divide(room, (float *)(after - after % LINE));
    return FACE_OK;
}

void resnet_room_free(Room *room) { free(room->memory); }
