/* The scan as Python calls it: levels, shared among threads, then all that they found. */
#include "face_native.h"

#if defined(__x86_64__)

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "filters.h"
#include "found.h"
#include "level.h"
#include "pyramid.h"

struct face_scanner {
    struct filters filters;
    struct face_hog_weights limits; /* only its numbers, not its arrays */
    struct pyramid pyramid;
    struct level levels[FACE_MOST_THREADS]; /* one for each thread */
    struct room part_room, found_room, detection_room;
};

/* Which hits a level has: those of one thread from `first` to `end`. */
struct part {
    const struct level *level;
    size_t first, end;
};

/* --- Levels --- */

/* A scan under way. All but what is constant is used with the lock held. */
struct scan {
    struct face_scanner *scanner;
    double least_score;
    int32_t threads, levels;
    pthread_mutex_t lock;
    int32_t next; /* the first level that nobody has taken */
    int code;     /* the first failure */
};

/* What a thread works at. */
struct task {
    struct scan *scan;
    struct level *level;
    int32_t index, picture;
};

/* Nothing is left of the picture: dlib would go on with empty ones. */
static void end_levels(struct scan *scan) {
    scan->levels = scan->next;
    scan->code = FACE_OK;
}

/* Take the next level. With several threads its picture is filled before the lock is given back, since the level after
 * it is made from it. Returns 0 when there is nothing more to do. */
static int take_level(struct task *task) {
    struct scan *scan = task->scan;
    struct pyramid *pyramid = &scan->scanner->pyramid;
    if (scan->code != FACE_OK || scan->next == scan->levels) return 0;
    if (scan->next > 0) scan->code = pyramid_next(pyramid);
    if (scan->code == FACE_BAD_SIZE) end_levels(scan);
    if (scan->code != FACE_OK || scan->next == scan->levels) return 0;
    if (scan->threads > 1) pyramid_fill(pyramid);
    task->index = scan->next++;
    task->picture = pyramid->latest;
    pyramid->is_needed[task->picture] = 1;
    return 1;
}

/* Scan the level taken, without the lock. */
static int scan_level(const struct task *task) {
    struct face_scanner *scanner = task->scan->scanner;
    struct part *part = (struct part *)scanner->part_room.bytes + task->index;
    struct resize *resize = task->scan->threads == 1 ? pyramid_unfilled(&scanner->pyramid) : NULL;
    const struct picture *picture = &scanner->pyramid.pictures[task->picture];
    part->level = task->level;
    part->first = task->level->hits;
    const int code = level_scan(task->level, picture, resize, &scanner->filters, task->scan->least_score);
    part->end = task->level->hits;
    return code;
}

static void *work(void *of_thread) {
    struct task *task = of_thread;
    struct scan *scan = task->scan;
    pthread_mutex_lock(&scan->lock);
    while (take_level(task)) {
        pthread_mutex_unlock(&scan->lock);
        const int code = scan_level(task);
        pthread_mutex_lock(&scan->lock);
        scan->scanner->pyramid.is_needed[task->picture] = 0;
        if (scan->code == FACE_OK) scan->code = code;
    }
    pthread_mutex_unlock(&scan->lock);
    return NULL;
}

