// Goes before the AMX sources of ggml, for GCC.
//
// GCC 12.2 says of `ldtilecfg` that it reads one pointer of the 64 bytes which it reads, so the rest of
// a tile configuration is never stored and the first tile instruction faults. It also says of
// `tileloadd` that it reads no memory, so a store to the tile may come after it. Here both say what
// they read; in a GCC that does so already this changes nothing.
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>

struct __attribute__((may_alias)) konform_tile_configuration {
    unsigned char bytes[64];
};

static inline void konform_load_tile_configuration(const void * from) {
    const struct konform_tile_configuration * whole =
        (const struct konform_tile_configuration *) from;
    __asm__ volatile("ldtilecfg %0" : : "m"(*whole));
}

#undef _tile_loadconfig
#define _tile_loadconfig konform_load_tile_configuration

#ifdef _tile_loadd_internal
#undef _tile_loadd
#define _tile_loadd(tile, from, stride)           \
    do {                                          \
        __asm__ volatile("" : : : "memory");      \
        _tile_loadd_internal(tile, from, stride); \
    } while (0)
#endif
#endif
