/* Opens TLS connections to 127.0.0.1, one after the other in each thread, and sends one request over each. Every handshake
 * is a full one, or resumes the session of the connection before it in its thread. `resumed` in the output counts what the
 * server really did (SSL_session_reused). TLS 1.3 with one cipher suite and one group, so that all servers do the same.
 * Status and length of every response are checked.
 * Usage: handshakes full|resumed PATH PORT BYTES CONNECTIONS SECONDS; prints one line of JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES 65536
#define MAX_PER_THREAD 65536
#define TIMEOUT_SECONDS 5

struct client {
  pthread_t thread;
  long n_done, failures, resumed;
  long long latencies[MAX_PER_THREAD];
};

static SSL_CTX *context;
static char request[512];
static long body_bytes;
static int port, resumes;
static long long until_ns;

static long long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int connected(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

/* Reads until the server closes, as the request asks it to. */
static int gets_good_response(SSL *ssl) {
  char buffer[BUFFER_BYTES + 1];
  size_t got = 0, n;
  while (got < BUFFER_BYTES && SSL_read_ex(ssl, buffer + got, BUFFER_BYTES - got, &n)) got += n;
  buffer[got] = 0;
  char *end = strstr(buffer, "\r\n\r\n");
  return strncmp(buffer, "HTTP/1.1 200 ", 13) == 0 && end && (long)(got - (end + 4 - buffer)) == body_bytes;
}

/* One connection with one request. Leaves the session for the next connection: its tickets come before the response. */
static int exchange(struct client *client, SSL_SESSION **session) {
  int fd = connected(), is_good = 0;
  if (fd < 0) return 0;
  SSL *ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  if (*session) SSL_set_session(ssl, *session);
  if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, strlen(request)) > 0) {
    is_good = gets_good_response(ssl);
    if (SSL_session_reused(ssl)) client->resumed++;
    SSL_shutdown(ssl);
    if (resumes) {
      SSL_SESSION_free(*session);
      *session = SSL_get1_session(ssl);
    }
  }
  SSL_free(ssl);
  close(fd);
  return is_good;
}

static void *run(void *argument) {
  struct client *client = argument;
  SSL_SESSION *session = NULL;
  for (long long start = now_ns(); start < until_ns && client->n_done < MAX_PER_THREAD; start = now_ns()) {
    if (!exchange(client, &session)) client->failures++;
    client->latencies[client->n_done++] = now_ns() - start;
  }
  SSL_SESSION_free(session);
  return NULL;
}

static int compare(const void *a, const void *b) {
  long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 7) return fprintf(stderr, "usage: handshakes full|resumed PATH PORT BYTES CONNECTIONS SECONDS\n"), 64;
  resumes = strcmp(argv[1], "resumed") == 0;
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", argv[2]);
  port = atoi(argv[3]), body_bytes = atol(argv[4]);
  int n_clients = atoi(argv[5]);
  signal(SIGPIPE, SIG_IGN);
  context = SSL_CTX_new(TLS_client_method());
  if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
      !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") || !SSL_CTX_set1_groups_list(context, "X25519"))
    return fprintf(stderr, "OpenSSL lacks TLS 1.3, its cipher suite or X25519\n"), 1;
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); /* only the server is measured */

  struct client *clients = calloc(n_clients, sizeof *clients);
  long long start = now_ns(), *latencies, n_done = 0;
  until_ns = start + (long long)(atof(argv[6]) * 1e9);
  for (int i = 0; i < n_clients; i++)
    if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0) return fprintf(stderr, "no thread\n"), 1;
  for (int i = 0; i < n_clients; i++) pthread_join(clients[i].thread, NULL);
  double seconds = (now_ns() - start) / 1e9;

  long failures = 0, resumed = 0;
  latencies = calloc((size_t)n_clients * MAX_PER_THREAD, sizeof *latencies);
  for (int i = 0; i < n_clients; i++) {
    memcpy(latencies + n_done, clients[i].latencies, clients[i].n_done * sizeof *latencies);
    n_done += clients[i].n_done, failures += clients[i].failures, resumed += clients[i].resumed;
  }
  qsort(latencies, n_done, sizeof *latencies, compare);
  printf("{\"requests\":%lld,\"seconds\":%f,\"p50Us\":%lld,\"p99Us\":%lld,\"failures\":%ld,\"resumed\":%ld}\n", n_done, seconds,
         n_done ? latencies[(n_done - 1) / 2] / 1000 : 0, n_done ? latencies[(n_done - 1) * 99 / 100] / 1000 : 0, failures,
         resumed);
  return 0;
}
