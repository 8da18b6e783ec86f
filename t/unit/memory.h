/* Memory that ends when a test says so, in the libraries as well. To be
 * included by one file of a program: it replaces malloc and its like. */
#ifndef NEWSFEED_TEST_MEMORY_H
#define NEWSFEED_TEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);

/* The C library's, and ASan's where that is linked. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__interceptor_malloc(size_t size) __attribute__((weak));
extern void *__interceptor_calloc(size_t count, size_t size)
    __attribute__((weak));
extern void *__interceptor_realloc(void *block, size_t size)
    __attribute__((weak));

static struct {
    int left; /* allocations that succeed; -1: all of them */
    bool is_lasting;
    bool has_ended;
} memory = {.left = -1};

/* After so many more allocations the next one fails, or all that follow. */
static inline void memory_end_after(int allocations, bool is_lasting)
{
    memory.has_ended = false;
    memory.is_lasting = is_lasting;
    memory.left = allocations;
}

/* There is enough again. Whether there was not. */
static inline bool memory_restore(void)
{
    memory.left = -1;
    return memory.has_ended;
}

/* Attempts something over and over, with its first allocation failing, then
 * its second, until it makes no more: each alone, and with all that follow. How
 * often that was. */
static inline int memory_try_each(void (*attempt)(void))
{
    int times = 0;

    for (int is_lasting = 0; is_lasting <= 1; is_lasting++)
        for (int i = 0;; i++, times++) {
            memory_end_after(i, is_lasting);
            attempt();
            if (!memory_restore())
                break;
        }
    return times;
}

static bool memory_is_there(void)
{
    if (memory.left < 0 || memory.left-- > 0)
        return true;
    memory.has_ended = true;
    memory.left = memory.is_lasting ? 0 : -1;
    return false;
}

void *malloc(size_t size)
{
    if (!memory_is_there())
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size)
                                : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (!memory_is_there())
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(count, size)
                                : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    if (!memory_is_there())
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(block, size)
                                 : __libc_realloc(block, size);
}

#endif
