#include "CCurl.h"
#include <dlfcn.h>
#include <sys/prctl.h>

// CURLOPT_QUICK_EXIT (7.87): without it a call that is dropped while its host name is being looked up blocks every other call.
#define OLDEST 0x075700
#if LIBCURL_VERSION_NUM < OLDEST
#error "libcurl 7.87 or newer is needed"
#endif

// Each of libcurl's functions that is called here.
#define EACH(DO)                                                                                                                              \
    DO(global_init)                                                                                                                           \
    DO(version_info)                                                                                                                          \
    DO(easy_init)                                                                                                                             \
    DO(easy_cleanup)                                                                                                                          \
    DO(easy_pause)                                                                                                                            \
    DO(easy_strerror)                                                                                                                         \
    DO(easy_setopt)                                                                                                                           \
    DO(easy_getinfo)                                                                                                                          \
    DO(multi_init)                                                                                                                            \
    DO(multi_cleanup)                                                                                                                         \
    DO(multi_add_handle)                                                                                                                      \
    DO(multi_remove_handle)                                                                                                                   \
    DO(multi_socket_action)                                                                                                                   \
    DO(multi_setopt)                                                                                                                          \
    DO(multi_info_read)                                                                                                                       \
    DO(share_init)                                                                                                                            \
    DO(share_cleanup)                                                                                                                         \
    DO(share_setopt)

static struct {
#define FIELD(name) __typeof__(curl_##name) *name;
    EACH(FIELD)
} curl;

const char *ccurl_load(void) {
    // The name of its interface since 2006, whatever its version.
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
#define FIND(name)                                                                                                                            \
    curl.name = (__typeof__(curl.name))dlsym(library, "curl_" #name);                                                                         \
    if (!curl.name) return dlerror();
    EACH(FIND)
    if (curl.version_info(CURLVERSION_NOW)->version_num < OLDEST) return "libcurl.so.4: older than 7.87";
    return curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? NULL : "libcurl.so.4: it does not start";
}

CURL *ccurl_easy_init(void) { return curl.easy_init(); }

void ccurl_easy_cleanup(CURL *easy) { curl.easy_cleanup(easy); }

CURLcode ccurl_easy_pause(CURL *easy, int mask) { return curl.easy_pause(easy, mask); }

const char *ccurl_easy_strerror(CURLcode code) { return curl.easy_strerror(code); }

CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) { return curl.easy_setopt(easy, option, value); }

CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) { return curl.easy_setopt(easy, option, value); }

CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value) { return curl.easy_setopt(easy, option, value); }

CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *value) { return curl.easy_setopt(easy, option, value); }

void ccurl_on_header(CURL *easy, curl_write_callback callback, void *context) {
    curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, callback);
    curl.easy_setopt(easy, CURLOPT_HEADERDATA, context);
}

void ccurl_on_body(CURL *easy, curl_write_callback callback, void *context) {
    curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, callback);
    curl.easy_setopt(easy, CURLOPT_WRITEDATA, context);
}

void ccurl_on_request(CURL *easy, curl_prereq_callback callback, void *context) {
    curl.easy_setopt(easy, CURLOPT_PREREQFUNCTION, callback);
    curl.easy_setopt(easy, CURLOPT_PREREQDATA, context);
}

void ccurl_on_open(CURL *easy, curl_opensocket_callback callback, void *context) {
    curl.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
    curl.easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context);
}

void ccurl_on_close(CURL *easy, curl_closesocket_callback callback, void *context) {
    curl.easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, callback);
    curl.easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, context);
}

void *ccurl_context(CURL *easy) {
    char *context = NULL;
    curl.easy_getinfo(easy, CURLINFO_PRIVATE, &context);
    return context;
}

long ccurl_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    curl.easy_getinfo(easy, info, &value);
    return value;
}

curl_off_t ccurl_get_offset(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    curl.easy_getinfo(easy, info, &value);
    return value;
}

CURLM *ccurl_multi_init(void) { return curl.multi_init(); }

void ccurl_multi_cleanup(CURLM *multi) { curl.multi_cleanup(multi); }

CURLMcode ccurl_multi_add_handle(CURLM *multi, CURL *easy) { return curl.multi_add_handle(multi, easy); }

void ccurl_multi_remove_handle(CURLM *multi, CURL *easy) { curl.multi_remove_handle(multi, easy); }

void ccurl_multi_socket_action(CURLM *multi, curl_socket_t socket, int mask) {
    int running;
    curl.multi_socket_action(multi, socket, mask, &running);
}

void ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) { curl.multi_setopt(multi, option, value); }

void ccurl_multi_on_socket(CURLM *multi, curl_socket_callback callback, void *context) {
    curl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
    curl.multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
}

void ccurl_multi_on_timer(CURLM *multi, curl_multi_timer_callback callback, void *context) {
    curl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
    curl.multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *result) {
    int left;
    CURLMsg *message = curl.multi_info_read(multi, &left);
    if (!message || message->msg != CURLMSG_DONE) return NULL;
    *result = message->data.result;
    return message->easy_handle;
}

CURLSH *ccurl_share_init(void) { return curl.share_init(); }

void ccurl_share_cleanup(CURLSH *share) { curl.share_cleanup(share); }

void ccurl_share(CURLSH *share, curl_lock_data what) { curl.share_setopt(share, CURLSHOPT_SHARE, what); }

void ccurl_name_thread(const char *name) { prctl(PR_SET_NAME, name); }
