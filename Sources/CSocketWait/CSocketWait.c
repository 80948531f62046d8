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
} watched;

typedef struct {
    void *owner;
    void (*end)(void *owner);
} pending;

enum { most_ends = 8 };

/// Of this thread.
static _Thread_local struct {
    /// By the sockets' numbers.
    watched *sockets;
    int room;
    int count;
    bool is_reading;
    int ends_count;
    pending ends[most_ends];
} turn;

void csocketwait_watch(int socket, void *reader, csocketwait_read read) {
    if (socket < 0) return;
    if (socket >= turn.room) {
        int room = turn.room ? turn.room : 64;
        while (room <= socket) room *= 2;
        watched *sockets = realloc(turn.sockets, (size_t)room * sizeof(watched));
        // Then NIO reads it.
        if (!sockets) return;
        memset(sockets + turn.room, 0, (size_t)(room - turn.room) * sizeof(watched));
        turn.sockets = sockets;
        turn.room = room;
    }
    if (!turn.sockets[socket].read) turn.count++;
    turn.sockets[socket] = (watched){reader, read};
}

void csocketwait_leave(int socket) {
    if (socket < 0 || socket >= turn.room || !turn.sockets[socket].read) return;
    turn.sockets[socket] = (watched){0};
    if (--turn.count > 0) return;
    free(turn.sockets);
    turn.sockets = NULL;
    turn.room = 0;
}

bool csocketwait_then(void *owner, void (*end)(void *owner)) {
    if (!turn.is_reading || turn.ends_count == most_ends) return false;
    turn.ends[turn.ends_count++] = (pending){owner, end};
    return true;
}

/// Whether the event was only that bytes came, and they were read.
static bool is_read(const struct epoll_event *event) {
    if (event->events != EPOLLIN) return false;
    // NIO keeps the socket's number in the lower half. Were that to change, or the number another's by now, the read would find nothing as a rule,
    // and what it finds would be its own.
    uint32_t socket = (uint32_t)event->data.u64;
    if (socket >= (uint32_t)turn.room) return false;
    watched watched = turn.sockets[socket];
    return watched.read && watched.read(watched.reader);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
    int ready = epoll_pwait(epoll, events, most, timeout, NULL);
    if (ready <= 0 || turn.count == 0) return ready;
    int left = 0;
    turn.is_reading = true;
    for (int place = 0; place < ready; place++) {
        if (!is_read(&events[place])) events[left++] = events[place];
    }
    // What ends may have more to end.
    for (int place = 0; place < turn.ends_count; place++) turn.ends[place].end(turn.ends[place].owner);
    turn.ends_count = 0;
    turn.is_reading = false;
    return left;
}
