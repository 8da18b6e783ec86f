/* The least that a FastCGI service can do: how fast nginx and libfcgi are
 * when nothing stands behind them. Eight processes, as the service has. */
#include <unistd.h>

#include <fcgiapp.h>

int main(void)
{
    FCGX_Request request;

    for (int i = 1; i < 8; i++)
        if (fork() == 0)
            break;
    FCGX_Init();
    FCGX_InitRequest(&request, 0, 0);
    while (FCGX_Accept_r(&request) == 0)
        FCGX_PutS("Content-Type: text/plain\r\n\r\nhello\n", request.out);
    return 0;
}
