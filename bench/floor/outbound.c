/* The load on the way out: connections to a Unix socket that carry HTTP, TLS, or a CONNECT and then TLS. One thread for each
 * connection sends one request after the other, a GET or a POST with a body, or all connections are opened and then held.
 * TLS 1.3 with one cipher suite and one group, so that all servers do the same. Status and length of every response are
 * checked.
 * Usage: outbound load http|tls|HOST:PORT SOCKET GET|POST PATH BYTES CONNECTIONS SECONDS; prints one line of JSON.
 *        outbound hold http|tls|HOST:PORT SOCKET GET|POST|none PATH BYTES CONNECTIONS 0; does the handshakes, then one
 *        request on each connection unless it is `none`; prints how many connections are open, and ends when stdin does.
 * HOST:PORT is that of the CONNECT. */
#define _GNU_SOURCE
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES 65536
#define MAX_PER_THREAD 65536
#define TIMEOUT_SECONDS 10
#define STACK_BYTES 262144

struct connection {
  int fd;
  SSL *ssl; /* NULL: none */
};

struct client {
  pthread_t thread;
  long n_done, failures;
  long long latencies[MAX_PER_THREAD];
};

static SSL_CTX *context;
static struct sockaddr_un server = {.sun_family = AF_UNIX};
static const char *way;
static char head[512], connect_head[512];
static int has_body;
static long bytes;
static long long until_ns;

static long long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long receive(struct connection *one, char *buffer, size_t size) {
  size_t n;
  if (one->ssl) return SSL_read_ex(one->ssl, buffer, size, &n) ? (long)n : -1;
  return recv(one->fd, buffer, size, 0);
}

static int send_all(struct connection *one, const char *from, size_t size) {
  size_t n;
  if (one->ssl) return SSL_write_ex(one->ssl, from, size, &n) && n == size;
  while (size > 0) {
    ssize_t part = send(one->fd, from, size, MSG_NOSIGNAL);
    if (part <= 0) return 0;
    from += part, size -= part;
  }
  return 1;
}

static void end(struct connection *one) {
  SSL_free(one->ssl);
  if (one->fd >= 0) close(one->fd);
  *one = (struct connection){.fd = -1};
}

static int tunnel(int fd) {
  char response[512] = "";
  size_t got = 0;
  if (send(fd, connect_head, strlen(connect_head), MSG_NOSIGNAL) < 0) return 0;
  while (got < sizeof response - 1 && !strstr(response, "\r\n\r\n")) {
    ssize_t n = recv(fd, response + got, sizeof response - 1 - got, 0);
    if (n <= 0) return 0;
    response[got += n] = 0;
  }
  return strncmp(response, "HTTP/1.1 200 ", 13) == 0;
}

