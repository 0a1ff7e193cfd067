// Tiny epoll HTTP/1.1 backend for the bench (single thread, keep-alive, no allocation per request).
// First path segment after the route picks the answer; matching is by substring of the request
// line:
//   /2k -> 2048 B JSON   /1m -> 1 MiB   /d100 -> 256 B after 100 ms   /hang -> never answers   else
//   256 B JSON
// Request bodies: Content-Length or chunked (drained, not kept). cc -O2 -o backend backend.c
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#define IB 16384
typedef struct conn {
    int fd;
    int in;
    long skip;
    int chunked;
    const char *out;
    size_t outlen, outoff;
    unsigned gen;
    int closing;
    char buf[IB];
} conn;
typedef struct {
    int fd;
    unsigned gen;
    long long due;
} delayed;
static conn *conns[200000];
static unsigned gens[200000];
static delayed *dq;
static size_t dh, dt, dcap = 1 << 17;
static int ep;
static char *r256, *r2k, *r1m;
static size_t l256, l2k, l1m;
static long long now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}
static char *mk(size_t body, size_t *len) {
    char *p = malloc(body + 256);
    int h = sprintf(
        p, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        body);
    char *b = p + h;
    memset(b, 'x', body);
    memcpy(b, "{\"data\":\"", 9);
    memcpy(b + body - 2, "\"}", 2);
    *len = h + body;
    return p;
}
static void closec(conn *c) {
    gens[c->fd]++;
    conns[c->fd] = 0;
    close(c->fd);
    free(c);
}
static int flushc(conn *c) {
    while (c->outoff < c->outlen) {
        ssize_t n = send(c->fd, c->out + c->outoff, c->outlen - c->outoff, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN) {
                struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.fd = c->fd};
                epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
                return 1;
            }
            return -1;
        }
        c->outoff += n;
    }
    if (c->out) {
        int big = c->outlen > 200000;
        c->out = 0;
        if (big) {
            struct epoll_event e = {.events = EPOLLIN, .data.fd = c->fd};
            epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
        }
    }
    return 0;
}
static void answer(conn *c, const char *r, size_t l) {
    c->out = r;
    c->outlen = l;
    c->outoff = 0;
}
static int has(const char *h, size_t n, const char *s) {
    return memmem(h, n, s, strlen(s)) != 0;
}
// returns -1 close, 0 need more, 1 consumed one request
static int step(conn *c) {
    if (c->out)
        return 0;
    if (c->chunked) { // drain until terminating chunk
        char *p = memmem(c->buf, c->in, "0\r\n\r\n", 5);
        if (!p) {
            if (c->in > 8) {
                memmove(c->buf, c->buf + c->in - 8, 8);
                c->in = 8;
            }
            return 0;
        }
        int k = p + 5 - c->buf;
        memmove(c->buf, c->buf + k, c->in - k);
        c->in -= k;
        c->chunked = 0;
        answer(c, r2k, l2k);
        return flushc(c) < 0 ? -1 : 1;
    }
    char *e = memmem(c->buf, c->in, "\r\n\r\n", 4);
    if (!e)
        return c->in >= IB ? -1 : 0;
    size_t h = e + 4 - c->buf;
    char *nl = memchr(c->buf, '\n', h);
    size_t rl = nl - c->buf;
    long cl = 0;
    char *p = nl + 1;
    while (p < e) {
        char *q = memchr(p, '\n', e + 2 - p);
        if (!q)
            break;
        if ((p[0] | 32) == 'c' && !strncasecmp(p, "content-length:", 15))
            cl = atol(p + 15);
        else if ((p[0] | 32) == 't' && !strncasecmp(p, "transfer-encoding:", 18))
            c->chunked = 1;
        else if ((p[0] | 32) == 'c' && !strncasecmp(p, "connection: close", 17))
            c->closing = 1;
        p = q + 1;
    }
    if (c->chunked) {
        memmove(c->buf, c->buf + h, c->in - h);
        c->in -= h;
        return step(c);
    }
    const char *r = r256;
    size_t l = l256;
    int kind = 0;
    if (has(c->buf, rl, "/2k"))
        r = r2k, l = l2k;
    else if (has(c->buf, rl, "/1m"))
        r = r1m, l = l1m;
    else if (has(c->buf, rl, "/d100"))
        kind = 1;
    else if (has(c->buf, rl, "/hang"))
        kind = 2;
    long rest = c->in - (long)h;
    if (rest >= cl) {
        memmove(c->buf, c->buf + h + cl, rest - cl);
        c->in = rest - cl;
    } else {
        c->skip = cl - rest;
        c->in = 0;
    }
    if (kind == 2)
        return 1;
    if (kind == 1) {
        dq[dt % dcap] = (delayed){c->fd, c->gen, now_us() + 100000};
        dt++;
        return 1;
    }
    answer(c, r, l);
    if (c->skip)
        return 1;
    return flushc(c) < 0 ? -1 : 1;
}
static void readable(conn *c) {
    char sink[65536];
    for (;;) {
        if (c->skip > 0) {
            ssize_t n = recv(c->fd, sink, c->skip < 65536 ? c->skip : 65536, 0);
            if (n == 0 || (n < 0 && errno != EAGAIN)) {
                closec(c);
                return;
            }
            if (n < 0)
                return;
            c->skip -= n;
            if (c->skip == 0 && c->out && flushc(c) < 0) {
                closec(c);
                return;
            }
            continue;
        }
        ssize_t n = recv(c->fd, c->buf + c->in, IB - c->in, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            closec(c);
            return;
        }
        if (n < 0)
            return;
        int full = n == IB - c->in;
        c->in += n;
        int s;
        while ((s = step(c)) == 1 && c->in > 0)
            ;
        if (s < 0) {
            closec(c);
            return;
        }
        if (c->closing && !c->out) {
            closec(c);
            return;
        }
        if (!full && c->skip == 0)
            return;
    }
}
int main(int ac, char **av) {
    int port = ac > 1 ? atoi(av[1]) : 9000;
    signal(SIGPIPE, SIG_IGN);
    r256 = mk(256, &l256);
    r2k = mk(2048, &l2k);
    r1m = mk(1 << 20, &l1m);
    dq = malloc(sizeof(delayed) * dcap);
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, 4);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(ls, (void *)&a, sizeof a) || listen(ls, 65535)) {
        perror("bind");
        return 1;
    }
    ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = ls};
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    static struct epoll_event ev[1024];
    for (;;) {
        int to = -1;
        if (dh != dt) {
            long long w = dq[dh % dcap].due - now_us();
            to = w <= 0 ? 0 : (int)((w + 999) / 1000);
        }
        int n = epoll_wait(ep, ev, 1024, to);
        for (int i = 0; i < n; i++) {
            int fd = ev[i].data.fd;
            if (fd == ls) {
                int f;
                while ((f = accept4(ls, 0, 0, SOCK_NONBLOCK)) >= 0) {
                    if (f >= 200000) {
                        close(f);
                        continue;
                    }
                    setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &one, 4);
                    conn *c = malloc(sizeof *c);
                    memset(c, 0, offsetof(conn, buf));
                    c->fd = f;
                    c->gen = ++gens[f];
                    conns[f] = c;
                    struct epoll_event x = {.events = EPOLLIN, .data.fd = f};
                    epoll_ctl(ep, EPOLL_CTL_ADD, f, &x);
                }
                continue;
            }
            conn *c = conns[fd];
            if (!c)
                continue;
            if ((ev[i].events & EPOLLOUT) && c->out) {
                int s = flushc(c);
                if (s < 0) {
                    closec(c);
                    continue;
                }
                if (c->closing && !c->out) {
                    closec(c);
                    continue;
                }
            }
            if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                readable(c);
        }
        if (dh != dt) {
            long long t = now_us();
            while (dh != dt && dq[dh % dcap].due <= t) {
                delayed d = dq[dh++ % dcap];
                conn *c = conns[d.fd];
                if (c && c->gen == d.gen) {
                    answer(c, r256, l256);
                    if (flushc(c) < 0)
                        closec(c);
                    else if (c->closing && !c->out)
                        closec(c);
                }
            }
        }
    }
}
