#pragma once
#include <stdbool.h>

/// Reads from a socket that is readable; false where it took nothing, so that the event is left to who waits.
typedef bool (*csocketwait_read)(void *reader);

/// Has `read` called with `reader` before an `epoll_wait` of this thread returns that found the socket readable, and nothing else to say of it.
///
/// To be ended with `csocketwait_leave`, at the latest when the socket is closed.
void csocketwait_watch(int socket, void *reader, csocketwait_read read);

/// Ends it, unless another reader has the socket by now. To be called on the same thread.
void csocketwait_leave(int socket, void *reader);

/// Has `end` called with `owner` when all that one `epoll_wait` found was read; false where nothing is being read on this thread, or too many
/// wait for the end already.
bool csocketwait_then(void *owner, void (*end)(void *owner));
