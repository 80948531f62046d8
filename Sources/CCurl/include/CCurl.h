#pragma once

// Swift cannot call variadic functions: each kind of argument gets a function of its own. The compiler's checks of the argument types
// work on constants only, so they are off; the names say what an option must take.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

// Not in Swift's Glibc module.
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// Loads libcurl; to be called once, before any other function here.
///
/// It brings thirty libraries of its own, a tenth of a start, so that a program that calls nobody over TLS is better off without.
///
/// - Returns: NULL, or what went wrong.
const char *ccurl_load(void);

CURL *ccurl_easy_init(void);
void ccurl_easy_cleanup(CURL *easy);
CURLcode ccurl_easy_pause(CURL *easy, int mask);
const char *ccurl_easy_strerror(CURLcode code);
CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value);
CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *value);
void ccurl_on_header(CURL *easy, curl_write_callback callback, void *context);
void ccurl_on_body(CURL *easy, curl_write_callback callback, void *context);
void ccurl_on_request(CURL *easy, curl_prereq_callback callback, void *context);
void ccurl_on_open(CURL *easy, curl_opensocket_callback callback, void *context);
void ccurl_on_close(CURL *easy, curl_closesocket_callback callback, void *context);
void *ccurl_context(CURL *easy);
long ccurl_get_long(CURL *easy, CURLINFO info);
curl_off_t ccurl_get_offset(CURL *easy, CURLINFO info);

CURLM *ccurl_multi_init(void);
void ccurl_multi_cleanup(CURLM *multi);
CURLMcode ccurl_multi_add_handle(CURLM *multi, CURL *easy);
void ccurl_multi_remove_handle(CURLM *multi, CURL *easy);
void ccurl_multi_socket_action(CURLM *multi, curl_socket_t socket, int mask);
void ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);
void ccurl_multi_on_socket(CURLM *multi, curl_socket_callback callback, void *context);
void ccurl_multi_on_timer(CURLM *multi, curl_multi_timer_callback callback, void *context);
/// The next transfer that is over, or NULL.
CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *result);

CURLSH *ccurl_share_init(void);
void ccurl_share_cleanup(CURLSH *share);
void ccurl_share(CURLSH *share, curl_lock_data what);

/// Names the calling thread.
void ccurl_name_thread(const char *name);
