// The kernel's word on how exact its clock is, which Swift's Glibc leaves out.
#include "CClock.h"
#include <sys/timex.h>

int cclock_is_in_step(long *error) {
    struct timex state = {0};
    int code = adjtimex(&state);
    *error = state.maxerror;
    if (code < 0) return -1;
    return code != TIME_ERROR && !(state.status & STA_UNSYNC);
}
