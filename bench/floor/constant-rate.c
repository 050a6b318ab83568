/* Sends requests at fixed times over keep-alive connections to 127.0.0.1, however long the responses take. A request
 * without a free connection waits, and its time counts from when it was due: a stall counts for every request that it
 * delays (coordinated omission corrected). Status and length of every response are checked.
 * Usage: constant-rate PATH PORT BYTES CONNECTIONS RATE SECONDS; prints one line of JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES 65536
#define HEAD_BYTES 4096
#define GIVE_UP_NS 5000000000LL

struct connection {
  int fd;
  int busy;
  long long due;
  long got;
  long expected; /* length of head and body; 0 until the head is complete */
  char head[HEAD_BYTES + 1];
};

static struct connection *connections;
static int *available, n_available, n_connections, epoll_fd;
static char request[512], buffer[BUFFER_BYTES];
static long body_bytes, failures, n_done;
static long long *latencies;
static int port;

static long long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void open_connection(int i) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
  connections[i].fd = fd;
}

static void release(int i) {
  connections[i].busy = 0;
  available[n_available++] = i;
}

static void responded(int i, int is_good) {
  latencies[n_done++] = now_ns() - connections[i].due;
  if (!is_good) failures++;
  release(i);
}

static void send_request(int i, long long due) {
  connections[i].busy = 1;
  connections[i].due = due;
  connections[i].got = connections[i].expected = 0;
  size_t length = strlen(request);
  if (send(connections[i].fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) failures++;
}

/* Length of the whole response, 0 while the head is incomplete, -1 for a wrong response. */
static long expected_bytes(char *head) {
  char *end = strstr(head, "\r\n\r\n");
  if (!end) return 0;
  char *field = strcasestr(head, "\r\ncontent-length:");
  int is_good = strncmp(head, "HTTP/1.1 200 ", 13) == 0 && field && field < end && atol(field + 17) == body_bytes;
  return is_good ? end + 4 - head + body_bytes : -1;
}

static void broken(int i) {
  close(connections[i].fd);
  open_connection(i);
  if (connections[i].busy) responded(i, 0);
}

static void receive(int i) {
  struct connection *one = &connections[i];
  ssize_t length = recv(one->fd, buffer, sizeof buffer, 0);
  if (length <= 0 || !one->busy) return broken(i);
  if (one->expected == 0) {
    long room = HEAD_BYTES - one->got, part = length < room ? length : room;
    memcpy(one->head + one->got, buffer, part);
    one->head[one->got + part] = 0;
    one->expected = expected_bytes(one->head);
  }
  one->got += length;
  if (one->expected < 0) broken(i);
  else if (one->expected > 0 && one->got >= one->expected) responded(i, one->got == one->expected);
}

static int compare(const void *a, const void *b) {
  long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

static long long percentile_us(double percent) {
  return n_done == 0 ? 0 : latencies[(long)((n_done - 1) * percent / 100)] / 1000;
}

int main(int argc, char **argv) {
  if (argc != 7) return fprintf(stderr, "usage: constant-rate PATH PORT BYTES CONNECTIONS RATE SECONDS\n"), 64;
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[1]);
  port = atoi(argv[2]), body_bytes = atol(argv[3]), n_connections = atoi(argv[4]);
  double rate = atof(argv[5]), seconds = atof(argv[6]);
  long total = (long)(rate * seconds), sent = 0;
  connections = calloc(n_connections, sizeof *connections);
  available = calloc(n_connections, sizeof *available);
  latencies = calloc(total + n_connections, sizeof *latencies);
  epoll_fd = epoll_create1(0);
  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct epoll_event tick = {.events = EPOLLIN, .data.u32 = n_connections}, events[64];
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer, &tick);
  for (int i = 0; i < n_connections; i++) open_connection(i), release(i);

  long long start = now_ns() + 10000000, give_up = start + (long long)(seconds * 1e9) + GIVE_UP_NS;
  while (n_done < total && now_ns() < give_up) {
    long long due = start + (long long)(sent * 1e9 / rate);
    for (; sent < total && n_available > 0 && due <= now_ns(); due = start + (long long)(++sent * 1e9 / rate))
      send_request(available[--n_available], due);
    if (sent < total && n_available > 0) {
      struct itimerspec at = {.it_value = {due / 1000000000LL, due % 1000000000LL}};
      timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
    }
    int n = epoll_wait(epoll_fd, events, 64, 100);
    for (int k = 0; k < n; k++) {
      if ((int)events[k].data.u32 == n_connections) {
        if (read(timer, buffer, 8) < 0 && errno != EAGAIN) die("timer");
      } else receive(events[k].data.u32);
    }
  }
  qsort(latencies, n_done, sizeof *latencies, compare);
  printf("{\"requests\":%ld,\"seconds\":%f,\"p50Us\":%lld,\"p99Us\":%lld,\"failures\":%ld}\n", n_done, seconds,
         percentile_us(50), percentile_us(99), failures + total - n_done);
  return 0;
}
