// Stands between NIO's event loops and the kernel: this program's `epoll_wait` is the one below, since the linker prefers it to the C library's.
// Sockets that are watched are read before it returns, and NIO hears only of the others and of what more there is to say than that bytes came.
#define _GNU_SOURCE
#include "CSocketWait.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

typedef struct {
    void *reader;
    csocketwait_read read;
} watch;

typedef struct {
    void *owner;
    void (*end)(void *owner);
} ending;

/// A loop has two that ask for it.
enum { most_endings = 8 };

/// Of this thread.
static _Thread_local struct {
    /// By the sockets' numbers.
    watch *watches;
    int room;
    int count;
    bool is_reading;
    int endings_count;
    ending endings[most_endings];
} here;

void csocketwait_watch(int socket, void *reader, csocketwait_read read) {
    if (socket < 0) return;
    if (socket >= here.room) {
        int room = here.room ? here.room : 64;
        while (room <= socket) room *= 2;
        watch *watches = realloc(here.watches, (size_t)room * sizeof(watch));
        // Then NIO reads it.
        if (!watches) return;
        memset(watches + here.room, 0, (size_t)(room - here.room) * sizeof(watch));
        here.watches = watches;
        here.room = room;
    }
    if (!here.watches[socket].read) here.count++;
    here.watches[socket] = (watch){reader, read};
}

void csocketwait_leave(int socket, void *reader) {
    if (socket < 0 || socket >= here.room || !here.watches[socket].read || here.watches[socket].reader != reader) return;
    here.watches[socket] = (watch){0};
    if (--here.count > 0) return;
    free(here.watches);
    here.watches = NULL;
    here.room = 0;
}

bool csocketwait_then(void *owner, void (*end)(void *owner)) {
    if (!here.is_reading || here.endings_count == most_endings) return false;
    here.endings[here.endings_count++] = (ending){owner, end};
    return true;
}

/// Whoever watches the socket of an event. NIO keeps the socket's number in the lower half of its data. Were that to change, or the number another's
/// by now, its reader would find nothing as a rule, and what it finds would be its own.
static watch watch_of(const struct epoll_event *event) {
    uint32_t socket = (uint32_t)event->data.u64;
    return socket < (uint32_t)here.room ? here.watches[socket] : (watch){0};
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
    int ready = epoll_pwait(epoll, events, most, timeout, NULL);
    if (ready <= 0 || here.count == 0) return ready;
    int left = 0;
    // What NIO must hear of one socket comes before what is read of those behind it: a request must not go to a connection that is known to be over.
    bool is_left = false;
    here.is_reading = true;
    for (int place = 0; place < ready; place++) {
        watch found = watch_of(&events[place]);
        if (found.read && !is_left) {
            if (events[place].events == EPOLLIN && found.read(found.reader)) continue;
            is_left = true;
        }
        events[left++] = events[place];
    }
    // What ends may have more to end.
    for (int place = 0; place < here.endings_count; place++) here.endings[place].end(here.endings[place].owner);
    here.endings_count = 0;
    here.is_reading = false;
    return left;
}
