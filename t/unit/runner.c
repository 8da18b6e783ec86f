/* The main of every test program: its tests, each in a process of its own. */
#include <errno.h>
#include <stdlib.h>

#include "runner.h"

int main(void)
{
    Suite *suite = suite_create(program_invocation_short_name);
    TCase *tests = tcase_create(program_invocation_short_name);
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    add_tests(tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
