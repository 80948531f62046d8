#ifndef SLUICE_CCURL_H
#define SLUICE_CCURL_H

// Swift cannot call variadic functions: each kind of argument gets a function of its own. The compiler's checks of the argument types
// work on constants only, so they are off; the names say what an option must take.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

// Not in Swift's Glibc module.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

// CURLOPT_QUICK_EXIT (7.87): without it a call that is dropped while its host name is being looked up blocks every other call.
#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed"
static inline void ccurl_name_thread(const char *name) {
    prctl(PR_SET_NAME, name);
}

#endif

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline void ccurl_on_header(CURL *easy, curl_write_callback callback, void *context) {
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, callback);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
}

static inline void ccurl_on_body(CURL *easy, curl_write_callback callback, void *context) {
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callback);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
}

static inline void ccurl_on_request(CURL *easy, curl_prereq_callback callback, void *context) {
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callback);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, context);
}

static inline void ccurl_on_open(CURL *easy, curl_opensocket_callback callback, void *context) {
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context);
}

static inline void ccurl_on_close(CURL *easy, curl_closesocket_callback callback, void *context) {
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, callback);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, context);
}

static inline void *ccurl_context(CURL *easy) {
    char *context = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context);
    return context;
}

static inline long ccurl_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value;
}

static inline curl_off_t ccurl_get_offset(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value;
}

static inline void ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    curl_multi_setopt(multi, option, value);
}

static inline void ccurl_multi_on_socket(CURLM *multi, curl_socket_callback callback, void *context) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
}

static inline void ccurl_multi_on_timer(CURLM *multi, curl_multi_timer_callback callback, void *context) {
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

// The next transfer that is over, or NULL.
static inline CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *result) {
    int left;
    CURLMsg *message = curl_multi_info_read(multi, &left);
    if (!message || message->msg != CURLMSG_DONE) return NULL;
    *result = message->data.result;
    return message->easy_handle;
}

static inline void ccurl_share(CURLSH *share, curl_lock_data what) {
    curl_share_setopt(share, CURLSHOPT_SHARE, what);
}

static inline void ccurl_name_thread(const char *name) {
    prctl(PR_SET_NAME, name);
}

#endif