/* Start a thread that gets no signals: they are for the threads that were there before. */
static int start(pthread_t *thread, struct task *task) {
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return 0;
    const int is_started = pthread_create(thread, NULL, work, task) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

static int scan_levels(struct scan *scan) {
    struct task tasks[FACE_MOST_THREADS];
    pthread_t others[FACE_MOST_THREADS];
    int32_t started = 1;
    for (int32_t i = 0; i < scan->threads; i++) {
        const struct task task = {scan, &scan->scanner->levels[i], 0, 0};
        tasks[i] = task;
        tasks[i].level->hits = 0;
    }
    while (started < scan->threads && start(&others[started], &tasks[started])) started++;
    work(&tasks[0]);
    while (started > 1) pthread_join(others[--started], NULL);
    return scan->code;
}

/* --- What was found --- */

static size_t count_hits(const struct scan *scan) {
    const struct part *parts = scan->scanner->part_room.bytes;
    size_t count = 0;
    for (int32_t index = 0; index < scan->levels; index++) count += parts[index].end - parts[index].first;
    return count;
}

/* Append what one sub-detector found on all levels, best first: object_detector.h, `operator()`. */
static size_t append_found(struct found *found, size_t count, const struct scan *scan, int32_t detector) {
    const struct part *parts = scan->scanner->part_room.bytes;
    const double threshold = scan->scanner->filters.detector[detector].threshold;
    const size_t first = count;
    for (int32_t index = 0; index < scan->levels; index++) {
        const struct hit *hits = parts[index].level->hit_room.bytes;
        for (size_t i = parts[index].first; i < parts[index].end; i++) {
            if (hits[i].detector != detector) continue;
            const struct found one = {hits[i].score - threshold, detector,
                                      box_of_window(hits[i].row, hits[i].column, index)};
            found[count++] = one;
        }
    }
    found_sort(found + first, count - first);
    return count;
}

static size_t find(struct found *found, const struct scan *scan) {
    const struct face_hog_weights *limits = &scan->scanner->limits;
    size_t count = 0;
    for (int32_t detector = 0; detector < limits->detectors; detector++) {
        count = append_found(found, count, scan, detector);
    }
    if (limits->detectors > 1) found_sort(found, count);
    return found_thin_out(found, count, limits->most_overlap, limits->most_covered);
}

static void copy_found(struct face_detection *detections, const struct found *found, size_t count, int32_t doublings) {
    for (size_t i = 0; i < count; i++) {
        const struct box box = box_before_doubling(found[i].box, doublings);
        const struct face_detection detection = {(int32_t)box.left,   (int32_t)box.top,  (int32_t)box.right,
                                                 (int32_t)box.bottom, found[i].score, found[i].detector};
        detections[i] = detection;
    }
}

static int gather(const struct scan *scan, int32_t doublings, size_t *count) {
    struct face_scanner *scanner = scan->scanner;
    const size_t hits = count_hits(scan);
    if (room_for(&scanner->found_room, hits, sizeof(struct found)) != FACE_OK) return FACE_NO_MEMORY;
    const size_t found = find(scanner->found_room.bytes, scan);
    if (room_for(&scanner->detection_room, found, sizeof(struct face_detection)) != FACE_OK) return FACE_NO_MEMORY;
    copy_found(scanner->detection_room.bytes, scanner->found_room.bytes, found, doublings);
    *count = found;
    return FACE_OK;
}

/* --- The interface --- */

static struct scan scan_of(struct face_scanner *scanner, double least_score, int32_t threads) {
    const struct picture *picture = &scanner->pyramid.pictures[scanner->pyramid.latest];
    struct scan scan;
    memset(&scan, 0, sizeof(scan));
    scan.scanner = scanner;
    scan.least_score = least_score;
    scan.threads = threads;
    scan.levels = box_levels(picture->width, picture->height, scanner->limits.least_level_width,
                             scanner->limits.least_level_height, scanner->limits.most_levels);
    return scan;
}

int face_scan(struct face_scanner *scanner, const uint8_t *pixels, int32_t width, int32_t height, ptrdiff_t stride,
              int32_t doublings, double least_score, int32_t threads, const struct face_detection **detections,
              size_t *count) {
    if (threads < 1 || threads > FACE_MOST_THREADS) return FACE_BAD_SIZE;
    int code = pyramid_begin(&scanner->pyramid, pixels, width, height, stride, doublings);
    if (code != FACE_OK) return code;
    struct scan scan = scan_of(scanner, least_score, threads);
    code = room_for(&scanner->part_room, (size_t)scan.levels, sizeof(struct part));
    if (code != FACE_OK) return code;
    if (pthread_mutex_init(&scan.lock, NULL) != 0) return FACE_NO_MEMORY;
    code = scan_levels(&scan);
    pthread_mutex_destroy(&scan.lock);
    if (code == FACE_OK) code = gather(&scan, doublings, count);
    *detections = scanner->detection_room.bytes;
    return code;
}

int face_scanner_make(const struct face_hog_weights *weights, struct face_scanner **scanner) {
    *scanner = NULL;
    if (face_cpu_lacks() != 0) return FACE_UNSUPPORTED;
    struct room room = {NULL, 0};
    if (room_for(&room, 1, sizeof(struct face_scanner)) != FACE_OK) return FACE_NO_MEMORY;
    struct face_scanner *made = room.bytes;
    memset(made, 0, sizeof(*made));
    made->limits = *weights;
    const int code = filters_make(&made->filters, weights);
    if (code != FACE_OK) {
        free(made);
        return code;
    }
    *scanner = made;
    return FACE_OK;
}

void face_scanner_trim(struct face_scanner *scanner) {
    pyramid_free(&scanner->pyramid);
    for (int32_t i = 0; i < FACE_MOST_THREADS; i++) level_free(&scanner->levels[i]);
    room_free(&scanner->part_room);
    room_free(&scanner->found_room);
    room_free(&scanner->detection_room);
}

void face_scanner_free(struct face_scanner *scanner) {
    if (scanner == NULL) return;
    face_scanner_trim(scanner);
    filters_free(&scanner->filters);
    free(scanner);
}

#else

int face_scanner_make(const struct face_hog_weights *weights, struct face_scanner **scanner) {
    (void)weights;
    *scanner = NULL;
    return FACE_UNSUPPORTED;
}

void face_scanner_free(struct face_scanner *scanner) { (void)scanner; }

void face_scanner_trim(struct face_scanner *scanner) { (void)scanner; }

int face_scan(struct face_scanner *scanner, const uint8_t *pixels, int32_t width, int32_t height, ptrdiff_t stride,
              int32_t doublings, double least_score, int32_t threads, const struct face_detection **detections,
              size_t *count) {
    (void)scanner, (void)pixels, (void)width, (void)height, (void)stride, (void)doublings, (void)least_score;
    (void)threads, (void)detections, (void)count;
    return FACE_UNSUPPORTED;
}

#endif
