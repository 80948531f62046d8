#pragma once

/// Whether the kernel's clock is kept in step by a time server: 1 or 0, or -1 where it does not tell.
///
/// `error` is set to the most that the clock may be off, in microseconds.
int cclock_is_in_step(long *error);
