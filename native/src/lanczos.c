/* face_lanczos: a picture goes through the passes of lanczos_strip.c, 16 rows at a time, so that what lies between the
 * passes stays in the processor's cache. */
#include "face_native.h"

#if defined(__x86_64__)

#include <stdlib.h>
#include <string.h>

#include "lanczos_axis.h"
#include "lanczos_strip.h"

typedef struct {
    const uint8_t *pixels;
    int width, height;
    ptrdiff_t stride;
} Source;

typedef struct {
    uint8_t *pixels;
    int width, height;
} Target;

/* One resize: what is scaled, and the memory for it. */
typedef struct {
    Source source;
    Target target;
    Axis across, down;  /* no pairs where that way keeps its size */
    Bench bench;        /* for lanczos_across */
    Ring between;       /* the row pairs that lanczos_down reads, or that are narrowed */
    Ring strip;         /* down first: a strip of finished row pairs */
    uint8_t *lines;     /* down first: a strip of rows scaled down */
} Resize;

static size_t target_columns(const Resize *resize) { return (size_t)resize->target.width * COLOURS; }
static size_t source_columns(const Resize *resize) { return (size_t)resize->source.width * COLOURS; }

static uint8_t *target_row(const Resize *resize, int y) {
    return resize->target.pixels + (size_t)y * target_columns(resize);
}

/* The 16 source rows from `y` on; below the picture its last row, which has weight 0 there. */
static void source_rows(const Resize *resize, int y, const uint8_t *rows[STRIP_ROWS]) {
    const int last = resize->source.height - 1;
    for (int i = 0; i < STRIP_ROWS; i++) {
        rows[i] = resize->source.pixels + (ptrdiff_t)(y + i < last ? y + i : last) * resize->source.stride;
    }
}

static void strip_pairs(const Ring *ring, int first, uint16_t *pairs[STRIP_PAIRS]) {
    for (int i = 0; i < STRIP_PAIRS; i++) pairs[i] = ring_pair(ring, first + i);
}

static void narrow_strip(const Resize *resize, const Ring *ring, int first_row, int end_row) {
    for (int y = first_row; y < end_row; y++) {
        lanczos_narrow(ring_pair(ring, y / 2), y % 2, target_columns(resize), target_row(resize, y));
    }
}

/* Is everything there that target row `y` needs, when source rows up to `end` are? */
static int is_ready(const Resize *resize, int y, int end) {
    return y < resize->target.height && 2 * (resize->down.first[y] + resize->down.pairs) <= end;
}

static int at_most(int number, int limit) { return number < limit ? number : limit; }

/* Also where one way, or both, keep their size. */
static void across_then_down(const Resize *resize) {
    const uint8_t *rows[STRIP_ROWS];
    uint16_t *pairs[STRIP_PAIRS];
    for (int top = 0, y = 0; top < resize->source.height; top += STRIP_ROWS) {
        const int end = top + STRIP_ROWS;
        source_rows(resize, top, rows);
        strip_pairs(&resize->between, top / 2, pairs);
        if (resize->across.pairs) {
            lanczos_across(&resize->across, resize->source.width, resize->target.width, rows, &resize->bench, pairs);
        } else {
            lanczos_widen(rows, target_columns(resize), pairs);
        }
        if (!resize->down.pairs) narrow_strip(resize, &resize->between, top, at_most(end, resize->target.height));
        for (; resize->down.pairs && is_ready(resize, y, end); y++) {
            lanczos_down(&resize->down, y, &resize->between, target_columns(resize), target_row(resize, y));
        }
    }
}

/* Scale the lines that hold target rows `top` … `end` across. */
static void finish_lines(const Resize *resize, int top, int end) {
    const uint8_t *rows[STRIP_ROWS];
    uint16_t *pairs[STRIP_PAIRS];
    for (int i = 0; i < STRIP_ROWS; i++) rows[i] = resize->lines + (size_t)i * source_columns(resize);
    strip_pairs(&resize->strip, top / 2, pairs);
    lanczos_across(&resize->across, resize->source.width, resize->target.width, rows, &resize->bench, pairs);
    narrow_strip(resize, &resize->strip, top, end);
}

