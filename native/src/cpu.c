/* What this library is, and whether this CPU can run it. */
#include "face_native.h"

int face_abi(void) { return FACE_ABI; }

#if defined(__x86_64__)

#include <cpuid.h>

/* Bits of CPUID and XCR0, Intel SDM volumes 1 (14.3, 14.7.1) and 2A (CPUID). */
static const unsigned LEAF_1_ECX_FMA = 1u << 12;
static const unsigned LEAF_1_ECX_OSXSAVE = 1u << 27;
static const unsigned LEAF_7_EBX_AVX2 = 1u << 5;
static const unsigned XCR0_SSE_AND_AVX = 6;

/* Which registers the operating system saves. Only where CPUID says OSXSAVE. */
static unsigned saved_registers(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

int face_cpu_lacks(void) {
    unsigned eax, ebx, ecx, edx;
    const int both = FACE_LACKS_AVX2 | FACE_LACKS_FMA;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & LEAF_1_ECX_OSXSAVE)) return both;
    if ((saved_registers() & XCR0_SSE_AND_AVX) != XCR0_SSE_AND_AVX) return both;
    int lacks = ecx & LEAF_1_ECX_FMA ? 0 : FACE_LACKS_FMA;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ebx & LEAF_7_EBX_AVX2)) lacks |= FACE_LACKS_AVX2;
    return lacks;
}

#else

int face_cpu_lacks(void) { return FACE_LACKS_X86_64; }

#endif