static int begin(struct connection *one) {
  struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
  *one = (struct connection){.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
  if (one->fd < 0) return 0;
  setsockopt(one->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(one->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (connect(one->fd, (struct sockaddr *)&server, sizeof server) < 0) return end(one), 0;
  if (strcmp(way, "http") == 0) return 1;
  if (strcmp(way, "tls") != 0 && !tunnel(one->fd)) return end(one), 0;
  one->ssl = SSL_new(context);
  SSL_set_fd(one->ssl, one->fd);
  SSL_set_tlsext_host_name(one->ssl, "localhost");
  if (SSL_connect(one->ssl) == 1) return 1;
  return end(one), 0;
}

/* Length of the body, or -1 for a response without one or with another status than 200. */
static long body_bytes(const char *from) {
  const char *field = strcasestr(from, "\r\ncontent-length:");
  return strncmp(from, "HTTP/1.1 200 ", 13) == 0 && field ? atol(field + 17) : -1;
}

/* One request and its response. */
static int exchange(struct connection *one, char *buffer) {
  if (!send_all(one, head, strlen(head))) return 0;
  memset(buffer, 'x', has_body ? BUFFER_BYTES : 0);
  for (long left = has_body ? bytes : 0; left > 0; left -= BUFFER_BYTES)
    if (!send_all(one, buffer, left < BUFFER_BYTES ? left : BUFFER_BYTES)) return 0;
  long got = 0;
  char *rest = NULL;
  for (*buffer = 0; got < BUFFER_BYTES && !rest; rest = strstr(buffer, "\r\n\r\n")) {
    long n = receive(one, buffer + got, BUFFER_BYTES - got);
    if (n <= 0) return 0;
    buffer[got += n] = 0;
  }
  if (!rest) return 0;
  *rest = 0;
  long expected = body_bytes(buffer);
  if (expected < 0 || (!has_body && expected != bytes)) return 0;
  long left = expected - (got - (rest + 4 - buffer));
  while (left > 0) {
    long n = receive(one, buffer, BUFFER_BYTES);
    if (n <= 0) return 0;
    left -= n;
  }
  return left == 0;
}

static void *run(void *argument) {
  struct client *client = argument;
  struct connection one = {.fd = -1};
  char *buffer = malloc(BUFFER_BYTES + 1);
  while (now_ns() < until_ns && client->n_done < MAX_PER_THREAD) {
    if (one.fd < 0 && !begin(&one)) {
      client->failures++;
      usleep(1000);
      continue;
    }
    long long start = now_ns();
    if (!exchange(&one, buffer)) client->failures++, end(&one);
    client->latencies[client->n_done++] = now_ns() - start;
  }
  end(&one);
  free(buffer);
  return NULL;
}

static int compare(const void *a, const void *b) {
  long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

static int load(int n_clients, double for_seconds) {
  struct client *clients = calloc(n_clients, sizeof *clients);
  long long start = now_ns(), *latencies, n_done = 0;
  long failures = 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  until_ns = start + (long long)(for_seconds * 1e9);
  for (int i = 0; i < n_clients; i++)
    if (pthread_create(&clients[i].thread, &attributes, run, &clients[i]) != 0) return fprintf(stderr, "no thread\n"), 1;
  for (int i = 0; i < n_clients; i++) pthread_join(clients[i].thread, NULL);
  double seconds = (now_ns() - start) / 1e9;
  latencies = calloc((size_t)n_clients * MAX_PER_THREAD, sizeof *latencies);
  for (int i = 0; i < n_clients; i++) {
    memcpy(latencies + n_done, clients[i].latencies, clients[i].n_done * sizeof *latencies);
    n_done += clients[i].n_done, failures += clients[i].failures;
  }
  qsort(latencies, n_done, sizeof *latencies, compare);
  printf("{\"requests\":%lld,\"seconds\":%f,\"p50Us\":%lld,\"p99Us\":%lld,\"failures\":%ld}\n", n_done, seconds,
         n_done ? latencies[(n_done - 1) / 2] / 1000 : 0, n_done ? latencies[(n_done - 1) * 99 / 100] / 1000 : 0, failures);
  return 0;
}

static int hold(int count, int has_request) {
  struct connection one;
  char *buffer = malloc(BUFFER_BYTES + 1);
  for (int i = 0; i < count; i++)
    if (!begin(&one) || (has_request && !exchange(&one, buffer)))
      return fprintf(stderr, "connection %d of %d failed\n", i + 1, count), 1;
  printf("%d\n", count);
  fflush(stdout);
  while (read(STDIN_FILENO, buffer, BUFFER_BYTES) > 0) continue;
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 9) return fprintf(stderr, "usage: outbound load|hold WAY SOCKET METHOD PATH BYTES CONNECTIONS SECONDS\n"), 64;
  way = argv[2], bytes = atol(argv[6]);
  strncpy(server.sun_path, argv[3], sizeof server.sun_path - 1);
  has_body = strcmp(argv[4], "POST") == 0;
  int used = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost\r\n", argv[4], argv[5]);
  if (has_body) used += snprintf(head + used, sizeof head - used, "Content-Length: %ld\r\n", bytes);
  snprintf(head + used, sizeof head - used, "\r\n");
  snprintf(connect_head, sizeof connect_head, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", way, way);
  signal(SIGPIPE, SIG_IGN);
  context = SSL_CTX_new(TLS_client_method());
  if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
      !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") || !SSL_CTX_set1_groups_list(context, "X25519"))
    return fprintf(stderr, "OpenSSL lacks TLS 1.3, its cipher suite or X25519\n"), 1;
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); /* only what is between client and server is measured */
  if (strcmp(argv[1], "hold") == 0) return hold(atoi(argv[7]), strcmp(argv[4], "none") != 0);
  return load(atoi(argv[7]), atof(argv[8]));
}
