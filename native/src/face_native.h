/* The whole interface of the library, as Python's ctypes sees it (faces/photo/fast/native_library.py declares the same).
 *
 * Plain C: every function is safe to call from several threads at once and after a fork, starts no thread, prints
 * nothing and keeps nothing between calls, but what a handle of its own holds. */
#ifndef FACE_NATIVE_H
#define FACE_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#define FACE_API __attribute__((visibility("default")))

/* Raised with every change of this file that a caller could notice; Python takes exactly the number that it knows. */
#define FACE_ABI 1

/* What functions return. Anything but FACE_OK leaves the output undefined. */
enum face_code {
    FACE_OK = 0,
    FACE_NO_MEMORY = 1,   /* an allocation failed */
    FACE_BAD_SIZE = 2,    /* a size that the function does not take; its comment says which */
    FACE_UNSUPPORTED = 3, /* this CPU lacks what face_cpu_lacks() names */
    FACE_BAD_WEIGHTS = 4, /* weights that the function does not take; its comment says which */
};

/* What this machine lacks; bits of face_cpu_lacks(). */
enum face_lack {
    FACE_LACKS_X86_64 = 1, /* compiled for another architecture: no fast path was built */
    FACE_LACKS_AVX2 = 2,
    FACE_LACKS_FMA = 4,
};

/* FACE_ABI, as it was when the library was compiled. */
FACE_API int face_abi(void);

/* 0 where every function works; else the bits of face_lack, and all other functions but those of the ResNet, which works
 * everywhere, return FACE_UNSUPPORTED. */
FACE_API int face_cpu_lacks(void);

/* --- Resize --- */

/* The longest side that face_lanczos() takes, of source and target. */
#define FACE_LONGEST_SIDE 200000

/* Which way a picture is scaled first. Between the two ways pixels are rounded to 8 bits, so that the order shows. */
enum face_order {
    FACE_ACROSS_FIRST = 0,
    FACE_DOWN_FIRST = 1,
};

/* Scale a picture down: the same bytes as Pillow's Image.resize((target_width, target_height), LANCZOS) for RGB.
 *
 * source: `source_height` rows of `source_width` × 3 bytes; a row begins `source_stride` bytes after the one before it
 * (any number, negative too). target: target_height × target_width × 3 bytes without gaps, not overlapping the source.
 *
 * Returns FACE_OK, FACE_NO_MEMORY, FACE_UNSUPPORTED, or FACE_BAD_SIZE: a side below 1 or above FACE_LONGEST_SIDE, or a
 * target larger than its source in one way. */
FACE_API int face_lanczos(const uint8_t *source, int32_t source_width, int32_t source_height, ptrdiff_t source_stride,
                          uint8_t *target, int32_t target_width, int32_t target_height, int32_t order);

/* --- Scan --- */

/* The longest side that face_scan() takes, after all doublings. */
#define FACE_LONGEST_SCAN 25000

/* The most threads that face_scan() works with. */
#define FACE_MOST_THREADS 2

/* What a HOG detector of dlib has learnt: windows of 10 × 10 cells of 8 pixels, 31 planes of features, each plane's
 * filter as a sum of separable ones (faces/photo/fast/hog_weights.py). */
struct face_hog_weights {
    int32_t detectors;        /* sub-detectors, 1 to 100 */
    int32_t filters;          /* of all of them: 1 to 103 each */
    const double *thresholds; /* [detectors] */
    const int32_t *detector;  /* [filters]: 0, 0 ... 1, 1 ...: none is left out */
    const int32_t *plane;     /* [filters]: 0 to 30, in the order in which dlib adds them up */
    const float *rows;        /* [filters][10]: the weights along a row of cells */
    const float *columns;     /* [filters][10]: and down the column of what that gave */
    double most_overlap;      /* of two boxes that share more of their union, or of one of the two, */
    double most_covered;      /* the weaker is dropped */
    int32_t least_level_width;  /* the picture is made smaller and scanned again while it is that large: */
    int32_t least_level_height; /* at least 1 */
    int32_t most_levels;        /* or so many times: 1 to 1000 */
};

/* A face: its box, edges included, in pixels of the picture given (it may reach beyond it); how much above the
 * sub-detector's threshold it scored; which sub-detector it was. */
struct face_detection {
    int32_t left, top, right, bottom;
    double score;
    int32_t detector;
};

/* The filters in the form that the scan needs, and memory that is kept from one scan to the next. */
struct face_scanner;

/* Make a scanner; the weights are copied. Returns FACE_OK, FACE_NO_MEMORY, FACE_UNSUPPORTED, or FACE_BAD_WEIGHTS:
 * numbers that are not finite, out of all proportion, or not in the order and limits above. */
FACE_API int face_scanner_make(const struct face_hog_weights *weights, struct face_scanner **scanner);

/* Give back all of its memory. NULL is fine. */
FACE_API void face_scanner_free(struct face_scanner *scanner);

/* Give back what it keeps for the next scan: about 60 MB for a picture of 1334 × 2000, doubled, and 35 MB more for a
 * second thread. The next scan then takes a tenth longer. */
FACE_API void face_scanner_trim(struct face_scanner *scanner);

/* Find faces: the same boxes, scores, sub-detectors and order as dlib's `detector.run(pixels, doublings, least_score)`
 * (dlib on x86-64 with AVX, without FMA, as its wheels are).
 *
 * pixels: `height` rows of `width` × 3 bytes, red, green, blue; a row begins `stride` bytes after the one before it
 * (any number, negative too). doublings: how often the picture is doubled first. threads: 1 to FACE_MOST_THREADS; what
 * is found is the same. Threads end before the function returns; where none can be started, fewer do the work.
 *
 * One call at a time for each scanner. `*detections` has `*count` of them, and stays until the next call with the same
 * scanner.
 *
 * Returns FACE_OK, FACE_NO_MEMORY, FACE_UNSUPPORTED, or FACE_BAD_SIZE: a side below 1 or above FACE_LONGEST_SCAN, fewer
 * than 0 doublings, or threads out of their limits. */
FACE_API int face_scan(struct face_scanner *scanner, const uint8_t *pixels, int32_t width, int32_t height,
                       ptrdiff_t stride, int32_t doublings, double least_score, int32_t threads,
                       const struct face_detection **detections, size_t *count);

/* --- ResNet --- */

/* dlib's face recognition ResNet (dlib_face_recognition_resnet_model_v1), and the memory that it works in. On any CPU, by
 * AVX2 and FMA where there are both. */
struct face_resnet;

/* Make one, of what faces/photo/fast/resnet_file.py reads; the numbers are copied. In this order, each array by rows:
 *
 *     the means of all pictures (3)
 *     for the stem, then for each block's first and second convolution:
 *         the weights (outputs, inputs, rows, columns) and the bias (outputs)
 *     the weights of the output (256, 128)
 *
 * Returns FACE_OK, FACE_NO_MEMORY, or FACE_BAD_WEIGHTS: they are not as many numbers as these. */
FACE_API int face_resnet_make(const float *numbers, size_t count, struct face_resnet **resnet);

/* Encode `count` faces: chips of 150 × 150 × 3 bytes, red, green, blue, as dlib's get_face_chip cuts them -> 128 numbers
 * each, a hundred-thousandth (L2) from dlib's at most. A face's numbers do not depend on what is encoded with it.
 *
 * One call at a time for each face_resnet. */
FACE_API void face_resnet_run(struct face_resnet *resnet, const uint8_t *const *chips, size_t count, float *encodings);

/* Give back all of its memory. NULL is fine. */
FACE_API void face_resnet_free(struct face_resnet *resnet);

#endif
