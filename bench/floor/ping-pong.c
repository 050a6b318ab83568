/* The minimum on this machine: one process sends BYTES bytes over one connection and waits until another process has sent
 * them back, again and again. Usage: ping-pong unix|tcp BYTES SECONDS; prints one line of JSON. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAMPLES 4000000
#define CHUNK_BYTES 65536

static int bytes;

static long long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void tcp_pair(int pair[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0) die("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  pair[0] = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(pair[0], (struct sockaddr *)&address, length) < 0) die("connect");
  pair[1] = accept(listener, NULL, NULL);
  for (int i = 0; i < 2; i++) setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void send_whole(int fd, const char *data, int length) {
  for (int sent = 0; sent < length;) {
    int n = write(fd, data + sent, length - sent);
    if (n <= 0) die("write");
    sent += n;
  }
}

static void echo(int fd) {
  static char buffer[CHUNK_BYTES];
  for (int n; (n = read(fd, buffer, sizeof buffer)) > 0;) send_whole(fd, buffer, n);
  exit(0);
}

/* A payload may be larger than the buffers of both directions, so read while writing. */
static void exchange(int fd, const char *payload) {
  static char buffer[CHUNK_BYTES];
  for (int sent = 0, got = 0; got < bytes;) {
    if (sent < bytes) {
      int part = bytes - sent < CHUNK_BYTES ? bytes - sent : CHUNK_BYTES;
      send_whole(fd, payload, part);
      sent += part;
    }
    int window = sent < bytes ? MSG_DONTWAIT : 0;
    int n = recv(fd, buffer, sizeof buffer, window);
    if (n > 0) got += n;
    else if (!window) die("read");
    if (sent - got > CHUNK_BYTES && (n = recv(fd, buffer, sizeof buffer, 0)) > 0) got += n;
  }
}

static int compare(const void *a, const void *b) {
  long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: ping-pong unix|tcp BYTES SECONDS\n"), 64;
  bytes = atoi(argv[2]);
  int pair[2];
  if (strcmp(argv[1], "tcp") == 0) tcp_pair(pair);
  else if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) die("socketpair");
  pid_t child = fork();
  if (child == 0) close(pair[0]), echo(pair[1]);
  close(pair[1]);
  char *payload = calloc(1, bytes);
  long long *samples = malloc(MAX_SAMPLES * sizeof *samples), end = now_ns() + (long long)(atof(argv[3]) * 1e9);
  int count = 0;
  for (long long sent = now_ns(); sent < end && count < MAX_SAMPLES;) {
    exchange(pair[0], payload);
    long long received = now_ns();
    samples[count++] = received - sent;
    sent = received;
  }
  close(pair[0]);
  waitpid(child, NULL, 0);
  qsort(samples, count, sizeof *samples, compare);
  printf("{\"exchanges\":%d,\"p50Us\":%.1f,\"p99Us\":%.1f}\n", count, samples[count / 2] / 1e3, samples[count * 99 / 100] / 1e3);
  return 0;
}