static void down_then_across(const Resize *resize) {
    const uint8_t *rows[STRIP_ROWS];
    uint16_t *pairs[STRIP_PAIRS];
    for (int top = 0, y = 0; top < resize->source.height; top += STRIP_ROWS) {
        source_rows(resize, top, rows);
        strip_pairs(&resize->between, top / 2, pairs);
        lanczos_widen(rows, source_columns(resize), pairs);
        for (; is_ready(resize, y, top + STRIP_ROWS); y++) {
            const int line = y % STRIP_ROWS;
            uint8_t *row = resize->lines + (size_t)line * source_columns(resize);
            lanczos_down(&resize->down, y, &resize->between, source_columns(resize), row);
            if (line == STRIP_ROWS - 1 || y == resize->target.height - 1) finish_lines(resize, y - line, y + 1);
        }
    }
}

/* Memory that begins on a cache line, filled with zeros; NULL where there is none. */
static void *zeros(size_t bytes) {
    enum { LINE = 64 };
    const size_t rounded = (bytes + LINE - 1) / LINE * LINE;
    void *memory = aligned_alloc(LINE, rounded);
    if (memory) memset(memory, 0, rounded);
    return memory;
}

/* Room for `count` row pairs or a few more, in whole strips. One cache line more to each than it needs: were their
 * distance a multiple of 4096 bytes, the cache could hold but a few of them at once. */
static int make_ring(Ring *ring, size_t columns, int count) {
    enum { LINE_CELLS = 32 };
    const size_t tiled = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
    ring->stride = (2 * tiled + LINE_CELLS - 1) / LINE_CELLS * LINE_CELLS + LINE_CELLS;
    ring->count = (count + STRIP_PAIRS - 1) / STRIP_PAIRS * STRIP_PAIRS;
    ring->cells = zeros(ring->stride * (size_t)ring->count * sizeof *ring->cells);
    return ring->cells ? FACE_OK : FACE_NO_MEMORY;
}

static int make_bench(Bench *bench, const Axis *axis) {
    bench->pixel_pairs = axis->pairs + BENCH_ROOM;
    bench->cells = zeros((size_t)bench->pixel_pairs * PIXEL_PAIR_CELLS * sizeof *bench->cells);
    return bench->cells ? FACE_OK : FACE_NO_MEMORY;
}

static int make_lines(Resize *resize) {
    resize->lines = zeros(STRIP_ROWS * source_columns(resize));
    return resize->lines ? make_ring(&resize->strip, target_columns(resize), STRIP_PAIRS) : FACE_NO_MEMORY;
}

static int prepare(Resize *resize, int down_first) {
    const Source *source = &resize->source;
    const Target *target = &resize->target;
    int code = FACE_OK;
    if (target->width < source->width) {
        code = lanczos_axis_make(&resize->across, source->width, target->width);
        if (code == FACE_OK) code = make_bench(&resize->bench, &resize->across);
    }
    if (code == FACE_OK && target->height < source->height) {
        code = lanczos_axis_make(&resize->down, source->height, target->height);
    }
    const size_t columns = down_first ? source_columns(resize) : target_columns(resize);
    if (code == FACE_OK) code = make_ring(&resize->between, columns, resize->down.pairs + STRIP_PAIRS);
    if (code == FACE_OK && down_first) code = make_lines(resize);
    return code;
}

static void clear(Resize *resize) {
    lanczos_axis_free(&resize->across);
    lanczos_axis_free(&resize->down);
    free(resize->bench.cells);
    free(resize->between.cells);
    free(resize->strip.cells);
    free(resize->lines);
}

static int is_side(int32_t source, int32_t target) {
    return 1 <= target && target <= source && source <= FACE_LONGEST_SIDE;
}

int face_lanczos(const uint8_t *source, int32_t source_width, int32_t source_height, ptrdiff_t source_stride,
                 uint8_t *target, int32_t target_width, int32_t target_height, int32_t order) {
    if (face_cpu_lacks()) return FACE_UNSUPPORTED;
    if (!is_side(source_width, target_width) || !is_side(source_height, target_height)) return FACE_BAD_SIZE;
    Resize resize = {
        .source = {source, source_width, source_height, source_stride},
        .target = {target, target_width, target_height},
    };
    const int both = target_width < source_width && target_height < source_height;
    const int down_first = both && order == FACE_DOWN_FIRST;
    const int code = prepare(&resize, down_first);
    if (code == FACE_OK && down_first) down_then_across(&resize);
    if (code == FACE_OK && !down_first) across_then_down(&resize);
    clear(&resize);
    return code;
}

#else

int face_lanczos(const uint8_t *source, int32_t source_width, int32_t source_height, ptrdiff_t source_stride,
                 uint8_t *target, int32_t target_width, int32_t target_height, int32_t order) {
    (void)source, (void)source_width, (void)source_height, (void)source_stride;
    (void)target, (void)target_width, (void)target_height, (void)order;
    return FACE_UNSUPPORTED;
}

#endif
