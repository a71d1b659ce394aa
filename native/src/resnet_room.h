/* The memory that the network works in, and a function for each kind of CPU. */
#ifndef RESNET_ROOM_H
#define RESNET_ROOM_H

#include <stddef.h>
#include <stdint.h>

#include "resnet_learnt.h"

enum {
    /* Faces that go through the later blocks together, so that weights are fetched once for all of them. With 6 all
     * loops over rows come out even; more gain little. */
    TOGETHER = 6,
    /* Stages and their blocks that each face goes through by itself. */
    EARLY_STAGES = 2,
    EARLY_BLOCKS = 7,
    /* Of the stem each way: pixels that are made at once, and rows of the chip that are needed. */
    STEM_OUTPUTS = 3,
    STEM_TILES = (STEM_SIDE + STEM_OUTPUTS - 1) / STEM_OUTPUTS,
    STEM_ROWS = 2 * (STEM_SIDE - 1) + STEM_TAPS,
    STEM_TILE = STEM_POINTS * STEM_LENGTH,
    STEM_LINE = STEM_TILES * STEM_OUTPUTS * STEM_CHANNELS,
    POOL = 3,
    /* What is left between numbers that are worked on at once: were their distance a multiple of 4096 bytes, the cache
     * could hold but a few of them; and vectors may be written beyond the end by as much. */
    GAP = 16,
};

/* Tiles that one of Winograd's convolutions works on at once; what lies between its steps stays in the cache. */
static inline int resnet_strip(int points) { return points == 4 ? 48 : points == 6 ? 27 : 9; }

/* Pictures of one size, of some faces; [row][column][channel]. Winograd's convolutions need zeros around them. */
typedef struct {
    float *pixels; /* of the first face: its first */
    int width;     /* pixels from one row to the next */
    int channels;
    size_t face; /* numbers from one face to the next */
} Plane;

typedef struct {
    void *memory;
    float *stem_lines; /* the last POOL lines of the stem */
    float *tiles;      /* pixels at Winograd's points; of the whole chip for the stem */
    float *products;
    Plane in[STAGES];     /* what the blocks of a stage take and give */
    Plane within[STAGES]; /* between their two convolutions */
} Room;

/* FACE_OK or FACE_NO_MEMORY. */
int resnet_room_make(Room *room);

void resnet_room_free(Room *room);

/* chips: `count` of CHIP_SIDE × CHIP_SIDE × COLOURS_OF_CHIP bytes -> encodings, ENCODING_LENGTH numbers each. */
typedef void ResnetRun(const Learnt *learnt, const Room *room, const uint8_t *const *chips, size_t count,
                       float *encodings);

#if defined(__x86_64__)
ResnetRun resnet_run_avx2;
#endif
ResnetRun resnet_run_anywhere;

#endif
