/* Sorting as `std::sort(list.rbegin(), list.rend())` of libstdc++ does it, and thinning out.
 *
 * Equal scores are common: flat or repeating pictures have thousands. A sort that is not stable leaves them in an order
 * of its own, and which of two overlapping boxes stays depends on it. So this takes libstdc++'s steps: median-of-three
 * quicksort down to pieces of 16, heap sort where that goes too deep, insertion at the end. It has been that since
 * GCC 4.9 and is part of what dlib gives on Linux. */
#include "found.h"

enum { SMALL_PIECE = 16 };

/* The list from its end: item 0 is the last, and the sort ascends. */
struct backwards {
    struct found *end;
};

static struct found *item(struct backwards list, ptrdiff_t index) { return list.end - 1 - index; }

static int is_less(const struct found *a, const struct found *b) { return a->score < b->score; }

static void swap(struct found *a, struct found *b) {
    const struct found kept = *a;
    *a = *b;
    *b = kept;
}

/* --- Insertion --- */

/* Let item `index` sink below all that are larger; one that is not must lie somewhere before it. */
static void sink(struct backwards list, ptrdiff_t index) {
    const struct found kept = *item(list, index);
    for (; is_less(&kept, item(list, index - 1)); index--) *item(list, index) = *item(list, index - 1);
    *item(list, index) = kept;
}

/* The same where the first item may be larger. */
static void insert(struct backwards list, ptrdiff_t first, ptrdiff_t index) {
    const struct found kept = *item(list, index);
    if (!is_less(&kept, item(list, first))) {
        sink(list, index);
        return;
    }
    for (; index > first; index--) *item(list, index) = *item(list, index - 1);
    *item(list, first) = kept;
}

static void finish_by_insertion(struct backwards list, ptrdiff_t count) {
    ptrdiff_t index = 1;
    for (; index < count && index < SMALL_PIECE; index++) insert(list, 0, index);
    for (; index < count; index++) sink(list, index);
}

/* --- Heap --- */

static void rise(struct backwards list, ptrdiff_t first, ptrdiff_t hole, ptrdiff_t top, struct found kept) {
    ptrdiff_t parent = (hole - 1) / 2;
    while (hole > top && is_less(item(list, first + parent), &kept)) {
        *item(list, first + hole) = *item(list, first + parent);
        hole = parent;
        parent = (hole - 1) / 2;
    }
    *item(list, first + hole) = kept;
}

static void fill_hole(struct backwards list, ptrdiff_t first, ptrdiff_t hole, ptrdiff_t count, struct found kept) {
    const ptrdiff_t top = hole;
    ptrdiff_t child = hole;
    while (child < (count - 1) / 2) {
        child = 2 * (child + 1);
        if (is_less(item(list, first + child), item(list, first + child - 1))) child--;
        *item(list, first + hole) = *item(list, first + child);
        hole = child;
    }
    if (count % 2 == 0 && child == (count - 2) / 2) {
        child = 2 * (child + 1);
        *item(list, first + hole) = *item(list, first + child - 1);
        hole = child - 1;
    }
    rise(list, first, hole, top, kept);
}

static void sort_by_heap(struct backwards list, ptrdiff_t first, ptrdiff_t end) {
    ptrdiff_t count = end - first;
    for (ptrdiff_t parent = (count - 2) / 2; parent >= 0; parent--) {
        fill_hole(list, first, parent, count, *item(list, first + parent));
    }
    while (count > 1) {
        count--;
        const struct found kept = *item(list, first + count);
        *item(list, first + count) = *item(list, first);
        fill_hole(list, first, 0, count, kept);
    }
}

/* --- Quicksort --- */

static void median_to_first(struct backwards list, ptrdiff_t first, ptrdiff_t end) {
    struct found *a = item(list, first + 1), *b = item(list, first + (end - first) / 2), *c = item(list, end - 1);
    struct found *median;
    if (is_less(a, b)) {
        median = is_less(b, c) ? b : is_less(a, c) ? c : a;
    } else {
        median = is_less(a, c) ? a : is_less(b, c) ? c : b;
    }
    swap(item(list, first), median);
}

/* Part the items behind `first` by that one; returns where the larger ones begin. */
static ptrdiff_t part(struct backwards list, ptrdiff_t first, ptrdiff_t end) {
    const struct found *pivot = item(list, first);
    ptrdiff_t low = first + 1, high = end;
    for (;;) {
        while (is_less(item(list, low), pivot)) low++;
        do high--;
        while (is_less(pivot, item(list, high)));
        if (low >= high) return low;
        swap(item(list, low), item(list, high));
        low++;
    }
}

static void sort_roughly(struct backwards list, ptrdiff_t first, ptrdiff_t end, int depth) {
    for (; end - first > SMALL_PIECE; depth--) {
        if (depth == 0) {
            sort_by_heap(list, first, end);
            return;
        }
        median_to_first(list, first, end);
        const ptrdiff_t cut = part(list, first, end);
        sort_roughly(list, cut, end, depth - 1);
        end = cut;
    }
}

void found_sort(struct found *found, size_t count) {
    if (count < 2) return;
    const struct backwards list = {found + count};
    int depth = 0;
    for (size_t rest = count; rest > 1; rest /= 2) depth += 2;
    sort_roughly(list, 0, (ptrdiff_t)count, depth);
    finish_by_insertion(list, (ptrdiff_t)count);
}

/* --- Thinning out --- */

size_t found_thin_out(struct found *found, size_t count, double most_overlap, double most_covered) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t better = 0;
        while (better < kept && !boxes_overlap(found[better].box, found[i].box, most_overlap, most_covered)) better++;
        if (better == kept) found[kept++] = found[i];
    }
    return kept;
}
