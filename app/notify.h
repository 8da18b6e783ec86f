/* Tells whoever supervises the service how it is: sd_notify(3) in a few lines.
 * Messages go to the datagram socket NOTIFY_SOCKET; without it there are none.
 */
#ifndef NEWSFEED_NOTIFY_H
#define NEWSFEED_NOTIFY_H

/* Such as "READY=1"; several have '\n' between. Up to 255 bytes. Waits for a
 * second at most; what could not be sent is logged. */
void notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A sign of life, if a watchdog wants it (WATCHDOG_USEC). */
void notify_alive(void);

#endif
