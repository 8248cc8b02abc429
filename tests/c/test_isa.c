/* SPDX-License-Identifier: Apache-2.0 */
#include <margin_core/isa.h>

#include "check.h"

static void the_first_copy_is_the_one_that_every_processor_runs(void)
{
    CHECK(strcmp(mc_isa_at(0), "generic") == 0);
}

static void every_copy_can_be_selected_by_name(void)
{
    const char *name;
    for (size_t i = 0; (name = mc_isa_at(i)) != NULL; ++i) {
        CHECK(mc_isa_select(name, NULL) == MC_OK);
        CHECK(strcmp(mc_isa(), name) == 0);
    }
}

static void an_unknown_name_is_an_error_and_changes_nothing(void)
{
    const char *before = mc_isa();
    mc_error err;
    CHECK(mc_isa_select("mmx", &err) == MC_ERR_ARGUMENT);
    CHECK(strstr(err.message, "mmx") != NULL);
    CHECK(mc_isa_select(NULL, NULL) == MC_ERR_ARGUMENT);
    CHECK(mc_isa() == before);
}

static void every_status_has_a_name_of_its_own(void)
{
    for (int a = 0; a < MC_STATUS_END; ++a)
        for (int b = 0; b < a; ++b)
            CHECK(strcmp(mc_status_name((mc_status)a), mc_status_name((mc_status)b)) != 0);
    CHECK(strcmp(mc_status_name(MC_STATUS_END), "MC_ERR_UNKNOWN") == 0);
}

int main(void)
{
    RUN(the_first_copy_is_the_one_that_every_processor_runs);
    RUN(every_copy_can_be_selected_by_name);
    RUN(an_unknown_name_is_an_error_and_changes_nothing);
    RUN(every_status_has_a_name_of_its_own);
    return REPORT();
}
