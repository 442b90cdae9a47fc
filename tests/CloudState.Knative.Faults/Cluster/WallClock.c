// Preloaded into a pod: its wall clock is off by the number of seconds in the file that CLOUDSTATE_FAULTS_OFFSET names, and jumps when
// that number changes. Its monotonic clock is the true one. (libfaketime would do, but makes .NET's timed waits spin.)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;
static int (*true_time)(clockid_t, struct timespec *);

__attribute__((constructor)) static void open_offset(void)
{
    const char *name = getenv("CLOUDSTATE_FAULTS_OFFSET");
    int file = name ? open(name, O_RDONLY) : -1;
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    offset = page == MAP_FAILED ? NULL : page;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (!true_time)
        true_time = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = true_time(clock, time);
    if (result == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec += *offset;
    return result;
}
