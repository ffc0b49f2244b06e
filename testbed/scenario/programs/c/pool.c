/*
 * An HTTP server whose main thread waits for requests with epoll and queues
 * them, and whose POOL workers wait on a condition variable, take a request,
 * call the delay server on a connection of their own, and reply.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 1024, QUEUE_MAX = 4096 };

struct job {
	int fd;
	char id[64];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct job jobs[QUEUE_MAX];
	unsigned head, tail;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER };

static int epoll;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in address(const char *host_key, const char *port_key)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_port = htons((unsigned short)atoi(getenv(port_key)));
	if (inet_pton(AF_INET, host_key ? getenv(host_key) : "127.0.0.1", &a.sin_addr) != 1)
		die("address");
	return a;
}

static void put(const struct job *job)
{
	pthread_mutex_lock(&queue.lock);
	if (queue.tail - queue.head == QUEUE_MAX)
		die("queue is full");
	queue.jobs[queue.tail++ % QUEUE_MAX] = *job;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
}

static struct job take(void)
{
	struct job job;

	pthread_mutex_lock(&queue.lock);
	while (queue.head == queue.tail)
		pthread_cond_wait(&queue.filled, &queue.lock);
	job = queue.jobs[queue.head++ % QUEUE_MAX];
	pthread_mutex_unlock(&queue.lock);
	return job;
}

/* Reads until an empty line and the body of 3 bytes that the delay server sends. */
static void read_reply(int fd)
{
	char buf[REQUEST_MAX + 1];
	size_t have = 0;

	for (;;) {
		ssize_t n = read(fd, buf + have, REQUEST_MAX - have);

		if (n <= 0)
			die("read reply");
		have += (size_t)n;
		buf[have] = 0;
		char *body = strstr(buf, "\r\n\r\n");
		if (body && have - (size_t)(body + 4 - buf) >= 3)
			return;
	}
}

static void call(int fd, const char *id)
{
	char buf[REQUEST_MAX];
	int n = snprintf(buf, sizeof(buf), "GET /b1?id=%s HTTP/1.1\r\nHost: delay\r\n\r\n", id);

	if (write(fd, buf, (size_t)n) != n)
		die("write call");
	read_reply(fd);
}

static void watch(int fd, int op)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT, .data.fd = fd };

	if (epoll_ctl(epoll, op, fd, &e))
		die("epoll_ctl");
}

static void *work(void *unused)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
	struct sockaddr_in to = address("DELAY_HOST", "DELAY_PORT");
	int backend = socket(AF_INET, SOCK_STREAM, 0);

	(void)unused;
	if (connect(backend, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	for (;;) {
		struct job job = take();

		call(backend, job.id);
		if (write(job.fd, reply, sizeof(reply) - 1) < 0)
			close(job.fd);
		else
			watch(job.fd, EPOLL_CTL_MOD);
	}
	return NULL;
}

/* A request of the load generator arrives in one piece: it is far smaller than a segment. */
static void read_request(int fd)
{
	char buf[REQUEST_MAX + 1];
	struct job job = { .fd = fd };
	ssize_t n = read(fd, buf, REQUEST_MAX);

	if (n <= 0) {
		close(fd);
		return;
	}
	buf[n] = 0;
	char *id = strstr(buf, "id=");
	if (!id || sscanf(id + 3, "%63[^ &]", job.id) != 1)
		die("request without id");
	put(&job);
}

static int listener(void)
{
	struct sockaddr_in at = address(NULL, "PORT");
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1024))
		die("listen");
	return fd;
}

int main(void)
{
	int from = listener();

	signal(SIGPIPE, SIG_IGN);
	epoll = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN, .data.fd = from };
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, from, &e))
		die("epoll");
	for (int i = atoi(getenv("POOL")); i > 0; i--) {
		pthread_t t;
		if (pthread_create(&t, NULL, work, NULL))
			die("pthread_create");
	}
	for (;;) {
		struct epoll_event ready[64];
		int n = epoll_wait(epoll, ready, 64, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == from)
				watch(accept(from, NULL, NULL), EPOLL_CTL_ADD);
			else
				read_request(ready[i].data.fd);
		}
	}
}
