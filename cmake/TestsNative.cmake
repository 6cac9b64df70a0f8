# SPDX-License-Identifier: Apache-2.0
# Tests of the native engine that are programs of their own.
set(native_support "${WEIGHBRIDGE_TESTS}/support/random_graph.cpp" "${WEIGHBRIDGE_TESTS}/support/graph_runs.cpp")
if(NOT WEIGHBRIDGE_SANITIZE)  # they have their own allocators, and one forbids system calls
    foreach(name quiet edges)
        wb_test_program(native_${name}_test
            SOURCES "${WEIGHBRIDGE_TESTS}/fault/native_${name}_test.cpp" ${native_support} LIBRARIES weighbridge_plan)
        add_test(NAME native.${name} COMMAND native_${name}_test)
    endforeach()
endif()

# Plans of this version, which later ones must read and answer alike.
wb_test_program(plan_fixtures
    SOURCES "${WEIGHBRIDGE_TESTS}/fixtures/plan_fixtures.cpp" ${native_support} LIBRARIES weighbridge_plan)
add_test(NAME plan.fixtures COMMAND plan_fixtures "${WEIGHBRIDGE_TESTS}/fixtures/plans")
