// Load generator for what wrk cannot do: an open loop, whose latency counts from the intended time
// of sending; connections that are held; TLS handshakes without resumption.
//   load rate PORT REQFILE CONNS RATE SECS WARM   one JSON line: rps, percentiles (us), failures
//   load idle PORT REQFILE CONNS HOLD_SECS        one request each, prints "ready ok=N", holds
//   load tlsidle PORT REQFILE CONNS HOLD_SECS     the same over TLS 1.3
//   load tlsnew PORT REQFILE THREADS SECS         one handshake and one request a connection
// REQFILE: requests separated by a line that holds only "%%".
// cc -O2 -o load load.c -lssl -lcrypto -lpthread
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
static char *reqs[4096];
static int rlen[4096], nreq;
static int port;
static long ok, non2xx, errs;
static int secs;
static long long now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}
static void load(const char *f) {
    FILE *p = fopen(f, "rb");
    if (!p) {
        perror(f);
        exit(1);
    }
    static char b[32 << 20];
    size_t n = fread(b, 1, sizeof b - 1, p);
    b[n] = 0;
    char *s = b;
    while (*s && nreq < 4096) {
        char *e = strstr(s, "\n%%\n");
        int l = e ? e - s : (int)strlen(s);
        reqs[nreq] = s;
        rlen[nreq++] = l;
        if (!e)
            break;
        s = e + 4;
    }
}
static int dial(int nb) {
    int f = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &one, 4);
    if (connect(f, (void *)&a, sizeof a)) {
        close(f);
        return -1;
    }
    if (nb)
        fcntl(f, F_SETFL, O_NONBLOCK);
    return f;
}
typedef struct {
    int fd, busy, got, hdr;
    long need;
    long long t0;
    char b[4096];
} C;
static int cmp(const void *a, const void *b) {
    unsigned x = *(unsigned *)a, y = *(unsigned *)b;
    return x < y ? -1 : x > y;
}
// returns status when a whole response has been read, 0 if more is needed, -1 on error
static int rd(C *c) {
    for (;;) {
        if (c->hdr) {
            char s[65536];
            while (c->need > 0) {
                ssize_t n = recv(c->fd, s, c->need < 65536 ? c->need : 65536, 0);
                if (n <= 0)
                    return n < 0 && errno == EAGAIN ? 0 : -1;
                c->need -= n;
            }
            int st = c->hdr;
            c->hdr = 0;
            c->got = 0;
            return st;
        }
        ssize_t n = recv(c->fd, c->b + c->got, sizeof c->b - 1 - c->got, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        c->got += n;
        c->b[c->got] = 0;
        char *e = strstr(c->b, "\r\n\r\n");
        if (!e) {
            if (c->got > 4000)
                return -1;
            continue;
        }
        int st = atoi(c->b + 9);
        char *cl = strcasestr(c->b, "\r\ncontent-length:");
        long have = c->got - (e + 4 - c->b);
        if (cl && cl < e) {
            c->need = atol(cl + 17) - have;
            c->hdr = st;
        } else if (memmem(e, c->got - (e - c->b), "0\r\n\r\n", 5)) {
            c->got = 0;
            return st;
        }
    }
}
static void *tlsthr(void *x) {
    long id = (long)x;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set1_groups_list(ctx, "X25519");
    long long end = now_us() + secs * 1000000LL;
    long i = id * 7;
    char b[8192];
    while (now_us() < end) {
        int f = dial(0);
        if (f < 0) {
            __sync_fetch_and_add(&errs, 1);
            continue;
        }
        SSL *s = SSL_new(ctx);
        SSL_set_fd(s, f);
        SSL_set_tlsext_host_name(s, "localhost");
        int st = -1;
        if (SSL_connect(s) == 1) {
            int k = i++ % nreq;
            if (SSL_write(s, reqs[k], rlen[k]) > 0) {
                int n = SSL_read(s, b, sizeof b - 1);
                if (n > 12) {
                    b[n] = 0;
                    st = atoi(b + 9);
                }
            }
        }
        if (st >= 200 && st < 300)
            __sync_fetch_and_add(&ok, 1);
        else if (st > 0)
            __sync_fetch_and_add(&non2xx, 1);
        else
            __sync_fetch_and_add(&errs, 1);
        SSL_free(s);
        struct linger l = {1, 0};
        setsockopt(f, SOL_SOCKET, SO_LINGER, &l, sizeof l);
        close(f);
    }
    return 0;
}
// A TLS connection that has made one request; 1 when it was answered with 2xx.
static int hold_tls(SSL_CTX *ctx, int i) {
    char b[8192];
    int f = dial(0);
    if (f < 0)
        return 0;
    SSL *s = SSL_new(ctx);
    SSL_set_fd(s, f);
    if (SSL_connect(s) != 1 || SSL_write(s, reqs[i % nreq], rlen[i % nreq]) <= 0)
        return 0;
    int n = SSL_read(s, b, sizeof b - 1);
    if (n <= 12)
        return 0;
    b[n] = 0;
    return atoi(b + 9) / 100 == 2;
}
static int tlsidle(int n, int hold) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    for (int i = 0; i < n; i++)
        ok += hold_tls(ctx, i);
    printf("ready ok=%ld\n", ok);
    fflush(stdout);
    sleep(hold);
    return 0;
}
int main(int ac, char **av) {
    if (ac < 6)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    port = atoi(av[2]);
    load(av[3]);
    int n = atoi(av[4]);
    if (!strcmp(av[1], "tlsnew")) {
        secs = atoi(av[5]);
        pthread_t t[256];
        long long t0 = now_us();
        for (long i = 0; i < n; i++)
            pthread_create(t + i, 0, tlsthr, (void *)i);
        for (int i = 0; i < n; i++)
            pthread_join(t[i], 0);
        double el = (now_us() - t0) / 1e6;
        printf("{\"rps\":%.1f,\"ok\":%ld,\"non2xx\":%ld,\"errors\":%ld}\n", (ok + non2xx) / el, ok,
               non2xx, errs);
        return 0;
    }
    if (!strcmp(av[1], "tlsidle"))
        return tlsidle(n, atoi(av[5]));
    C *c = calloc(n, sizeof(C));
    int ep = epoll_create1(0);
    int dead = 0;
    for (int i = 0; i < n; i++) {
        c[i].fd = dial(1);
        if (c[i].fd < 0) {
            errs++;
            dead++;
            continue;
        }
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e);
        if (i % 200 == 199)
            usleep(2000);
    }
    int idle = !strcmp(av[1], "idle");
    double rate = idle ? 4000 : atof(av[5]);
    double S = idle ? (double)n / rate : atof(av[6]), W = idle ? 0 : atof(av[7]);
    int *fr = malloc(n * sizeof(int)), nf = 0, head = 0;
    for (int i = 0; i < n; i++)
        if (c[i].fd >= 0)
            fr[nf++] = i; // FIFO ring of free connections
    int cap = n, cnt = nf;
    size_t maxs = (size_t)(rate * (S + W)) + 1000;
    unsigned *lat = malloc(maxs * 4);
    size_t nl = 0;
    long sent = 0, unsent = 0, r = 0;
    long done_ok = 0;
    long long start = now_us(), wend = start + (long long)(W * 1e6),
              end = wend + (long long)(S * 1e6), hard = end + 5000000;
    static struct epoll_event ev[1024];
    struct epoll_event *evp = ev;
    long total = (long)(rate * (S + W));
    if (idle)
        total = nf;
    for (;;) {
        long long t = now_us();
        while (sent + unsent < total) {
            long long due = start + (long long)((sent + unsent) * 1e6 / rate);
            if (due > t)
                break;
            if (!cnt)
                break;
            int i = fr[head];
            head = (head + 1) % cap;
            cnt--;
            int k = r++ % nreq;
            c[i].t0 = due;
            c[i].busy = 1;
            c[i].got = c[i].hdr = 0;
            if (send(c[i].fd, reqs[k], rlen[k], MSG_NOSIGNAL) != rlen[k]) {
                errs++;
                close(c[i].fd);
                c[i].fd = dial(1);
                if (c[i].fd < 0)
                    dead++;
                else {
                    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
                    epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e);
                    c[i].busy = 0;
                    fr[(head + cnt++) % cap] = i;
                }
            }
            sent++;
        }
        if (sent >= total && done_ok + non2xx + errs >= sent)
            break;
        if (t > hard)
            break;
        int w = epoll_wait(ep, evp, 1024, 1);
        t = now_us();
        for (int j = 0; j < w; j++) {
            int i = evp[j].data.u32;
            int st = rd(&c[i]);
            if (!st)
                continue;
            if (st < 0) {
                if (c[i].busy)
                    errs++;
                close(c[i].fd);
                int was = c[i].busy;
                c[i].busy = 0;
                c[i].got = c[i].hdr = 0;
                c[i].fd = dial(1);
                if (c[i].fd < 0) {
                    dead++;
                    continue;
                }
                struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
                epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e);
                if (was)
                    fr[(head + cnt++) % cap] = i;
                continue;
            }
            c[i].busy = 0;
            fr[(head + cnt++) % cap] = i;
            if (st / 100 == 2)
                done_ok++;
            else
                non2xx++;
            if (c[i].t0 >= wend && nl < maxs)
                lat[nl++] = (unsigned)(t - c[i].t0);
        }
    }
    if (idle) {
        printf("ready ok=%ld non2xx=%ld errors=%ld dead=%d\n", done_ok, non2xx, errs, dead);
        fflush(stdout);
        sleep(atoi(av[5]));
        return 0;
    }
    qsort(lat, nl, 4, cmp);
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
#define P(q) (nl ? lat[(size_t)((nl - 1) * q)] : 0)
    printf(
        "{\"rps\":%.1f,\"n\":%zu,\"ok\":%ld,\"p50\":%u,\"p90\":%u,\"p99\":%u,\"p999\":%u,\"max\":%"
        "u,\"non2xx\":%ld,\"errors\":%ld,\"unanswered\":%ld,\"dead\":%d,\"total\":%ld}\n",
        nl / S, nl, done_ok, P(.5), P(.9), P(.99), P(.999), P(1.0), non2xx, errs,
        sent - done_ok - non2xx - errs + (total - sent), dead, total);
    return 0;
}
