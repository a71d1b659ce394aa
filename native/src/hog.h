/* The numbers that the scan is built on. dlib's name of each stands behind it; the weights are checked against them
 * before they come here (faces/photo/fast/hog_weights.py). */
#ifndef FACE_HOG_H
#define FACE_HOG_H

enum {
    HOG_CELL = 8,          /* pixels along a cell's side: scan_fhog_pyramid's cell_size */
    HOG_ORIENTATIONS = 18, /* directions of a gradient, 20° each: fhog.h, `directions` and their opposites */
    HOG_PLANES = 31,       /* features of a cell: 18 directed, 9 undirected, 4 of texture */
    HOG_UNDIRECTED = 9,
    HOG_NORMS = 4,         /* the four blocks of 2 × 2 cells that a cell lies in */
    HOG_WINDOW = 10,       /* cells along a window's side: 80 pixels */
    HOG_BORDER = 4,        /* empty cells before the first of a row or column: (HOG_WINDOW - 1) / 2 */
};

/* Compiled for AVX2; called only where face_cpu_lacks() says that the CPU has it. */
#define FACE_AVX2 __attribute__((target("avx2")))

#endif
