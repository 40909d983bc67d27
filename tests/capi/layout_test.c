/* Sizes and offsets stay what programs were compiled with; the header is C11. */
#include "flowlens/flowlens.h"

#define SIZE(type, octets) _Static_assert(sizeof(type) == (octets), "the size of " #type " has changed");
#define OFFSET(type, member, octets) \
  _Static_assert(offsetof(type, member) == (octets), #type "." #member " has moved");

#if defined(__x86_64__) || defined(__aarch64__)
#include "layout.inc"
#endif

_Static_assert(FLOWLENS_OK == 0, "zero is success");
_Static_assert(sizeof(flowlens_error) == 512, "errors have one size for ever");
_Static_assert(sizeof(flowlens_address) == 16 && sizeof(flowlens_id) == 16, "values are their octets");

int main(void) { return 0; }
